"""One block of a message's content, from any form to Converse's.

Blocks come in the standard form, in Anthropic's or OpenAI's, or as Converse has them: told by their one key, spelt
either way, or by a `type` of that name. A member that is not known here is passed on as it is, since the service knows
more with time. What only a stream's pieces say, and reasoning that the service would refuse, gives nothing.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Final

from ....exceptions import InvalidInputError
from .files import FILE_TYPES, named_document, wire_file, wire_image_url
from .keys import camel_key, camel_keys

__all__ = ["BLANK", "MEMBERS", "wire_block", "wire_tool_use"]

BLANK: Final = "."
"""What stands for a text without any character but spaces, which the service refuses."""

MEMBERS: Final = frozenset(
    {
        "audio",
        "cachePoint",
        "citationsContent",
        "document",
        "guardContent",
        "image",
        "json",
        "reasoningContent",
        "searchResult",
        "text",
        "toolAddition",
        "toolRemoval",
        "toolResult",
        "toolUse",
        "video",
    }
)
"""The members of Converse's unions of content."""

_Wire = dict[str, Any]


def wire_block(entry: str | Mapping[str, Any], *, keeps_unsigned: bool = False) -> _Wire | None:
    """Return Converse's block for an entry of a message's content, or None for one that is not to be sent.

    Args:
        entry: A text or a block.
        keeps_unsigned: Whether the model takes reasoning without a signature.

    Raises:
        InvalidInputError: If the block is of a kind that Converse has no form for.
    """
    if isinstance(entry, str):
        return {"text": entry}
    kind = entry.get("type")
    if not isinstance(kind, str):
        return _native(entry, keeps_unsigned=keeps_unsigned)
    if kind == "non_standard" and isinstance(entry.get("value"), Mapping):
        return wire_block(entry["value"], keeps_unsigned=keeps_unsigned)
    own = next((key for key in (kind, camel_key(kind)) if key in entry), None)
    if own is not None and camel_key(kind) in MEMBERS and isinstance(entry[own], Mapping):
        return _native({own: entry[own]}, keeps_unsigned=keeps_unsigned)
    if kind in ("reasoning", "thinking", "redacted_thinking"):
        return _reasoning(_thought(entry), keeps_unsigned=keeps_unsigned)
    if kind in FILE_TYPES:
        return wire_file(entry)
    make = _BY_TYPE.get(kind)
    if make is None:
        raise InvalidInputError(
            f"Converse has no form for a content block of type {kind!r} (its keys are {sorted(entry)}). Give a text, "
            "image, file, video, audio, tool or reasoning block, or Converse's own, such as {'text': '...'}."
        )
    return make(entry)


def wire_tool_use(call_id: Any, name: Any, args: Any) -> _Wire:
    """Return Converse's block for a tool call.

    Args:
        call_id: The call's id.
        name: The tool's name.
        args: The arguments.
    """
    return {"toolUse": {"toolUseId": call_id, "name": name, "input": args}}


def _native(entry: Mapping[str, Any], *, keeps_unsigned: bool) -> _Wire | None:
    if len(entry) != 1:
        raise InvalidInputError(
            f"A content block without a type must have one key, such as {{'text': '...'}}; it has {sorted(entry)}."
        )
    key, value = next(iter(camel_keys(entry).items()))
    if key == "reasoningContent" and isinstance(value, Mapping):
        return _reasoning(value, keeps_unsigned=keeps_unsigned)
    if key == "guardContent" and isinstance(value, Mapping):
        return _guard(value)
    if key == "document" and isinstance(value, Mapping):
        return {key: named_document(value)}
    return {key: value}


def _guard(value: Mapping[str, Any]) -> _Wire:
    text = value.get("text")
    if isinstance(text, str):
        qualifiers = value.get("qualifiers")
        return {"guardContent": {"text": {"text": text, **({"qualifiers": qualifiers} if qualifiers else {})}}}
    return {"guardContent": {key: part for key, part in value.items() if key != "type"}}


def _reasoning(value: Mapping[str, Any], *, keeps_unsigned: bool) -> _Wire | None:
    if "redactedContent" in value:
        return {"reasoningContent": {"redactedContent": value["redactedContent"]}}
    said = value.get("reasoningText", value)
    text, signature = said.get("text") or "", said.get("signature")
    if signature:
        return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
    return {"reasoningContent": {"reasoningText": {"text": text}}} if keeps_unsigned and text else None


