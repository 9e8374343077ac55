"""Calls on an event loop through boto3 in worker threads, where the loop cannot send the request itself.

That is so for a client that the user made, whose hooks and stand-ins must work as ever, and behind proxies and client
certificates. A stream has one thread for its life, which reads at most a few events ahead; leaving the stream shuts its
socket, so the thread wakes and goes.

What boto3 does not let go of is the wait for the head of an answer: a call that is cancelled then is given up at once,
but its thread and connection last until the head comes, at most the read timeout, and are closed then.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from ...runnables.io_loop import ThreadedIteration, in_thread
from .calls import Call, Event
from .failures import typed_errors
from .patience import Patience
from .transport_blocking import BlockingStream, BlockingWire

__all__ = ["ThreadStream", "ThreadWire"]


class ThreadWire:
    """Calls services from event loops, each call in a worker thread.

    Args:
        wire: Makes the calls.
    """

    def __init__(self, wire: BlockingWire) -> None:
        self._wire = wire

    async def call(self, call: Call) -> dict[str, Any]:
        """Return boto3's answer; blobs that boto3 would stream are read.

        Args:
            call: The call.
        """
        answer: dict[str, Any] = await in_thread(self._wire.call, call)
        return answer

    async def open(self, call: Call, patience: Patience | None = None) -> ThreadStream:
        """Return the stream that answers a call.

        Args:
            call: The call.
            patience: How long its head may take; None for the read timeout alone.

        Raises:
            BedrockError: If it fails.
        """
        opening = _Opening(self._wire, call)
        try:
            with typed_errors(patience=patience):
                async with asyncio.timeout_at(None if patience is None else patience.until):
                    return ThreadStream(await in_thread(opening.run))
        except BaseException:
            opening.abandon()
            raise


class _Opening:
    """A stream being opened in a worker thread, whose waiter may leave."""

    def __init__(self, wire: BlockingWire, call: Call) -> None:
        self._wire, self._call = wire, call
        self._lock = threading.Lock()
        self._stream: BlockingStream | None = None
        self._abandoned = False

    def run(self) -> BlockingStream:
        """Open the stream; closes it again if nobody waits any more."""
        stream = self._wire.open(self._call)
        with self._lock:
            self._stream = stream
            if self._abandoned:
                stream.close()
        return stream

    def abandon(self) -> None:
        """Close the stream, now or when it has been opened."""
        with self._lock:
            self._abandoned = True
            if self._stream is not None:
                self._stream.close()


class ThreadStream:
    """An open stream, read by a worker thread for a task.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: BlockingStream) -> None:
        self.head: Mapping[str, Any] = stream.head
        self._stream = stream
        self._events = ThreadedIteration(lambda: iter(stream))

    async def next(self, patience: Patience | None = None) -> Event | None:
        """Return the next event, or None at the end.

        Args:
            patience: When to give up; None for the read timeout alone.

        Raises:
            BedrockError: If the stream tells of an error, breaks or is silent for too long.
        """
        try:
            if patience is None:
                return await anext(self._events, None)
            with typed_errors(self.head, patience):
                async with asyncio.timeout_at(patience.until):
                    return await anext(self._events, None)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close the connection at once, unless the stream was read to its end, and wait for the thread to leave.

        The thread of a stand-in, whose stream is no connection, leaves at its next event.
        """
        self._stream.interrupt()
        await self._events.aclose()
        self._stream.close()
