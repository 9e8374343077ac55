"""Typed empty slots: what every runnable offers but other modules make.

The base class offers `|`, `bind`, `assign` and more without importing the combinators that stand above it; the package
fills these slots when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Slots"]


class Slots:
    """The makers of combinators, filled by `spanloom.runtime.runnables`."""

    coerce: Callable[[Any], Any]
    """A runnable from a runnable, a mapping or a function."""

    sequence: Callable[..., Any]
    """A sequence of steps."""

    function: Callable[..., Any]
    """A function as a runnable."""

    parallel: Callable[..., Any]
    """Steps under keys."""

    binding: Callable[..., Any]
    """A runnable with config and arguments bound to it."""

    each: Callable[..., Any]
    """A runnable mapped over a list."""

    assign: Callable[..., Any]
    """Keys added to a mapping."""

    pick: Callable[..., Any]
    """Keys picked from a mapping."""

    stream_events: Callable[..., Any]
    """The live event stream of a runnable."""

    stream_log: Callable[..., Any]
    """The live log of a runnable."""

    retry: Callable[..., Any]
    """A runnable that is tried again."""

    fallbacks: Callable[..., Any]
    """A runnable with others to go on to."""

    listeners: Callable[..., Any]
    """A runnable with functions told of its runs."""

    alisteners: Callable[..., Any]
    """A runnable with coroutine functions told of its runs."""

    tool: Callable[..., Any]
    """A runnable as a tool."""

    graph: Callable[..., Any]
    """The graph of a runnable."""

    configurable_fields: Callable[..., Any]
    """A runnable whose fields are chosen at run time."""

    configurable_alternatives: Callable[..., Any]
    """A runnable in whose place another is chosen at run time."""
