"""Parsers that work on an answer while it arrives.

A parser of ours reads each chunk on the thread that brings it. Where a user wrote what parses (`parse`, `parse_result`,
`_transform`), an event loop reads the whole stream in one worker thread, never one a chunk; `_atransform` stays on the
loop.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ..messages.chunks import BaseMessageChunk, add_chunks
from ..messages.message import BaseMessage
from ..outputs import ChatGeneration, ChatGenerationChunk, Generation
from ..runnables.config import RunnableConfig
from ..runnables.io import Io
from ..runnables.io_blocking import AsBlocking
from ..runnables.pulling import Pulled
from ..runnables.serializable import is_async_nearest, is_ours
from .base import BaseOutputParser, generation_of, text_of

__all__ = ["BaseCumulativeTransformOutputParser", "BaseTransformOutputParser", "Feeder"]

T = TypeVar("T")

Feeder = Callable[[Any], Iterable[Any]]
"""Takes the next chunk of an answer and returns the values that became known by it."""


class BaseTransformOutputParser(BaseOutputParser[T], ABC, Generic[T]):
    """A parser that yields a value for each chunk; `_transform` and `_atransform` may be overridden."""

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "input"

    def feeder(self) -> Feeder:
        """Return what reads one answer, chunk by chunk: here each chunk is an answer of its own."""
        return lambda chunk: (self.parse_result([generation_of(chunk)]),)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[T]:
        feed = self.feeder()
        for chunk in input:
            yield from feed(chunk)

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[T]:
        feed = self.feeder()
        async for chunk in input:
            for value in feed(chunk):
                yield value

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[T]:
        """Yield values as they become known.

        Args:
            chunks: The chunks of an answer.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If a chunk is neither text nor message.
            OutputParserException: If the answer cannot be read.
        """
        kind = type(self)
        if self._cannot_block() and is_ours(kind, "_transform", "_atransform", "feeder"):
            feed = self.feeder()
            async for chunk in chunks:
                for value in feed(chunk):
                    yield value
            return
        source: Any = chunks
        if io.blocking:
            source = AsBlocking(chunks)
            made = io.iterate(lambda: self._transform(source))
        elif not is_ours(kind, "_atransform") and is_async_nearest(kind, "_atransform", "_transform"):
            made = io.iterate(lambda: self._atransform(chunks))
        else:
            source = Pulled(chunks)
            made = io.iterate(lambda: self._transform(source))
        try:
            async for value in made:
                yield value
        finally:
            if isinstance(source, Pulled):
                source.close()
            await io.close(made)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[T]:
        """Return an iterator over the one value of a whole answer.

        Args:
            input: A text or a message.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Not used.
        """
        return self._one(input, config, kwargs)

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[T]:
        """Return an async iterator over the one value of a whole answer.

        Args:
            input: A text or a message.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Not used.
        """
        return self._aone(input, config, kwargs)


class BaseCumulativeTransformOutputParser(BaseTransformOutputParser[T], ABC, Generic[T]):
    """A parser that reads the whole answer so far at each chunk and yields its value when that changed.

    Args:
        diff: Yield what changed, as `_diff` gives it, instead of the whole value.
    """

    diff: bool = False

    def feeder(self) -> Feeder:
        """Return what reads one answer: `parse_result(..., partial=True)` over all that has come.

        A value of None is not yielded. The cost is that of reading the answer anew at each chunk.
        """
        come: list[Any] = []
        last: Any = None

        def feed(chunk: Any) -> Iterable[Any]:
            nonlocal last
            come.append(chunk)
            value = self.parse_result([_so_far(come)], partial=True)
            if value is None or value == last:
                return ()
            before, last = last, value
            return (self._diff(before, value),) if self.diff else (value,)

        return feed

    def _diff(self, prev: T | None, next: T) -> Any:
        """Return what changed between two values.

        Raises:
            NotImplementedError: If the parser cannot tell.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot tell what changed; use diff=False.")


def _so_far(come: list[Any]) -> Generation:
    """Return the chunks that have come as one generation."""
    if all(isinstance(chunk, BaseMessageChunk) for chunk in come):
        return ChatGenerationChunk(message=add_chunks(come))
    if len(come) == 1 and isinstance(come[0], BaseMessage):
        return ChatGeneration(message=come[0])
    return Generation(text="".join(map(text_of, come)))
