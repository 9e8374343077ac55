"""Custom events: what a program says of the run it is in.

They reach the handlers that the run hands down, streams of events (as `on_custom_event`) and the run's journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..scope import CURRENT, Parent, RunScope
from .dispatch import aemit, custom_call, emit
from .manager import CallbackManager

__all__ = ["adispatch_custom_event", "dispatch_custom_event"]


def dispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """Dispatch a custom event of the enclosing run, from blocking code.

    Args:
        name: The event's name.
        data: Its data, free-form.
        config: The config of the run, where context variables do not reach.

    Raises:
        RuntimeError: If there is no enclosing run.
    """
    scope = _enclosing(config, name)
    scope.custom(name, data)
    emit(scope.heritage.handlers, custom_call(scope, name, data))


async def adispatch_custom_event(name: str, data: Any, *, config: Mapping[str, Any] | None = None) -> None:
    """Dispatch a custom event of the enclosing run, on an event loop.

    Args:
        name: The event's name.
        data: Its data, free-form.
        config: The config of the run, where context variables do not reach.

    Raises:
        RuntimeError: If there is no enclosing run.
    """
    scope = _enclosing(config, name)
    scope.custom(name, data)
    await aemit(scope.heritage.handlers, custom_call(scope, name, data))


def _enclosing(config: Mapping[str, Any] | None, name: str) -> RunScope:
    callbacks = (config or {}).get("callbacks")
    if isinstance(callbacks, Parent):
        return callbacks.scope
    if isinstance(callbacks, CallbackManager) and callbacks.parent_scope is not None:
        return callbacks.parent_scope
    scope = CURRENT.get()
    if scope is None:
        raise RuntimeError(
            f"The custom event {name!r} has no enclosing run; dispatch it inside a runnable, "
            "or pass that runnable's config."
        )
    return scope
