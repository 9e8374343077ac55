"""Tracers: handlers that are given whole runs."""

from .base import AsyncBaseTracer, BaseTracer, TracerException
from .context import collect_runs
from .log_stream import RunLog, RunLogPatch
from .run_collector import RunCollectorCallbackHandler
from .schemas import Run
from .stdout import ConsoleCallbackHandler, FunctionCallbackHandler

__all__ = [
    "AsyncBaseTracer",
    "BaseTracer",
    "ConsoleCallbackHandler",
    "FunctionCallbackHandler",
    "Run",
    "RunCollectorCallbackHandler",
    "RunLog",
    "RunLogPatch",
    "TracerException",
    "collect_runs",
]