def _thought(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return standard reasoning, or Anthropic's thinking, as Converse's `reasoningContent` holds it."""
    extras = entry.get("extras") or {}
    hidden = extras.get("redacted_content", entry.get("data"))
    if hidden is not None:
        return {"redactedContent": _bytes(hidden) if isinstance(hidden, str) else hidden}
    text = entry.get("reasoning", entry.get("thinking"))
    return {"text": text, "signature": extras.get("signature", entry.get("signature"))}


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


def _text(entry: Mapping[str, Any]) -> _Wire:
    citations = entry.get("citations") or [
        _own_citation(note) for note in entry.get("annotations") or () if note.get("type") == "citation"
    ]
    # Only what Converse itself said of a source can go back to it: it wants to know the place in the document.
    if citations and all("location" in citation for citation in citations):
        cited = [camel_keys({key: part for key, part in c.items() if key != "type"}) for c in citations]
        return {"citationsContent": {"content": [{"text": entry["text"]}], "citations": cited}}
    return {"text": entry["text"]}


def _own_citation(note: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(note.get("extras") or {})
    if "title" in note:
        found["title"] = note["title"]
    if "cited_text" in note:
        found["source_content"] = [{"text": note["cited_text"]}]
    return found


def _tool_use(entry: Mapping[str, Any]) -> _Wire | None:
    args = entry.get("input", entry.get("args"))
    if isinstance(args, str):
        try:
            args = json.loads(args or "{}")
        except ValueError:
            return None
    if args is not None and not isinstance(args, Mapping):
        return None
    made = wire_tool_use(entry.get("id"), entry.get("name"), args or {})
    if entry["type"].startswith("server_"):
        made["toolUse"]["type"] = "server_tool_use"
    return made


def _tool_result(entry: Mapping[str, Any]) -> _Wire:
    content = entry.get("content", entry.get("output"))
    parts = content if isinstance(content, list) else [content if isinstance(content, str | Mapping) else str(content)]
    made: dict[str, Any] = {
        "toolUseId": entry.get("tool_use_id", entry.get("tool_call_id")),
        "content": [block for part in parts if (block := _result_part(part)) is not None],
        "status": entry.get("status", "error" if entry.get("is_error") else "success"),
    }
    kind = (entry.get("extras") or {}).get("type", entry.get("result_type"))
    return {"toolResult": {**made, **({"type": kind} if kind else {})}}


def _result_part(part: Any) -> _Wire | None:
    if isinstance(part, Mapping) and not isinstance(part.get("type"), str) and len(part) != 1:
        return {"json": dict(part)}
    block = wire_block(part)
    return {"text": BLANK} if block is not None and not str(block.get("text", BLANK)).strip() else block


def _search_result(entry: Mapping[str, Any]) -> _Wire:
    content = [{"text": part["text"]} if isinstance(part, Mapping) else {"text": part} for part in entry["content"]]
    rest = {key: camel_keys(entry[key]) for key in ("source", "title", "citations") if key in entry}
    return {"searchResult": {**rest, "content": content}}


def _member(entry: Mapping[str, Any]) -> _Wire:
    value = {key: part for key, part in entry.items() if key != "type"}
    return {camel_key(entry["type"]): camel_keys(value)}


def _nothing(entry: Mapping[str, Any]) -> None:
    return None


_BY_TYPE: Final[Mapping[str, Callable[[Mapping[str, Any]], _Wire | None]]] = {
    "text": _text,
    "refusal": lambda entry: {"text": entry["refusal"]},
    "image_url": wire_image_url,
    "tool_use": _tool_use,
    "tool_call": _tool_use,
    "server_tool_use": _tool_use,
    "server_tool_call": _tool_use,
    "tool_result": _tool_result,
    "server_tool_result": _tool_result,
    "search_result": _search_result,
    "json": lambda entry: {"json": entry["json"]},
    "guard_content": lambda entry: _guard(_member(entry)["guardContent"]),
    "cache_point": lambda entry: {"cachePoint": {"type": "default"}},
    "input_json_delta": _nothing,
    "invalid_tool_call": _nothing,
    "server_tool_call_chunk": _nothing,
    "tool_call_chunk": _nothing,
}
