"""Turns at a model that remembers: calls that each build on the one before must not overlap.

A thread waits with `ask().result()`, a task with `await asyncio.wrap_future(ask())`, shielded, since a wait that is
given up ends with `leave` too. No turn is lost to a cancelled task, and nobody polls. A copy, a pickled one too, and a
forked process begin with an empty queue: nobody in them would end the turns of the original.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import Future
from weakref import WeakSet

__all__ = ["Turns"]

_all: WeakSet[Turns] = WeakSet()


class Turns:
    """One call at a time, first come first served, from any thread and any event loop."""

    def __init__(self) -> None:
        self._start_afresh()
        _all.add(self)

    def _start_afresh(self) -> None:
        self.writing = threading.Lock()
        """To be held while what the model remembers changes."""
        self._lock = threading.Lock()
        self._queue: deque[Future[None]] = deque()

    def __reduce__(self) -> tuple[type[Turns], tuple[()]]:
        """Return how a copy is made: afresh."""
        return (type(self), ())

    def ask(self) -> Future[None]:
        """Return what is done once it is the caller's turn; it must be given to `leave` in any case."""
        asked: Future[None] = Future()
        with self._lock:
            self._queue.append(asked)
            if len(self._queue) == 1:
                asked.set_result(None)
        return asked

    def leave(self, asked: Future[None]) -> None:
        """End a turn, or the wait for one.

        Args:
            asked: What `ask` returned.
        """
        with self._lock:
            self._queue.remove(asked)
            if self._queue and not self._queue[0].done():
                self._queue[0].set_result(None)


def _forget_the_parents_turns() -> None:
    for turns in list(_all):
        turns._start_afresh()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_the_parents_turns)
