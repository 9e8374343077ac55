"""The runs that a handler is being told of, from their starts to their ends; nothing is kept of a run that has ended.

Hooks of one tree may come from several threads; each method here is one step under one lock.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from .traced import TracedRun, error_text, keyed, plain

__all__ = ["RunBook", "UnknownRunError"]

_TOLD = frozenset({"run_id", "parent_run_id", "tags", "metadata", "name", "run_type", "inputs"})


class UnknownRunError(LookupError):
    """A hook was called for a run whose start the handler has not seen."""


class RunBook:
    """Runs that have started and not ended, by id.

    Args:
        runs: Where they are kept, by the text of their ids.
    """

    def __init__(self, runs: dict[str, TracedRun] | None = None) -> None:
        self.runs: dict[str, TracedRun] = {} if runs is None else runs
        self._lock = threading.Lock()

    def start(self, run_type: str, serialized: Any, inputs: dict[str, Any], hook: Mapping[str, Any]) -> TracedRun:
        """Return a run that starts, its parent's child where the parent is known.

        Args:
            run_type: Its type.
            serialized: What is known of its class.
            inputs: Its input.
            hook: The keyword arguments of the start hook.
        """
        run_id: UUID = hook["run_id"]
        metadata = dict(hook.get("metadata") or {})
        extra = {key: value for key, value in hook.items() if key not in _TOLD}
        run = TracedRun(
            id=run_id,
            name=hook.get("name") or _name_of(serialized),
            run_type=run_type,
            inputs=inputs,
            start_time=datetime.now(UTC),
            parent_run_id=hook.get("parent_run_id"),
            tags=list(hook.get("tags") or ()),
            metadata=metadata,
            serialized=serialized,
            extra={**extra, "metadata": metadata} if metadata else extra,
        )
        run.events.append({"name": "start", "time": run.start_time})
        order = f"{run.start_time:%Y%m%dT%H%M%S%fZ}{run_id}"
        with self._lock:
            parent = None if run.parent_run_id is None else self.runs.get(str(run.parent_run_id))
            if parent is not None:
                parent.child_runs.append(run)
            run.trace_id = run_id if parent is None else parent.trace_id
            run.dotted_order = order if parent is None else f"{parent.dotted_order}.{order}"
            self.runs[str(run_id)] = run
        return run

    def find(self, run_id: UUID) -> TracedRun:
        """Return a run that has started and not ended.

        Args:
            run_id: Its id.

        Raises:
            UnknownRunError: If there is none.
        """
        run = self.runs.get(str(run_id))
        if run is None:
            raise UnknownRunError(
                f"No run {run_id} is under way; its start hook was not called, or it has ended already."
            )
        return run

    def end(self, run_id: UUID, outputs: Any, inputs: Any = None) -> TracedRun:
        """Return the run, ended well.

        Args:
            run_id: Its id.
            outputs: Its output.
            inputs: Its input, where that became known only now.

        Raises:
            UnknownRunError: If it is not under way.
        """
        run = self.find(run_id)
        run.outputs = keyed(outputs, "output")
        if inputs is not None:
            run.inputs = keyed(inputs, "input")
        run.end_time = run.happened("end")
        return run

    def fail(self, run_id: UUID, error: BaseException, response: Any = None) -> TracedRun:
        """Return the run, ended by an exception.

        Args:
            run_id: Its id.
            error: The exception.
            response: What a model had said until then.

        Raises:
            UnknownRunError: If it is not under way.
        """
        run = self.find(run_id)
        run.error = error_text(error)
        if response is not None:
            run.outputs = keyed(plain(response), "output")
        run.end_time = run.happened("error")
        return run

    def notice(self, error: BaseException, hook: Mapping[str, Any]) -> TracedRun:
        """Return the run, which goes on, with an event that tells of a guardrail.

        Args:
            error: The notice.
            hook: The keyword arguments of the hook.

        Raises:
            UnknownRunError: If it is not under way.
        """
        run = self.find(hook["run_id"])
        run.happened("guardrail", reason=hook.get("reason"), trace=hook.get("trace"), error=str(error))
        intervention = getattr(error, "intervention", None)
        if intervention is not None:
            run.interventions.append(intervention)
        return run

    def drop(self, run: TracedRun) -> None:
        """Forget a run that has ended.

        Args:
            run: The run.
        """
        with self._lock:
            self.runs.pop(str(run.id), None)


def _name_of(serialized: Any) -> str:
    known = serialized or {}
    return str(known.get("name") or (known.get("id") or ["Unnamed"])[-1])
