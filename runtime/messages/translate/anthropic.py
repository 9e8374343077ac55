"""Blocks of Anthropic's Messages API, which Bedrock's InvokeModel passes on unchanged.

Source: Anthropic's Messages API reference, content blocks. Hidden thinking, answers of tools in a user's message and
blocks unknown here have no standard form.
"""

from collections.abc import Mapping
from typing import Any

from .standard import rest_as_extras

__all__ = ["translate_anthropic"]

_SERVER_NAMES = {"code_execution": "code_interpreter"}
_RESULT = "_tool_result"


def translate_anthropic(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the standard block for one of Anthropic's, or None if it is none of theirs."""
    kind = entry.get("type")
    if not isinstance(kind, str):
        return None
    if kind.endswith(_RESULT):
        return _server_result(kind, entry)
    translate = _BY_TYPE.get(kind)
    return translate(entry) if translate else None


def _text(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    citations = entry.get("citations")
    if not isinstance(entry.get("text"), str) or not isinstance(citations, list | None):
        return None
    if not all(isinstance(c, Mapping) and isinstance(c.get("type"), str) for c in citations or ()):
        return None
    block: dict[str, Any] = {"type": "text", "text": entry["text"]}
    if citations:
        block["annotations"] = [_citation(citation) for citation in citations]
    for key in ("id", "annotations"):
        if key in entry and key not in block:
            block[key] = entry[key]
    return rest_as_extras(block, entry, "text", "citations", "id", "annotations")


def _citation(citation: Mapping[str, Any]) -> dict[str, Any]:
    known = {"url": "url", "title": "title", "document_title": "title", "cited_text": "cited_text"}
    found = {new: citation[old] for old, new in known.items() if isinstance(citation.get(old), str)}
    extras = {key: value for key, value in citation.items() if key not in known and key != "type"}
    return {"type": "citation", **found, **({"extras": extras} if extras else {})}


def _thinking(entry: Mapping[str, Any]) -> dict[str, Any]:
    block = {"type": "reasoning", "reasoning": entry.get("thinking") or ""}
    return rest_as_extras(block, entry, "thinking")


def _tool_use(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    args = entry.get("input")
    if isinstance(args, dict) and isinstance(entry.get("name"), str) and not entry.get("partial_json"):
        block: dict[str, Any] = {"type": "tool_call", "name": entry["name"], "args": args, "id": entry.get("id")}
        return rest_as_extras(block, entry, "name", "input", "id", "partial_json")
    text = entry.get("partial_json") or args
    if not isinstance(text, str):
        return None
    block = {"type": "tool_call_chunk", "name": entry.get("name"), "args": text, "id": entry.get("id")}
    return rest_as_extras(block, entry, "name", "input", "id", "partial_json")


def _input_delta(entry: Mapping[str, Any]) -> dict[str, Any]:
    block = {"type": "tool_call_chunk", "name": None, "args": entry.get("partial_json") or "", "id": None}
    return rest_as_extras(block, entry, "partial_json")


def _server_use(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    name, args, own_id = entry.get("name"), entry.get("input"), entry.get("id")
    if not isinstance(name, str) or not isinstance(own_id, str):
        return None
    value: Any
    text = entry.get("partial_json") or (args if isinstance(args, str) else "")
    if isinstance(args, dict) and not text:
        kind, value = "server_tool_call", args
    else:
        kind, value = "server_tool_call_chunk", text
    remote = entry.get("type") == "mcp_tool_use"
    own_name = "remote_mcp" if remote else _SERVER_NAMES.get(name, name)
    block = {"type": kind, "name": own_name, "args": value, "id": own_id}
    also = {"tool_name": name} if remote else {}
    return rest_as_extras(block, entry, "name", "input", "id", "partial_json", also=also)


def _server_result(kind: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    call_id, output = entry.get("tool_use_id"), entry.get("content")
    if not isinstance(call_id, str):
        return None
    kind_of_output = output.get("type") if isinstance(output, Mapping) else None
    failed = bool(entry.get("is_error")) or (isinstance(kind_of_output, str) and kind_of_output.endswith("_error"))
    block: dict[str, Any] = {
        "type": "server_tool_result",
        "tool_call_id": call_id,
        "status": "error" if failed else "success",
    }
    if "content" in entry:
        block["output"] = output
    return rest_as_extras(block, entry, "tool_use_id", "content", "is_error", also={"block_type": kind})


def _file(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    source = entry.get("source")
    if not isinstance(source, Mapping):
        return None
    kind = "image" if entry.get("type") == "image" else "file"
    form, data = source.get("type"), source.get("data")
    if form == "base64" and isinstance(data, str):
        block = {"type": kind, "base64": data, "mime_type": source.get("media_type")}
    elif form == "url" and isinstance(source.get("url"), str):
        block = {"type": kind, "url": source["url"]}
    elif form == "file" and isinstance(source.get("file_id"), str):
        block = {"type": kind, "file_id": source["file_id"]}
    elif form == "text" and isinstance(data, str) and kind == "file":
        block = {"type": "text-plain", "text": data, "mime_type": "text/plain"}
    else:
        return None
    own = [key for key in ("title", "context") if block["type"] == "text-plain" and isinstance(entry.get(key), str)]
    block.update({key: entry[key] for key in own})
    return rest_as_extras(block, entry, "source", *own)


_BY_TYPE = {
    "text": _text,
    "thinking": _thinking,
    "tool_use": _tool_use,
    "input_json_delta": _input_delta,
    "server_tool_use": _server_use,
    "mcp_tool_use": _server_use,
    "image": _file,
    "document": _file,
}
