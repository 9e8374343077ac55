"""Handlers in effect for a block of code: every run that starts inside gets them, without a config.

A program that uses none of this pays one look at an empty list for a run. A plain thread starts outside the block;
runs in our own workers, in tasks, and in threads that carry the context are inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["ambient_handlers", "handling", "register_configure_hook"]

_HANDLERS: ContextVar[tuple[Any, ...]] = ContextVar("spanloom_ambient_handlers", default=())

_hooks: list[tuple[ContextVar[Any], bool]] = []


def register_configure_hook(context_var: ContextVar[Any], inheritable: bool = True) -> None:
    """Let every run that starts get the handler that this variable holds then, if it holds one.

    Args:
        context_var: Holds a handler, several in a tuple, or None.
        inheritable: Whether the run's descendants get it too, also where the variable does not reach.
    """
    if not any(known is context_var for known, _ in _hooks):
        _hooks.append((context_var, inheritable))


def ambient_handlers() -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """Return the handlers in effect: those that descendants inherit and the others; None when there are none."""
    for variable, _ in _hooks:
        if variable.get(None):
            break
    else:
        return None
    inherited: list[Any] = []
    local: list[Any] = []
    for variable, inheritable in _hooks:
        held = variable.get(None)
        if held:
            (inherited if inheritable else local).extend(held if isinstance(held, tuple) else (held,))
    return (tuple(inherited), tuple(local)) if inherited or local else None


@contextmanager
def handling(handler: Any) -> Iterator[Any]:
    """Put a handler into effect for the block.

    Args:
        handler: The handler.
    """
    register_configure_hook(_HANDLERS)
    _HANDLERS.set((*_HANDLERS.get(), handler))
    try:
        yield handler
    finally:
        _HANDLERS.set(tuple(held for held in _HANDLERS.get() if held is not handler))
