"""The log of a run by its documented import path; nothing else lives here."""

from ...tracing.events.log import LogEntry, RunLog, RunLogPatch, RunState

__all__ = ["LogEntry", "RunLog", "RunLogPatch", "RunState"]
