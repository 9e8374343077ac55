"""How a body reaches the world: one interface, two drivers.

A combinator has one body, a coroutine over an `Io`. On an event loop it is awaited; under a blocking call every
awaitable that its `Io` gives is already done, so one `send(None)` finishes it. Bodies know nothing of threads, loops or
clocks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from ...tracing.callbacks.run_managers import AsyncRunManager, RunManager
from ...tracing.scope import RunScope
from .config import RunnableConfig

__all__ = ["Io", "Place", "Step", "StreamedStep", "begins_stream", "fold", "folded", "single"]

Place = str | RunnableConfig | None
"""Where a step stands in its run: its tag, or the whole config it is to get."""


class Step(Protocol):
    """What an `Io` must know of a runnable."""

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the output for one input."""
        ...

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the output for one input, on an event loop."""
        ...

    def transform(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the output for a stream of input."""
        ...

    def atransform(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the output for a stream of input, on an event loop."""
        ...


class StreamedStep(Step, Protocol):
    """What an `Io` must know of a runnable that is given one input to stream."""

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the output for one input."""
        ...

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Yield the output for one input, on an event loop."""
        ...


class Io(Protocol):
    """What the body of a run may do; one object a run."""

    scope: RunScope
    blocking: bool

    @property
    def manager(self) -> RunManager | AsyncRunManager:
        """The manager that user code inside this run gets."""
        ...

    def config(self, tag: str | None = None) -> RunnableConfig:
        """Return a complete config for a child, as user code may look at it."""
        ...

    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what user code returns; blocking code runs in a worker thread when a loop drives this body."""
        ...

    async def invoke(self, step: Step, value: Any, tag: str | None = None, /, **kwargs: Any) -> Any:
        """Run a step as a child of this run and return its output."""
        ...

    def stream(self, step: StreamedStep, value: Any, place: Place = None, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Run a step over one input as a child of this run and return its chunks."""
        ...

    def transform(
        self, step: Step, chunks: AsyncIterator[Any], tag: Place = None, /, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Run a step over a stream as a child of this run and return its chunks."""
        ...

    def iterate(self, make: Callable[[], Any]) -> AsyncIterator[Any]:
        """Return what user code yields: an iterator or an async iterator made by calling `make` when first asked."""
        ...

    async def gather(self, jobs: Sequence[Callable[[Io], Awaitable[Any]]], limit: int | None) -> list[Any]:
        """Run jobs side by side, each with an `Io` of this run, and return their results in order.

        The first failure is raised once the others have stopped: jobs not begun are not begun, on a loop those that
        run are cancelled.
        """
        ...

    def merge(self, streams: Mapping[str, AsyncIterator[Any]]) -> AsyncIterator[tuple[str, Any]]:
        """Yield the chunks of several streams as they come, each with its key."""
        ...

    def tee(self, chunks: AsyncIterator[Any], count: int) -> list[AsyncIterator[Any]]:
        """Return iterators that each give all the chunks, whichever is read first, from any thread or task."""
        ...

    def ahead(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return the stream; on a loop its first chunk is asked for at once."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def close(self, *streams: object) -> None:
        """Close streams that will not be read on; their upstreams close too."""
        ...


def begins_stream(scope: RunScope) -> bool:
    """Return whether the run is the first of its tree, or of a live event stream.

    A run that only hands on what its child yields shows chunks of its own there alone, as the reference does.

    Args:
        scope: The run.
    """
    return scope.parent is None or scope.parent.heritage.streams != scope.heritage.streams


async def single(value: Any) -> AsyncIterator[Any]:
    """Yield the one value."""
    yield value


def fold(chunks: Sequence[Any]) -> Any:
    """Return chunks added up, as runs show them as one value.

    Text is joined, chunks that know how are added all at once, others with `+`; what cannot be added is represented by
    its last chunk. Linear in the size of text and message chunks.

    Args:
        chunks: The chunks; for none the result is None.
    """
    if not chunks:
        return None
    first = chunks[0]
    kind = type(first)
    if len(chunks) == 1:
        return first
    if all(type(chunk) is kind for chunk in chunks):
        if kind is str:
            return "".join(chunks)
        together: Callable[[Sequence[Any]], Any] | None = getattr(kind, "__fold__", None)
        if together is not None:
            return together(chunks)
    total: Any = None
    addable = True
    for chunk in chunks:
        if total is None or not addable:
            total = chunk
            continue
        try:
            total = total + chunk
        except TypeError:
            total, addable = chunk, False
    return total


def folded(chunks: Sequence[Any]) -> Any:
    """Return chunks added up; the last one where adding them fails. For records, which must not break a run.

    Args:
        chunks: The chunks; for none the result is None.
    """
    try:
        return fold(chunks)
    except Exception:  # noqa: BLE001 - what is told of a stream must not break it
        return chunks[-1]
