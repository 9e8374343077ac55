"""A tracer that keeps the root runs it has seen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ...tracing.callbacks.traced import TracedRun
from .base import BaseTracer

__all__ = ["RunCollectorCallbackHandler"]


class RunCollectorCallbackHandler(BaseTracer):
    """Collects root runs that have ended, their children inside; it keeps them until it is dropped itself.

    Args:
        example_id: Kept beside the runs, for whoever reads them.
        kwargs: Passed on to the tracer.
    """

    name = "run-collector_callback_handler"
    run_inline = True

    def __init__(self, example_id: UUID | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.example_id = UUID(example_id) if isinstance(example_id, str) else example_id
        self.traced_runs: list[TracedRun] = []

    def _persist_run(self, run: TracedRun) -> None:
        self.traced_runs.append(run)
