"""The shape of an event record, version 2.

A record has the keys event, run_id, name, tags, metadata, data and parent_ids. `event` is `on_<type>_<what>`, where
what is start, stream or end and the type is chain, chat_model, llm, prompt, parser, tool or retriever; or it is
`on_tool_error`, or `on_custom_event`. With `include_errors` it may be `on_<type>_error` for every type, with
`include_timing` there are `time_ns` and `seq` too.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = ["BaseStreamEvent", "CustomStreamEvent", "EventData", "StandardStreamEvent", "StreamEvent"]


class EventData(TypedDict, total=False):
    """What an event is about."""

    input: Any
    """The run's input; on a start only where it is known by then."""
    error: NotRequired[BaseException]
    """What ended a run: a tool's, or with `include_errors` any run."""
    output: Any
    """The run's output, on its end."""
    chunk: Any
    """A piece of its output, in a stream."""
    tool_call_id: NotRequired[str | None]
    """The tool call that a failed tool run answers."""
    outcome: NotRequired[Literal["ok", "error", "cancelled", "abandoned"]]
    """With `include_errors`: how the run ended that did not return; ok where its exception is control flow."""


class BaseStreamEvent(TypedDict):
    """What every event has."""

    event: str
    """What happened: `on_<type>_<start|stream|end>`, `on_tool_error` or `on_custom_event`."""
    run_id: str
    """The run."""
    tags: NotRequired[list[str]]
    """Its tags."""
    metadata: NotRequired[dict[str, Any]]
    """Its metadata."""
    parent_ids: list[str]
    """Its ancestors, the root first."""
    time_ns: NotRequired[int]
    """With `include_timing`: when, in nanoseconds since the epoch."""
    seq: NotRequired[int]
    """With `include_timing`: its place among the signals of the root run; signals without a record leave gaps."""


class StandardStreamEvent(BaseStreamEvent):
    """An event of a run's own life."""

    data: EventData
    """What it is about."""
    name: str
    """The run's name."""


class CustomStreamEvent(BaseStreamEvent):
    """An event that the program dispatched."""

    event: Literal["on_custom_event"]  # type: ignore[misc]  # narrows the base, as documented
    name: str
    """The event's name."""
    data: Any
    """The event's data."""


StreamEvent = StandardStreamEvent | CustomStreamEvent
"""A record of `astream_events`, version 2."""
