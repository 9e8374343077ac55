"""The run as listeners and tracers see it: one object that grows from its start to its end.

Times are in UTC. Inputs and outputs are mappings: any other value stands under `input` or `output`, which the
attributes of these names take out again. What models and chat models take and give is shown as plain data.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from ..interventions import Intervention

__all__ = ["TracedRun", "error_text", "keyed", "plain"]


@dataclass(eq=False)
class TracedRun:
    """A run, from its start on; what happens later is filled in.

    Args:
        id: The run's id.
        name: Its name.
        run_type: chain, chat_model, llm, prompt, parser, tool or retriever.
        inputs: Its input.
        start_time: When it started, UTC.
        parent_run_id: The run that started it.
        tags: Its tags.
        metadata: Its metadata.
        serialized: What is known of its class.
        extra: What else its start told.
        outputs: Its output; None until its end and after an error.
        error: The exception that ended it, with its stack trace.
        end_time: When it ended, UTC.
        events: What happened meanwhile: a `name`, a `time`, and `kwargs` where there is more.
        interventions: What guardrails did in it, in order; the run went on.
        child_runs: The runs that it started, as far as the same handler was told of them.
        trace_id: The id of the outermost run known to the handler.
        dotted_order: Start times and ids from the outermost run down to this one; sorts as a tree.
    """

    id: UUID
    name: str
    run_type: str
    inputs: dict[str, Any]
    start_time: datetime
    parent_run_id: UUID | None = None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    serialized: Mapping[str, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    error: str | None = None
    end_time: datetime | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    child_runs: list[TracedRun] = field(default_factory=list)
    trace_id: UUID | None = None
    dotted_order: str = ""

    @property
    def type(self) -> str:
        """Its type, another name of `run_type`."""
        return self.run_type

    @property
    def input(self) -> Any:
        """Its input as it was given: the value under `input` where that is all there is."""
        return _alone(self.inputs, "input")

    @property
    def output(self) -> Any:
        """Its output as it was given: the value under `output` where that is all there is."""
        return None if self.outputs is None else _alone(self.outputs, "output")

    def happened(self, name: str, **kwargs: Any) -> datetime:
        """Add an event and return its time.

        Args:
            name: What happened.
            kwargs: What there is to tell of it.
        """
        now = datetime.now(UTC)
        self.events.append({"name": name, "time": now, **({"kwargs": kwargs} if kwargs else {})})
        return now


def _alone(values: Mapping[str, Any], key: str) -> Any:
    return values[key] if len(values) == 1 and key in values else values


def keyed(value: Any, key: str) -> dict[str, Any]:
    """Return the value if it is a mapping, else a mapping that holds it under the key.

    Args:
        value: An input or output.
        key: input or output.
    """
    return value if isinstance(value, dict) else {key: value}


def plain(value: Any) -> Any:
    """Return models, and lists of them, as plain data; everything else as it is."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    dump = getattr(value, "model_dump", None)
    return value if dump is None else dump()


def error_text(error: BaseException) -> str:
    """Return an exception and its stack trace as one text; never raises."""
    try:
        shown = repr(error)
    except Exception:  # noqa: BLE001 - an exception that cannot be shown is still an error
        shown = f"{type(error).__name__}(<cannot be shown>)"
    return shown + "".join(f"\n\n{line}" for line in _lines(error))


def _lines(error: BaseException) -> list[str]:
    try:
        return traceback.format_exception(error)
    except Exception:  # noqa: BLE001 - as above
        return traceback.format_tb(error.__traceback__)
