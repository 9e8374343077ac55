"""The run record and the signals it gives.

A run is one execution of a runnable. Its record is fixed at the start; what happens later are signals. Live runs and
runs read back from a store look the same to whoever reads signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from .ids import id_text

__all__ = ["NO_METADATA", "UNKNOWN", "Run", "Signal", "SignalKind", "Unknown"]

SignalKind = Literal["start", "chunk", "end", "error", "custom"]
"""What can happen to a run and reach a stream of events."""

NO_METADATA: Final[Mapping[str, Any]] = {}
"""The metadata of a run that has none; shared, never written to."""


class Unknown:
    """The type of `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
"""Stands for an input that is not known yet: a run driven by a stream learns it only when the stream ends."""


class Run:
    """What is known of a run from its start on.

    Args:
        number: The run id as a number.
        name: What people call it.
        type: chain, chat_model, llm, prompt, parser, tool or retriever.
        tags: Its tags, the step's own first, then inherited ones.
        metadata: Its metadata, inherited ones included.
        parent: The run that started it.
        parent_ids: Ids from the root run down to the parent; taken from `parent` when not given.
        handed: The tags and metadata that it hands down; its custom events show these.
    """

    __slots__ = ("_parent_ids", "handed", "id", "metadata", "name", "number", "parent", "tags", "type")

    def __init__(
        self,
        number: int,
        name: str,
        type: str,
        tags: tuple[str, ...] = (),
        metadata: Mapping[str, Any] = NO_METADATA,
        parent: Run | None = None,
        parent_ids: tuple[str, ...] | None = None,
        handed: tuple[tuple[str, ...], Mapping[str, Any]] = ((), NO_METADATA),
    ) -> None:
        self.number = number
        self.id = id_text(number)
        self.name = name
        self.type = type
        self.tags = tags
        self.metadata = metadata
        self.parent = parent
        self.handed = handed
        self._parent_ids = () if parent is None and parent_ids is None else parent_ids

    @property
    def uuid(self) -> UUID:
        """The run id as handlers know it."""
        return UUID(int=self.number)

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """Ids from the root run down to the parent; empty for a root."""
        ids = self._parent_ids
        if ids is None:
            parent = self.parent
            assert parent is not None
            ids = self._parent_ids = (*parent.parent_ids, parent.id)
        return ids

    def __repr__(self) -> str:
        return f"Run({self.type} {self.name!r}, {self.id})"


class Signal:
    """One thing that happened to a run; never changed once made.

    Args:
        kind: What happened.
        run: To which run.
        seq: Its place among the signals of the root run, from 1.
        time_ns: When, in nanoseconds since the epoch: the root's wall clock plus monotonic time since.
        value: start: the input or `UNKNOWN`; chunk: the chunk; end: the output; error: the exception; custom: the data.
        extra: end: the input if it became known only now, else `UNKNOWN`; custom: the event's name; error: for tools,
            the id of the tool call.
    """

    __slots__ = ("extra", "kind", "run", "seq", "time_ns", "value")

    def __init__(self, kind: SignalKind, run: Run, seq: int, time_ns: int, value: Any, extra: Any = UNKNOWN) -> None:
        self.kind = kind
        self.run = run
        self.seq = seq
        self.time_ns = time_ns
        self.value = value
        self.extra = extra

    def __repr__(self) -> str:
        return f"Signal({self.kind} #{self.seq} of {self.run!r})"
