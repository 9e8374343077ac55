"""Fallbacks: others to go on to when a runnable fails.

Each one tried is a child run without a tag; the wrapper's span tells which one answered and why the one before it did
not. A stream goes on to the next one before its first chunk only: what has been given cannot be taken back, so a
failure after the first chunk is raised. A stream that ends without a chunk has answered.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal

from ...tracing import names
from ...tracing.scope import RunScope
from .base import Input, Output, Runnable
from .coerce import coerce_to_runnable
from .composed import Composed
from .io import Io, begins_stream, fold, folded

__all__ = ["RunnableWithFallbacks"]


class RunnableWithFallbacks(Composed[Input, Output], Generic[Input, Output]):
    """Tries a runnable, then its fallbacks in order, until one answers; a stream only until the first chunk.

    When all fail the first failure is raised. An attribute that is not its own is looked up at the runnable; a method
    that returns a runnable there, such as `bind_tools`, is called on every one of them.

    Args:
        runnable: What is tried first.
        fallbacks: What is tried then, in order.
        exceptions_to_handle: Which exceptions lead on to the next one; others are raised at once.
        exception_key: Where in the input, which must be a dict, the next one finds the exception.

    Raises:
        TypeError: If one cannot be made a runnable, or an exception to handle is none.
    """

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "output"

    def __init__(
        self,
        *,
        runnable: Any,
        fallbacks: Sequence[Any],
        exceptions_to_handle: tuple[type[BaseException], ...] = (Exception,),
        exception_key: str | None = None,
    ) -> None:
        for kind in exceptions_to_handle if isinstance(exceptions_to_handle, tuple) else (exceptions_to_handle,):
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(f"exceptions_to_handle holds {kind!r}; give a tuple of exception classes.")
        self.runnable: Runnable[Any, Any] = coerce_to_runnable(runnable)
        self.fallbacks: Sequence[Runnable[Any, Any]] = [coerce_to_runnable(one) for one in fallbacks]
        self.exceptions_to_handle = exceptions_to_handle
        self.exception_key = exception_key
        self.name = None

    def __repr__(self) -> str:
        return f"RunnableWithFallbacks(runnable={self.runnable!r}, fallbacks={self.fallbacks!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableWithFallbacks) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment]  # a list of fallbacks has no hash

    def _parts(self) -> tuple[Any, ...]:
        return self.runnable, self.fallbacks, self.exceptions_to_handle, self.exception_key

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("runnable", "fallbacks"):
            raise AttributeError(name)
        found = getattr(self.runnable, name)
        return self._on_all(name, found) if callable(found) else found

    def _on_all(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            made = method(*args, **kwargs)
            if not isinstance(made, Runnable):
                return made
            return RunnableWithFallbacks(
                runnable=made,
                fallbacks=[getattr(fallback, name)(*args, **kwargs) for fallback in self.fallbacks],
                exceptions_to_handle=self.exceptions_to_handle,
                exception_key=self.exception_key,
            )

        return called

    @property
    def runnables(self) -> Iterator[Runnable[Any, Any]]:
        """All of them in the order in which they are tried."""
        yield self.runnable
        yield from self.fallbacks

    def _checked(self, value: Any) -> None:
        if self.exception_key is not None and not isinstance(value, Mapping):
            kind = type(value).__name__
            raise ValueError(
                f"exception_key is {self.exception_key!r}, so the input must be a dict; it is of type {kind!r}."
            )

    def _told(self, value: Any, error: BaseException) -> Any:
        return value if self.exception_key is None else {**value, self.exception_key: error}

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the output of the first one that does not fail.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: Passed on to each.

        Raises:
            ValueError: If there is an exception key and the input is no dict.
        """
        self._checked(value)
        first = last = None
        for place, step in enumerate(self.runnables):
            try:
                result = await io.invoke(step, value, **kwargs)
            except self.exceptions_to_handle as exc:
                first, last = first or exc, exc
                value = self._told(value, exc)
            else:
                _answered(io.scope, place, last)
                return result
        assert first is not None
        raise first

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the chunks of the first one that gives a first chunk.

        Args:
            chunks: The input, gathered.
            io: What the run may do.
            kwargs: Passed on to each.

        Raises:
            ValueError: If there is an exception key and the input is no dict.
        """
        value = fold([chunk async for chunk in chunks])
        self._checked(value)
        told = begins_stream(io.scope)
        first = last = None
        for place, step in enumerate(self.runnables):
            stream = io.stream(step, value, **kwargs)
            try:
                try:
                    chunk = await stream.__anext__()
                except StopAsyncIteration:
                    _answered(io.scope, place, last)
                    return
                except self.exceptions_to_handle as exc:
                    first, last = first or exc, exc
                    value = self._told(value, exc)
                    continue
                _answered(io.scope, place, last)
                if told:
                    io.scope.chunk(chunk)
                yield chunk
                async for chunk in stream:
                    if told:
                        io.scope.chunk(chunk)
                    yield chunk
                return
            finally:
                await io.close(stream)
        assert first is not None
        raise first

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the chunks added up, or the last one where they refuse.

        Args:
            chunks: What `flow` yielded.
            scope: The run.
        """
        return folded(chunks)


def _answered(scope: RunScope, place: int, error: BaseException | None) -> None:
    if scope.span.is_recording():
        scope.span.set_attribute(names.FALLBACK_USED, place)
        if error is not None:
            scope.span.set_attribute(names.FALLBACK_REASON, type(error).__name__)
