"""The live event stream: a tap on running scopes, read by one consumer on an event loop.

Producers put signals from any thread; records are made when the consumer takes them, in the order of the numbers.

Back-pressure: once `HIGH_WATER` signals wait, producers in worker threads wait in `wait_for_room` and our own bodies on
the loop in `room`. Synchronous code on the consumer's own loop thread cannot wait: the buffer grows, `overfull` counts
by how much at most, and nothing is dropped. A worker thread also stops waiting while the consumer's loop does not
answer, since the loop may itself be waiting for that thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ..run import UNKNOWN, Run, Signal
from .convert import Converter
from .filters import Filters

__all__ = ["HIGH_WATER", "EventStream"]

HIGH_WATER = 32
"""So many signals may wait before producers do; small, so that an early leaver has paid for little."""

_PULSE_S = 0.05
"""A loop that does not answer for so long is taken to be waiting for the producer."""


class EventStream:
    """Signals of one run tree on their way to one consumer.

    Args:
        filters: Which events are wanted.
        raw_input: What the caller passed to the root run.
        errors: Whether runs that ended otherwise than well have a record of that.
        timing: Whether records tell their time and number.
    """

    def __init__(self, filters: Filters, raw_input: Any = UNKNOWN, errors: bool = False, timing: bool = False) -> None:
        self.overfull = 0
        self._raw_input = raw_input
        self._filters = filters
        self._converter = Converter(filters, raw_input, errors=errors, timing=timing)
        self._waiting: deque[Signal] = deque()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._wake: asyncio.Future[None] | None = None
        self._room: list[asyncio.Future[None]] = []
        self._drained = threading.Event()
        self._closed = False
        self._pending_wake = False
        self._unanswered: threading.Event | None = None

    def wants(self, run: Run) -> bool:
        """Return whether the filters let this run's events through."""
        return self._filters.accept_run(run)

    def wants_custom(self, run: Run, name: str) -> bool:
        """Return whether the filters let a custom event of that name through."""
        return self._filters.accept(name, name, run.handed[0])

    def take_raw_input(self) -> Any:
        """Return what the caller passed, to the first run that asks; then `UNKNOWN`: a stream has one first record."""
        given, self._raw_input = self._raw_input, UNKNOWN
        return given

    def put(self, signal: Signal) -> None:
        """Take a signal, from any thread; never waits."""
        waiting = self._waiting
        waiting.append(signal)
        if len(waiting) > HIGH_WATER:
            self.overfull = max(self.overfull, len(waiting) - HIGH_WATER)
        if threading.get_ident() == self._thread:
            self._notify()
        elif not self._pending_wake:
            self._pending_wake = True
            self._on_loop(self._notify)

    @property
    def is_full(self) -> bool:
        """Whether producers should wait."""
        return len(self._waiting) >= HIGH_WATER and not self._closed

    async def room(self) -> None:
        """Wait, on the consumer's loop, until the consumer has read on."""
        if asyncio.get_running_loop() is not self._loop:
            await asyncio.to_thread(self.wait_for_room)
            return
        while self.is_full:
            future: asyncio.Future[None] = self._loop.create_future()
            self._room.append(future)
            await future

    def wait_for_room(self) -> None:
        """Wait, in a worker thread, until the consumer has read on; at once on the consumer's own thread."""
        if threading.get_ident() == self._thread:
            return
        while self.is_full:
            if self._unanswered is not None and not self._unanswered.is_set():
                return  # the loop has not come back since it was last asked
            self._drained.clear()
            if not self.is_full or self._drained.wait(_PULSE_S):
                continue
            answered = threading.Event()
            if not self._on_loop(answered.set):
                return
            if not answered.wait(_PULSE_S):
                self._unanswered = answered

    def end(self, _: object = None) -> None:
        """Say that no more signals will come; the consumer finishes what waits."""
        self._closed = True
        self._notify()
        self._make_room()

    async def records(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the records until `end` has been said and all is read."""
        waiting, convert = self._waiting, self._reader()
        while True:
            while waiting:
                record = convert(waiting.popleft())
                if record is not None:
                    yield record
                if len(waiting) <= HIGH_WATER // 2:
                    self._make_room()
            if self._closed:
                return
            self._wake = self._loop.create_future()
            if not waiting:
                await self._wake
            self._wake = None

    def _reader(self) -> Callable[[Signal], Any]:
        """Return what makes a record of a signal, or None."""
        return self._converter.convert_accepted

    def _notify(self) -> None:
        self._pending_wake = False
        wake = self._wake
        if wake is not None and not wake.done():
            wake.set_result(None)

    def _make_room(self) -> None:
        self._drained.set()
        if self._room:
            waiters, self._room = self._room, []
            for future in waiters:
                if not future.done():
                    future.set_result(None)

    def _on_loop(self, callback: Any) -> bool:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the loop is closed: nobody reads any more
            self._closed = True
            return False
        return True
