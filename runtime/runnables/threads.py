"""The worker threads that everything of ours shares.

The pool grows when no thread is idle, so a step that waits for other steps can never starve them; how many run at once
is bounded where the work is handed out. Idle threads leave after `IDLE_S`. They are daemons: work whose waiter was
cancelled runs on, but does not hold up the end of the process. A forked child starts with a pool of its own.

Work always runs in a copy of the caller's context variables, so a span opened there has the right parent. (Our own pool
because a hand-over through the standard one costs 1.6 times as much, and it limits how many threads there are.)
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

__all__ = ["DEFAULT_CONCURRENCY", "IDLE_S", "carry_context", "start", "submit"]

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_CONCURRENCY = min(32, (os.cpu_count() or 1) + 4)
"""How many steps of one batch or parallel run at once when the config does not say; the standard library's own rule."""

IDLE_S = 10.0
"""How long a thread waits for work before it leaves, in seconds."""

_idle: deque[_Worker] = deque()


class _Worker:
    """One thread and its letter box."""

    __slots__ = ("box", "leaving")

    def __init__(self) -> None:
        self.box: SimpleQueue[Callable[[], Callable[[], object]]] = SimpleQueue()
        threading.Thread(target=self.work, name="spanloom-worker", daemon=True).start()

    def work(self) -> None:
        while True:
            try:
                job = self.box.get(timeout=IDLE_S)
            except Empty:
                try:
                    _idle.remove(self)
                except ValueError:  # somebody has taken it off the list: work is on its way
                    continue
                return
            told = job()
            del job
            _idle.append(self)  # before the news is out: who hears it may have the next job already
            told()
            del told


os.register_at_fork(after_in_child=_idle.clear)


def start(job: Callable[[], Callable[[], object]]) -> None:
    """Run the job in a worker thread; it must not raise.

    Args:
        job: What to run; returns what tells the waiter, which must be quick and must not raise either.
    """
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    worker.box.put(job)


def submit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run the function in a worker thread, in a copy of this context, and return its future.

    Args:
        function: The function.
        args: Its arguments.
        kwargs: Its keyword arguments.
    """
    future: Future[T] = Future()
    context = copy_context()

    def job() -> Callable[[], object]:
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as exc:  # noqa: BLE001 - the future carries it
            return partial(future.set_exception, exc)
        return partial(future.set_result, result)

    start(job)
    return future


def carry_context(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function so that it runs inside the run that is current now, in whatever thread it is called.

    Use it for threads of your own: `executor.submit(carry_context(work), item)`. Each call gets a copy, so the same
    function may run in several threads at once.

    Args:
        function: The function.
    """
    context = copy_context()

    def carried(*args: Any, **kwargs: Any) -> T:
        return context.copy().run(function, *args, **kwargs)

    carried.__name__ = getattr(function, "__name__", "carried")
    carried.__doc__ = function.__doc__
    return carried
