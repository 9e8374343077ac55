"""A stream of an event loop, read by blocking code in a worker thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator
from typing import Any

from ...tracing.scope import ABANDONED

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
        self._asking: asyncio.Task[Any] | None = None
        self._closed = False

    def __iter__(self) -> Pulled:
        return self

    def __next__(self) -> Any:
        asking = self._next()
        try:
            chunk = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        except concurrent.futures.CancelledError:
            raise asyncio.CancelledError(ABANDONED) from None
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            asking.close()
            raise asyncio.CancelledError(ABANDONED) from None
        if chunk is _END:
            raise StopIteration
        return chunk

    async def _next(self) -> Any:
        if self._closed:
            raise asyncio.CancelledError(ABANDONED)
        self._asking = asyncio.current_task()
        try:
            return await self._source.__anext__()
        except StopAsyncIteration:
            return _END
        finally:
            self._asking = None

    def close(self) -> None:
        """Let the thread that waits for a chunk go, on the loop: its code sees a cancellation."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel(ABANDONED)
