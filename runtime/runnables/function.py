"""Functions as runnables.

A function is looked at once, when it is wrapped: whether it is a coroutine function or a generator function, and
whether it takes `config` and `run_manager`. A runnable that it returns is run in its place.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, cast

from ..exceptions import CoercionError
from .base import Input, Output, Runnable
from .composed import Composed
from .config import DEFAULT_RECURSION_LIMIT, RunnableConfig
from .describing import Describing
from .io import Io, fold
from .io_loop import is_async

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RunnableLambda", "chain"]


class _Shape:
    """What must be known of a function to call it.

    Args:
        function: The function.
    """

    __slots__ = ("asynchronous", "function", "generates", "plain", "wants_config", "wants_manager")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        bare = function
        while isinstance(bare, functools.partial):
            bare = bare.func
        called = bare if inspect.isroutine(bare) else getattr(bare, "__call__", bare)  # noqa: B004
        self.generates = inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)
        self.asynchronous = inspect.isasyncgenfunction(called) or is_async(function)
        try:
            parameters = inspect.signature(function).parameters
        except (TypeError, ValueError):  # some builtins have none
            parameters = {}  # type: ignore[assignment]  # an empty mapping will do
        self.wants_config = "config" in parameters
        self.wants_manager = "run_manager" in parameters
        self.plain = not (self.generates or self.asynchronous or self.wants_config or self.wants_manager)

    def arguments(self, io: Io) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.wants_config:
            made["config"] = io.config()
        if self.wants_manager:
            made["run_manager"] = io.manager
        return made


class RunnableLambda(Composed[Input, Output], Generic[Input, Output]):
    """A function, or a pair of a blocking and an async one, as a runnable.

    Blocking calls use `func`; calls on an event loop use `afunc`, else `func` in a worker thread. A generator function
    streams what it yields; its output is the sum.

    Args:
        func: A function, coroutine function, generator function or async generator function of one argument; it may
            also take `config` and `run_manager`.
        afunc: The async function, where `func` is the blocking one.
        name: The name of its runs; the function's name when not given, `RunnableLambda` for a lambda.

    Raises:
        TypeError: If `func` is not callable, or both are async.
    """

    def __init__(
        self, func: Callable[..., Any], afunc: Callable[..., Any] | None = None, name: str | None = None
    ) -> None:
        if not callable(func):
            raise TypeError(f"RunnableLambda was given {func!r}; give a function of one argument.")
        shape = _Shape(func)
        self._shape: _Shape | None = None if shape.asynchronous else shape
        self._ashape: _Shape | None = shape if shape.asynchronous else None
        if afunc is not None:
            if shape.asynchronous:
                raise TypeError(
                    f"Both func and afunc are async: {func!r}, {afunc!r}; give the async one as afunc alone."
                )
            self._ashape = _Shape(afunc)
        self.func = func
        self.afunc = afunc or (func if shape.asynchronous else None)
        named = getattr(func, "__name__", None) or getattr(getattr(func, "func", None), "__name__", None)
        self.name = name or (named if named and named != "<lambda>" else None)

    def __repr__(self) -> str:
        return f"RunnableLambda({_source_of(self.func)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableLambda) and (self.func, self.afunc) == (other.func, other.afunc)

    def __hash__(self) -> int:
        return hash((self.func, self.afunc))

    def _types(self) -> tuple[Any, Any]:
        from .schemas import function_types

        return function_types(self.func)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of what the function takes: its hint, else the keys that it reads from a mapping.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import keys_read, model_of_fields

        keys = keys_read(self.func) if self.InputType is Any else []
        if keys:
            return model_of_fields(self.get_name("Input"), dict.fromkeys(keys, (Any, ...)))
        return super().get_input_schema(config)

    @property
    def deps(self) -> list[Runnable[Any, Any]]:
        """The runnables that the function uses, from where it was written."""
        from .schemas import values_used

        found: list[Runnable[Any, Any]] = []
        for value in values_used(self.func):
            owner = getattr(value, "__self__", value)
            if isinstance(owner, Runnable) and owner is not self and all(owner is not one for one in found):
                found.append(owner)
        return found

    def _inner(self) -> Iterator[Describing[Any, Any]]:
        yield from self.deps

    def _shape_for(self, io: Io) -> _Shape:
        if io.blocking:
            if self._shape is None:
                raise TypeError(
                    f"{self.get_name()} wraps a coroutine function; call it with ainvoke, astream or abatch, "
                    "or give RunnableLambda a blocking func too."
                )
            return self._shape
        return cast(_Shape, self._ashape or self._shape)

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return what the function returns; a runnable it returns is run.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: Passed on to the function.

        Raises:
            TypeError: If the function is async and the call is blocking.
        """
        shape = self._shape_for(io)
        if shape.plain:
            result = shape.function(value, **kwargs) if io.blocking else await io.call(shape.function, value, **kwargs)
        elif shape.generates:
            made = self._generated(shape, value, io, kwargs)
            result = fold([chunk async for chunk in made])
        else:
            result = await io.call(shape.function, value, **kwargs, **shape.arguments(io))
        if isinstance(result, Runnable):
            return await io.invoke(_limited(result, io), value)
        return result

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield what the function yields, or returns, for the gathered input.

        Args:
            chunks: The chunks of the input.
            io: What the run may do.
            kwargs: Passed on to the function.

        Raises:
            TypeError: If the function is async and the call is blocking.
        """
        value = fold([chunk async for chunk in chunks])
        shape = self._shape_for(io)
        if shape.generates:
            made = self._generated(shape, value, io, kwargs)
        else:
            result = await io.call(shape.function, value, **kwargs, **shape.arguments(io))
            if not isinstance(result, Runnable):
                yield result
                return
            made = io.transform(_limited(result, io), _one(value, io))
        try:
            async for chunk in made:
                yield chunk
        finally:
            await io.close(made)

    def _generated(self, shape: _Shape, value: Any, io: Io, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        arguments = shape.arguments(io)
        return io.iterate(lambda: shape.function(value, **kwargs, **arguments))


async def _one_on_loop(value: Any) -> AsyncIterator[Any]:
    yield value


def _one(value: Any, io: Io) -> AsyncIterator[Any]:
    return io.iterate(lambda: iter((value,))) if io.blocking else _one_on_loop(value)


def _limited(runnable: Runnable[Any, Any], io: Io) -> Runnable[Any, Any]:
    """Return the runnable with one level less of recursion left.

    Raises:
        RecursionError: If none is left.
    """
    limit = io.scope.config.get("recursion_limit", DEFAULT_RECURSION_LIMIT)
    if limit <= 0:
        raise RecursionError(
            f"{io.scope.run.name} returned a runnable, and the recursion limit is reached; "
            "raise recursion_limit in the config."
        )
    io.scope.config = {**io.scope.config, "recursion_limit": limit - 1}
    return runnable


def _source_of(function: Callable[..., Any]) -> str:
    """Return how a function is shown: its name, or a lambda's source."""
    name = getattr(function, "__name__", repr(function))
    if name != "<lambda>":
        return str(name)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)).strip().rstrip(","))
        found = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
        return found[0] if len(found) == 1 else "lambda"
    except (OSError, TypeError, SyntaxError, ValueError):
        return "lambda"


def chain(func: Callable[..., Any]) -> RunnableLambda[Any, Any]:
    """Return the function as a runnable named after it; for use as a decorator.

    Args:
        func: A function of one argument, of any of the kinds that `RunnableLambda` takes.

    Raises:
        CoercionError: If it is not callable.
    """
    if not callable(func):
        raise CoercionError(f"@chain was given {func!r}; put it above a function of one argument.")
    return RunnableLambda(func)
