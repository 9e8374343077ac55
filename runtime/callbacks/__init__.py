"""Callbacks by their documented import path; nothing else lives here."""

from ...tracing.callbacks.async_handlers import AsyncCallbackHandler
from ...tracing.callbacks.custom import adispatch_custom_event, dispatch_custom_event
from ...tracing.callbacks.handlers import BaseCallbackHandler
from ...tracing.callbacks.manager import AsyncCallbackManager, CallbackManager, Callbacks
from ...tracing.callbacks.run_managers import (
    AsyncCallbackManagerForChainRun,
    AsyncCallbackManagerForLLMRun,
    AsyncCallbackManagerForRetrieverRun,
    AsyncCallbackManagerForToolRun,
    AsyncRunManager,
    BaseRunManager,
    CallbackManagerForChainRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
    CallbackManagerForToolRun,
    RunManager,
)

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncRunManager",
    "BaseCallbackHandler",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "Callbacks",
    "RunManager",
    "adispatch_custom_event",
    "dispatch_custom_event",
]
