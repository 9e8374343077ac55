"""A stream of an event loop, read by blocking code in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["Pulled"]

_END = object()


class Pulled:
    """An async iterator as an iterator for a worker thread; each chunk is asked of the loop that made this.

    Args:
        source: The async iterator.
    """

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Pulled:
        return self

    def __next__(self) -> Any:
        chunk = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        if chunk is _END:
            raise StopIteration
        return chunk

    async def _next(self) -> Any:
        try:
            return await self._source.__anext__()
        except StopAsyncIteration:
            return _END
