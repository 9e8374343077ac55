"""Runs whose stream was collected before its end.

A finaliser may run at any place, inside any lock, so it does nothing but put the run into a queue. `drain` ends what is
there: it is called when a run starts, by `flush` and `shutdown` of the exporters, at exit, and, where the stream
belonged to an event loop, by that loop in its next turn.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from queue import Empty, SimpleQueue

from . import log

__all__ = ["drain", "leave", "waiting"]

_left: SimpleQueue[Callable[[], None]] = SimpleQueue()


def leave(end: Callable[[], None]) -> None:
    """Queue what ends an abandoned run; safe inside a finaliser.

    Args:
        end: Ends the run; called later, by another caller.
    """
    _left.put(end)


def waiting() -> bool:
    """Return whether runs are waiting to be ended."""
    return not _left.empty()


def drain() -> None:
    """End every abandoned run that waits. Never raises."""
    while True:
        try:
            end = _left.get_nowait()
        except Empty:
            return
        try:
            end()
        except Exception as exc:  # noqa: BLE001 - one run that cannot be closed must not keep the others open
            log.warn_once("abandoned", repr(type(exc)), "an abandoned run could not be closed", error=repr(exc))


atexit.register(drain)
