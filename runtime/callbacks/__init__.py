"""Callbacks by their documented import path; nothing else lives here."""

from ...tracing.callbacks.async_handlers import AsyncCallbackHandler
from ...tracing.callbacks.custom import adispatch_custom_event, dispatch_custom_event
from ...tracing.callbacks.handlers import BaseCallbackHandler
from ...tracing.callbacks.manager import AsyncCallbackManager, BaseCallbackManager, CallbackManager, Callbacks
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
from ...tracing.callbacks.stdout import FileCallbackHandler, StdOutCallbackHandler, StreamingStdOutCallbackHandler
from ...tracing.callbacks.usage import UsageMetadataCallbackHandler, get_usage_metadata_callback

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncRunManager",
    "BaseCallbackHandler",
    "BaseCallbackManager",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "Callbacks",
    "FileCallbackHandler",
    "RunManager",
    "StdOutCallbackHandler",
    "StreamingStdOutCallbackHandler",
    "UsageMetadataCallbackHandler",
    "adispatch_custom_event",
    "dispatch_custom_event",
    "get_usage_metadata_callback",
]
