"""An answer of Converse, as a message.

Content stays a list of blocks, also for a single text: `message.text` is the text alone. Names of members are in
snake case, but for what belongs to tools. What is not known here becomes a `non_standard` block with the member as it
came.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ....messages import AIMessage
from ....messages.tool_calls import InvalidToolCall, ToolCall, invalid_tool_call, tool_call
from ..counting import usage_from_converse
from ..shapes import object_of, objects_of, text_of
from .files import media_type
from .keys import snake_keys

__all__ = ["PROVIDER", "message_block", "parse_answer", "read_tool_calls", "with_one_latency"]

PROVIDER: Final = "bedrock_converse"
"""The name under which messages say that they came from Converse."""

_Block = dict[str, Any]


def parse_answer(answer: Mapping[str, Any], model_name: str, profile_id: str | None = None) -> AIMessage:
    """Return the message of an answer.

    Args:
        answer: What `converse` returned.
        model_name: The model that was asked.
        profile_id: The application inference profile through which it was asked, if any.
    """
    members = objects_of(object_of(object_of(answer.get("output")).get("message")).get("content"))
    calls, invalid = read_tool_calls(members)
    metadata = {key: value for key, value in answer.items() if key not in ("output", "usage")}
    if "metrics" in metadata:
        metadata["metrics"] = with_one_latency(metadata["metrics"])
    metadata |= {"model_provider": PROVIDER, "model_name": model_name}
    if profile_id is not None:
        metadata["inference_profile_id"] = profile_id
    return AIMessage(
        content=[message_block(member) for member in members],
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage_from_converse(answer.get("usage"), answer.get("additionalModelResponseFields")),
        response_metadata=metadata,
    )


def with_one_latency(metrics: Any) -> dict[str, Any]:
    """Return metrics with the latency as one number, in milliseconds, also where it came as a list of one.

    Args:
        metrics: The answer's `metrics`.
    """
    told = object_of(metrics)
    latency = told.get("latencyMs")
    return {**told, "latencyMs": latency[0]} if isinstance(latency, list) and latency else dict(told)


def message_block(member: Mapping[str, Any]) -> _Block:
    """Return a content block of Converse as a message has it.

    Args:
        member: The block, with its one key.
    """
    kind, value = next(iter(member.items()), ("", None))
    read = _READERS.get(kind)
    found = read(value) if read and (kind == "text" or isinstance(value, Mapping)) else None
    return found or {"type": "non_standard", "value": dict(member)}


def read_tool_calls(members: Iterable[Mapping[str, Any]]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls in content blocks of Converse, and those whose arguments are no JSON object.

    Calls that the service runs itself are not among them.

    Args:
        members: The blocks.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for use in (member["toolUse"] for member in members if isinstance(member.get("toolUse"), Mapping)):
        if use.get("type") == "server_tool_use":
            continue
        args = _arguments(use.get("input"))
        own_id, name = text_of(use.get("toolUseId")), text_of(use.get("name")) or ""
        if isinstance(args, Mapping):
            calls.append(tool_call(name=name, args=dict(args), id=own_id))
        else:
            text = args if isinstance(args, str) else json.dumps(args, default=str)
            invalid.append(
                invalid_tool_call(name=name, args=text, id=own_id, error="The arguments are no JSON object.")
            )
    return calls, invalid


def _arguments(given: Any) -> Any:
    if given in (None, ""):
        return {}
    if isinstance(given, str):
        try:
            return json.loads(given)
        except ValueError:
            return given
    return given


def _text(value: Any) -> _Block | None:
    return {"type": "text", "text": value} if isinstance(value, str) else None


def _tool_use(value: Mapping[str, Any]) -> _Block:
    kind = "server_tool_use" if value.get("type") == "server_tool_use" else "tool_use"
    return {"type": kind, "name": value.get("name"), "input": value.get("input"), "id": value.get("toolUseId")}


def _tool_result(value: Mapping[str, Any]) -> _Block:
    block: _Block = {
        "type": "tool_result",
        "tool_use_id": value.get("toolUseId"),
        "is_error": value.get("status") == "error",
        "content": [message_block(part) for part in objects_of(value.get("content"))],
    }
    return {**block, "result_type": value["type"]} if "type" in value else block


def _reasoning(value: Mapping[str, Any]) -> _Block:
    said = value.get("reasoningText")
    return {
        "type": "reasoning_content",
        "reasoning_content": dict(said) if isinstance(said, Mapping) else snake_keys(value),
    }


def _cited(value: Mapping[str, Any]) -> _Block:
    text = "".join(text_of(part.get("text")) or "" for part in objects_of(value.get("content")))
    return {"type": "text", "text": text, "citations": snake_keys(value.get("citations") or [])}


def _media(kind: str, value: Mapping[str, Any]) -> _Block:
    data = object_of(value.get("source")).get("bytes")
    if not isinstance(data, bytes | bytearray):
        return {"type": kind, kind: snake_keys(value)}
    source = {
        "type": "base64",
        "media_type": media_type(kind, text_of(value.get("format")) or ""),
        "data": b64encode(data).decode(),
    }
    return {"type": kind, "source": source}


def _guard(value: Mapping[str, Any]) -> _Block:
    text = value.get("text")
    if isinstance(text, Mapping):
        return {"type": "guard_content", "guard_content": {"type": "text", **text}}
    return {"type": "guard_content", "guard_content": snake_keys(value)}


_READERS: Final[Mapping[str, Any]] = {
    "text": _text,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "citationsContent": _cited,
    "image": lambda value: _media("image", value),
    "video": lambda value: _media("video", value),
    "audio": lambda value: _media("audio", value),
    "document": lambda value: {"type": "document", "document": snake_keys(value)},
    "guardContent": _guard,
    "json": lambda value: {"type": "json", "json": value},
    "searchResult": lambda value: {"type": "search_result", **snake_keys(value)},
}
