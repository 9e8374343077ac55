"""The worker threads that everything of ours shares.

The pool grows when no thread is idle, so a step that waits for other steps can never starve them; how many run at once
is bounded where the work is handed out. After a fork the child starts with a pool of its own. Work always runs in a
copy of the caller's context variables, so a span opened there has the right parent.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

__all__ = ["DEFAULT_CONCURRENCY", "carry_context", "pool", "submit"]

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_CONCURRENCY = min(32, (os.cpu_count() or 1) + 4)
"""How many steps of one batch or parallel run at once when the config does not say; the standard library's own rule."""

_MANY = 100_000
_pools: list[ThreadPoolExecutor] = []


def _forget() -> None:
    _pools.clear()


os.register_at_fork(after_in_child=_forget)


def pool() -> ThreadPoolExecutor:
    """Return the shared pool."""
    if not _pools:
        _pools.append(ThreadPoolExecutor(max_workers=_MANY, thread_name_prefix="spanloom"))
    return _pools[0]


def guarded(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what the function returns; a StopIteration becomes a RuntimeError, since no future can carry it.

    Raises:
        RuntimeError: If the function raised StopIteration.
    """
    try:
        return function(*args, **kwargs)
    except StopIteration as exc:
        raise RuntimeError("The function raised StopIteration, which cannot leave a worker thread.") from exc


def submit(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run the function in a worker thread, in a copy of this context, and return its future.

    Args:
        function: The function.
        args: Its arguments.
        kwargs: Its keyword arguments.
    """
    return pool().submit(copy_context().run, guarded, function, *args, **kwargs)


def carry_context(function: Callable[P, T]) -> Callable[P, T]:
    """Return the function so that it runs inside the run that is current now, in whatever thread it is called.

    Use it for threads of your own: `executor.submit(carry_context(work), item)`. Each call gets a copy, so the same
    function may run in several threads at once.

    Args:
        function: The function.
    """
    context = copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.copy().run(function, *args, **kwargs)

    carried.__name__ = getattr(function, "__name__", "carried")
    carried.__doc__ = function.__doc__
    return carried
