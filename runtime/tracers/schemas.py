"""The run of tracers and listeners by its documented import path; nothing else lives here."""

from ...tracing.callbacks.traced import TracedRun as Run

__all__ = ["Run"]
