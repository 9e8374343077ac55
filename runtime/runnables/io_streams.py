"""Streams of an event loop side by side: merged, shared among readers, read ahead, closed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextvars import copy_context
from typing import Any

from ...tracing.scope import ABANDONED
from .unhooked import unhooked

__all__ = ["Ahead", "Shared", "close_on_loop", "merged"]

_END = object()


async def close_on_loop(stream: object) -> None:
    """Close an async iterator, or an iterator; others are left alone."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()
        return
    close = getattr(stream, "close", None)
    if close is not None:
        close()


@unhooked
async def merged(streams: Mapping[str, AsyncIterator[Any]], limit: int | None) -> AsyncIterator[tuple[str, Any]]:
    """Yield the chunks of several streams as they come, each with its key.

    Args:
        streams: The streams; each is asked for one chunk at a time, in a task of its own.
        limit: How many are asked at once; None for all.
    """
    context = copy_context()

    def ask(key: str) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(_next_or_end(streams[key]), context=context.copy())

    idle = deque(streams)
    asked: dict[asyncio.Task[Any], str] = {}
    wanted = max(1, limit or len(streams))
    message: str | None = ABANDONED
    try:
        while idle or asked:
            while idle and len(asked) < wanted:
                key = idle.popleft()
                asked[ask(key)] = key
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in asked if task in done]:
                key = asked.pop(task)
                chunk = task.result()
                if chunk is not _END:
                    yield key, chunk
                    idle.append(key)
    except asyncio.CancelledError as exc:
        message = ABANDONED if ABANDONED in exc.args else None
        raise
    finally:
        for task in asked:
            task.cancel(message)
        await asyncio.gather(*asked, return_exceptions=True)
        for stream in streams.values():
            await close_on_loop(stream)


class Ahead:
    """A stream whose first chunk is being read already.

    Args:
        source: The stream.
    """

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self.source = source
        self.first: asyncio.Task[Any] | None = asyncio.get_running_loop().create_task(_next_or_end(source))

    def __aiter__(self) -> Ahead:
        return self

    async def __anext__(self) -> Any:
        first, self.first = self.first, None
        chunk = await _next_or_end(self.source) if first is None else await first
        if chunk is _END:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Close the stream."""
        if self.first is not None:
            self.first.cancel(ABANDONED)
            await asyncio.gather(self.first, return_exceptions=True)
        await close_on_loop(self.source)


async def _next_or_end(stream: AsyncIterator[Any]) -> Any:
    try:
        return await stream.__anext__()
    except StopAsyncIteration:
        return _END


class Shared:
    """A stream read once and given to several readers.

    Args:
        source: The stream.
        count: How many readers.
    """

    def __init__(self, source: AsyncIterator[Any], count: int) -> None:
        self.source = source
        self.lock = asyncio.Lock()
        self.buffers: list[deque[Any]] = [deque() for _ in range(count)]
        self.open = count

    @unhooked
    async def branch(self, place: int) -> AsyncIterator[Any]:
        """Yield all the chunks; the stream is closed when every reader has left.

        Args:
            place: Which reader, from 0.
        """
        buffer = self.buffers[place]
        try:
            while True:
                if not buffer:
                    async with self.lock:
                        if not buffer:
                            chunk = await _next_or_end(self.source)
                            if chunk is _END:
                                return
                            for other in self.buffers:
                                other.append(chunk)
                yield buffer.popleft()
        finally:
            self.open -= 1
            if self.open == 0:
                await close_on_loop(self.source)
