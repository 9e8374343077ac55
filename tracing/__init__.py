"""Runs, spans, callbacks, events, filters and replay."""

from .abandoned import drain
from .callbacks.async_handlers import AsyncCallbackHandler
from .callbacks.custom import adispatch_custom_event, dispatch_custom_event
from .callbacks.handlers import BaseCallbackHandler
from .callbacks.manager import AsyncCallbackManager, CallbackManager
from .events.filters import FilterError, Filters
from .events.replay import JournalError, canonical, replay
from .run import Run, Signal
from .scope import RunScope

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "BaseCallbackHandler",
    "CallbackManager",
    "FilterError",
    "Filters",
    "JournalError",
    "Run",
    "RunScope",
    "Signal",
    "adispatch_custom_event",
    "canonical",
    "dispatch_custom_event",
    "drain",
    "replay",
]
