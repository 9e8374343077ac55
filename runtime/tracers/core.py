"""What tracers of both kinds share: how hooks become runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...tracing.callbacks.book import RunBook
from ...tracing.callbacks.traced import TracedRun, keyed, plain

__all__ = ["TracerCore"]


class TracerCore:
    """Keeps the runs under way.

    Args:
        _schema_format: original, or original+chat for chat models with messages.
        run_map: Where the runs under way are kept, by the text of their ids.
        kwargs: Accepted.
    """

    def __init__(
        self, *, _schema_format: str = "original", run_map: dict[str, TracedRun] | None = None, **kwargs: Any
    ) -> None:
        self._tells_messages = _schema_format == "original+chat"
        self._book = RunBook(run_map)

    @property
    def run_map(self) -> dict[str, TracedRun]:
        """The runs under way, by the text of their ids."""
        return self._book.runs

    def _begun(self, what: str, serialized: Any, value: Any, hook: Mapping[str, Any]) -> TracedRun:
        inputs: dict[str, Any]
        if what == "llm":
            inputs = {"prompts": value}
        elif what == "chat_model":
            inputs = {"messages": plain(value)}
        elif what == "retriever":
            inputs = {"query": value}
        else:
            arguments = hook.get("inputs") if what == "tool" else None
            inputs = keyed(value if arguments is None else arguments, "input")
        return self._book.start(hook.get("run_type") or what, serialized, inputs, hook)

    def _answered(self, run_id: UUID, response: Any) -> TracedRun:
        return self._book.end(run_id, plain(response))

    def _noted(self, name: str, run_id: UUID, **told: Any) -> TracedRun:
        run = self._book.find(run_id)
        run.happened(name, **told)
        return run

    def _get_run(self, run_id: UUID) -> TracedRun:
        return self._book.find(run_id)
