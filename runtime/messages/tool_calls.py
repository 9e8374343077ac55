"""Calls of tools as a model asks for them: whole, in pieces, or not readable.

A provider may stream a call's arguments as text. `read_tool_call_chunks` turns such pieces into calls, and pieces that
cannot be read as a JSON object into invalid calls; it accepts arguments that are cut off.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from ..partial_json import parse_partial_json

__all__ = [
    "InvalidToolCall",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "ToolCall",
    "ToolCallChunk",
    "invalid_tool_call",
    "read_raw_tool_call_chunks",
    "read_raw_tool_calls",
    "read_tool_call_chunks",
    "tool_call",
    "tool_call_chunk",
    "tool_call_chunks_of",
]


class ToolCall(TypedDict):
    """A model's wish to call the tool `name` with `args`; `id` links the tool's answer to it."""

    name: str
    args: dict[str, Any]
    id: str | None
    type: NotRequired[Literal["tool_call"]]


class ToolCallChunk(TypedDict):
    """A piece of a tool call; pieces with the same `index` join, `name`, `args` and `id` by concatenation."""

    name: str | None
    args: str | None
    id: str | None
    index: int | None
    type: NotRequired[Literal["tool_call_chunk"]]


class InvalidToolCall(TypedDict):
    """A tool call whose arguments could not be read; `args` is their text."""

    name: str | None
    args: str | None
    id: str | None
    error: str | None
    type: NotRequired[Literal["invalid_tool_call"]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCall(TypedDict):
    """A call of a tool that the provider runs itself."""

    type: Literal["server_tool_call"]
    id: str
    name: str
    args: dict[str, Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolCallChunk(TypedDict):
    """A piece of a call of a tool that the provider runs itself; `args` is a piece of JSON."""

    type: Literal["server_tool_call_chunk"]
    id: NotRequired[str]
    name: NotRequired[str]
    args: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ServerToolResult(TypedDict):
    """What a tool that the provider ran itself gave; `tool_call_id` is the id of the call."""

    type: Literal["server_tool_result"]
    id: NotRequired[str]
    tool_call_id: str
    status: Literal["success", "error"]
    output: NotRequired[Any]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


def tool_call(*, name: str, args: dict[str, Any], id: str | None) -> ToolCall:
    """Return a tool call with its type set."""
    return ToolCall(name=name, args=args, id=id, type="tool_call")


def tool_call_chunk(
    *, name: str | None = None, args: str | None = None, id: str | None = None, index: int | None = None
) -> ToolCallChunk:
    """Return a piece of a tool call with its type set."""
    return ToolCallChunk(name=name, args=args, id=id, index=index, type="tool_call_chunk")


def invalid_tool_call(
    *, name: str | None = None, args: str | None = None, id: str | None = None, error: str | None = None
) -> InvalidToolCall:
    """Return an unreadable tool call with its type set."""
    return InvalidToolCall(name=name, args=args, id=id, error=error, type="invalid_tool_call")


def read_tool_call_chunks(chunks: Iterable[ToolCallChunk]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls that the pieces spell, and those that cannot be read.

    Absent or empty arguments are an empty object. Arguments that are cut off give what has arrived.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for chunk in chunks:
        text = chunk["args"]
        try:
            args = parse_partial_json(text) if text else {}
        except ValueError:
            args = None
        if isinstance(args, dict):
            calls.append(tool_call(name=chunk["name"] or "", args=args, id=chunk["id"]))
        else:
            invalid.append(invalid_tool_call(name=chunk["name"], args=text, id=chunk["id"]))
    return calls, invalid


def tool_call_chunks_of(calls: Iterable[ToolCall], invalid: Iterable[InvalidToolCall]) -> list[ToolCallChunk]:
    """Return whole calls as pieces without an index, so that they never join others."""
    whole = [tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"]) for c in calls]
    return whole + [tool_call_chunk(name=c["name"], args=c["args"], id=c["id"]) for c in invalid]


def read_raw_tool_calls(raw: Iterable[Mapping[str, Any]]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls in OpenAI's form `{"id", "function": {"name", "arguments"}}`, and those that cannot be read.

    Entries without a `function` are skipped. Arguments that are cut off count as unreadable.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for entry in raw:
        function = entry.get("function")
        if not isinstance(function, Mapping):
            continue
        name, text = function.get("name"), function.get("arguments")
        try:
            args = json.loads(text, strict=False) if text else {}
        except (TypeError, ValueError, RecursionError):
            args = None
        if isinstance(args, dict):
            calls.append(tool_call(name=name or "", args=args, id=entry.get("id")))
        else:
            invalid.append(invalid_tool_call(name=name, args=text, id=entry.get("id")))
    return calls, invalid


def read_raw_tool_call_chunks(raw: Iterable[Mapping[str, Any]]) -> list[ToolCallChunk]:
    """Return the pieces of calls in OpenAI's form `{"id", "index", "function": {"name", "arguments"}}`.

    An entry without a `function` gives a piece without name and arguments.
    """
    pieces: list[ToolCallChunk] = []
    for entry in raw:
        function = entry.get("function") or {}
        name, text = function.get("name"), function.get("arguments")
        pieces.append(tool_call_chunk(name=name, args=text, id=entry.get("id"), index=entry.get("index")))
    return pieces
