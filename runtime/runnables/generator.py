"""Generator functions over a stream as runnables: chunks in, chunks out."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, cast

from .base import Input, Output
from .composed import Composed
from .io import Io, fold, single
from .io_blocking import AsBlocking
from .pulling import Pulled

__all__ = ["RunnableGenerator"]


class RunnableGenerator(Composed[Input, Output], Generic[Input, Output]):
    """A generator function that takes the stream of the input and yields the stream of the output.

    Blocking calls use `transform`; calls on an event loop use `atransform`, else `transform` in a worker thread.

    Args:
        transform: A generator function or an async generator function over an iterator of chunks; it may also take
            `config` and `run_manager`.
        atransform: The async one, where `transform` is the blocking one.
        name: The name of its runs; the function's name when not given.

    Raises:
        TypeError: If `transform` is not a generator function of either kind.
    """

    def __init__(
        self,
        transform: Callable[..., Any],
        atransform: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        called = transform if inspect.isroutine(transform) else getattr(transform, "__call__", transform)  # noqa: B004
        self._blocking: Callable[..., Any] | None = None
        self._on_loop = atransform
        if inspect.isasyncgenfunction(called):
            self._on_loop = transform
        elif inspect.isgeneratorfunction(called):
            self._blocking = transform
        else:
            raise TypeError(f"RunnableGenerator was given {transform!r}; give a generator function or an async one.")
        self._wants = {
            made: [name for name in ("config", "run_manager") if name in inspect.signature(made).parameters]
            for made in (self._blocking, self._on_loop)
            if made is not None
        }
        self.name = name or getattr(transform, "__name__", None) or type(self).__name__

    def _types(self) -> tuple[Any, Any]:
        from .schemas import function_types, item_type

        taken, given = function_types(cast("Callable[..., Any]", self._blocking or self._on_loop))
        return item_type(taken), given

    def __repr__(self) -> str:
        return f"RunnableGenerator({self.name})"

    def __eq__(self, other: object) -> bool:
        mine = (self._blocking, self._on_loop)
        return isinstance(other, RunnableGenerator) and mine == (other._blocking, other._on_loop)

    def __hash__(self) -> int:
        return hash((self._blocking, self._on_loop))

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the sum of what the function yields for a stream of one chunk.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: Passed on to the function.

        Raises:
            NotImplementedError: If the function is async and the call is blocking.
        """
        return fold([chunk async for chunk in self.flow(single(value), io, **kwargs)])

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield what the function yields.

        Args:
            chunks: The chunks of the input.
            io: What the run may do.
            kwargs: Passed on to the function.

        Raises:
            NotImplementedError: If the function is async and the call is blocking.
        """
        function = self._blocking if io.blocking else self._on_loop or self._blocking
        if function is None:
            raise NotImplementedError(
                f"{self.get_name()} wraps an async generator function; call it with ainvoke, astream or abatch."
            )
        arguments: dict[str, Any] = {}
        for wanted in self._wants[function]:
            arguments[wanted] = io.config() if wanted == "config" else io.manager
        source: Any = AsBlocking(chunks) if io.blocking else Pulled(chunks) if function is self._blocking else chunks
        made = io.iterate(lambda: function(source, **kwargs, **arguments))
        try:
            async for chunk in made:
                yield chunk
        finally:
            if isinstance(source, Pulled):
                source.close()
            await io.close(made)
