"""Runs whose stream was collected before its end.

A finaliser may run at any place, inside any lock, so it does nothing but put the run into a queue. `drain` ends what is
there: it is called when a run starts, by `flush` and `shutdown` of the exporters, at exit, and, where the stream
belonged to an event loop, by that loop in its next turn.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from queue import Empty, SimpleQueue

from . import log

__all__ = ["drain", "hold", "leave", "release", "waiting"]

_left: SimpleQueue[Callable[[], None]] = SimpleQueue()
_held: dict[object, tuple[Callable[[], bool], Callable[[], None]]] = {}


def leave(end: Callable[[], None]) -> None:
    """Queue what ends an abandoned run; safe inside a finaliser.

    Args:
        end: Ends the run; called later, by another caller.
    """
    _left.put(end)


def hold(run: object, is_due: Callable[[], bool], end: Callable[[], None]) -> None:
    """Keep a run that somebody is ending already, in case that one never gets to it. Not for finalisers.

    Args:
        run: The run.
        is_due: Returns whether nobody else can end it any more, such as when its loop is closed.
        end: Ends it.
    """
    _held[run] = (is_due, end)


def release(run: object) -> None:
    """Keep the run no longer: it has ended.

    Args:
        run: The run.
    """
    _held.pop(run, None)


def waiting() -> bool:
    """Return whether runs are waiting to be ended."""
    return not _left.empty() or bool(_held)


def drain() -> None:
    """End every abandoned run that waits. Never raises."""
    _call_due()
    while True:
        try:
            end = _left.get_nowait()
        except Empty:
            return
        try:
            end()
            del end
        except Exception as exc:  # noqa: BLE001 - one run that cannot be closed must not keep the others open
            log.warn_once("abandoned", repr(type(exc)), "an abandoned run could not be closed", error=repr(exc))


def _call_due() -> None:
    """Queue the held runs that nobody else can end any more."""
    for run, (is_due, end) in list(_held.items()):
        if is_due() and _held.pop(run, None) is not None:
            _left.put(end)


def _start_afresh() -> None:
    """Leave the parent's runs to the parent: in a forked child they are kept as they are, never ended or closed."""
    global _left, _held  # a queue that another thread held at the fork cannot be emptied
    _inherited.append((_left, _held))
    _left, _held = SimpleQueue(), {}


_inherited: list[object] = []
os.register_at_fork(after_in_child=_start_afresh)
atexit.register(drain)
