"""What may stand in a pipe: runnables, functions, generator functions and mappings of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..exceptions import CoercionError
from .base import Runnable

__all__ = ["coerce_to_runnable", "is_generator_function", "on_coerce"]

_makers: list[Callable[[Any], Runnable[Any, Any] | None]] = []


def on_coerce(maker: Callable[[Any], Runnable[Any, Any] | None]) -> None:
    """Register what makes a runnable of some kind of thing.

    Args:
        maker: Returns the runnable, or None if the thing is not of its kind.
    """
    _makers.append(maker)


def coerce_to_runnable(thing: Any) -> Runnable[Any, Any]:
    """Return the thing as a runnable.

    Args:
        thing: A runnable, a function, a generator function, or a mapping of them.

    Raises:
        CoercionError: If it is none of these.
    """
    if isinstance(thing, Runnable):
        return thing
    for maker in _makers:
        made = maker(thing)
        if made is not None:
            return made
    raise CoercionError(
        f"{thing!r} cannot be a step; use a runnable, a function of one argument, a generator function, "
        "or a dict of them."
    )


def is_generator_function(thing: Any) -> bool:
    """Return whether calling the thing gives a generator of either kind."""
    called = thing if inspect.isroutine(thing) else getattr(thing, "__call__", thing)  # noqa: B004
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)
