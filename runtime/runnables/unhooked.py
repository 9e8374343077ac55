"""Async generators of ours, kept from the event loop's book-keeping.

A loop remembers every async generator started on its thread: it closes them all at its end, and in a task of its own
when they are collected. Ours are closed by the run that they belong to, in its context and in order; a second closer
would only meet generators that are running already. Generators of user code are left to the loop as ever.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from functools import wraps
from typing import Any, ParamSpec

__all__ = ["Unhooked", "unhooked", "without_hooks"]

P = ParamSpec("P")


def _left_alone(_: object) -> None:
    """Stand in for a loop's finaliser: whoever owns the generator closes it."""


def without_hooks(first: Callable[[], Any]) -> Any:
    """Return what the first call of an async generator's method returns, made so that no loop will finalise it.

    Args:
        first: `__anext__` or `aclose` of an async generator that is not started yet.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _left_alone)
    try:
        return first()
    finally:
        sys.set_asyncgen_hooks(*hooks)


class Unhooked(AsyncIterator[Any]):
    """An async generator of ours that no loop knows of.

    Args:
        source: The async generator, not started yet.
    """

    __slots__ = ("fresh", "source")

    def __init__(self, source: Any) -> None:
        self.source = source
        self.fresh = True

    def __anext__(self) -> Any:
        if self.fresh:
            self.fresh = False
            return without_hooks(self.source.__anext__)
        return self.source.__anext__()

    def aclose(self) -> Any:
        """Return what closes the generator when awaited."""
        return without_hooks(self.source.aclose) if self.fresh else self.source.aclose()


def unhooked(function: Callable[P, AsyncIterator[Any]]) -> Callable[P, AsyncIterator[Any]]:
    """Return the async generator function so that its generators are unhooked.

    Args:
        function: The async generator function.
    """

    @wraps(function)
    def made(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Any]:
        return Unhooked(function(*args, **kwargs))

    return made
