"""Items and parts of OpenAI's Responses API.

Source: OpenAI's API reference, output items and input parts of responses. An item in which the provider ran a tool
holds both the call and what came of it, so it becomes two blocks; a summary of reasoning becomes one block for each
of its parts. A refusal has no standard form, nor have items that wait for somebody to act.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from .standard import rest_as_extras

__all__ = ["translate_responses"]

_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)
_Blocks = list[dict[str, Any]] | None


def translate_responses(entry: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the standard blocks for an item or part, or None if it is none of theirs."""
    kind = entry.get("type")
    translate = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    return translate(entry) if translate else None


def _text(entry: Mapping[str, Any]) -> _Blocks:
    remarks = entry.get("annotations")
    if not isinstance(entry.get("text"), str) or not isinstance(remarks, list | None):
        return None
    if not all(isinstance(remark, Mapping) for remark in remarks or ()):
        return None
    if entry.get("type") == "text" and not (remarks and "citations" not in entry):
        return None
    block: dict[str, Any] = {"type": "text", "text": entry["text"]}
    if remarks:
        block["annotations"] = [_annotation(remark) for remark in remarks]
    if "id" in entry:
        block["id"] = entry["id"]
    return [rest_as_extras(block, entry, "text", "annotations", "id")]


def _annotation(remark: Mapping[str, Any]) -> dict[str, Any]:
    kind = remark.get("type")
    if kind in ("citation", "non_standard_annotation"):
        return dict(remark)
    if kind not in ("url_citation", "file_citation", "container_file_citation"):
        return {"type": "non_standard_annotation", "value": dict(remark)}
    known = {"url": "url", "title": "title", "start_index": "start_index", "end_index": "end_index"}
    if kind != "url_citation":
        known["filename"] = "title"
    found = {new: remark[old] for old, new in known.items() if old in remark}
    rest = {key: value for key, value in remark.items() if key not in known and key != "type"}
    if kind == "container_file_citation":
        rest["type"] = kind
    return {"type": "citation", **found, **({"extras": rest} if rest else {})}


def _reasoning(entry: Mapping[str, Any]) -> _Blocks:
    parts = entry.get("summary")
    if not isinstance(parts, list):
        return None
    if not all(isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in parts):
        return None
    own = {"id": entry["id"]} if "id" in entry else {}
    first: dict[str, Any] = {"type": "reasoning", **own}
    if parts:
        first["reasoning"] = parts[0]["text"]
    blocks = [rest_as_extras(first, entry, "summary", "id", also=_beside_text(parts[0]) if parts else None)]
    for part in parts[1:]:
        extras = _beside_text(part)
        blocks.append({"type": "reasoning", **own, "reasoning": part["text"], **({"extras": extras} if extras else {})})
    return blocks


def _beside_text(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in ("type", "text", "index")}


def _function_call(entry: Mapping[str, Any]) -> _Blocks:
    text = entry.get("arguments")
    if not isinstance(text, str):
        return None
    own_id, name = entry.get("call_id"), entry.get("name")
    args = _object(text)
    if args is not None and isinstance(name, str):
        block: dict[str, Any] = {"type": "tool_call", "name": name, "args": args, "id": own_id}
    else:
        kind = "tool_call_chunk" if "index" in entry else "invalid_tool_call"
        block = {"type": kind, "name": name, "args": text, "id": own_id}
    also = {"item_id": entry["id"]} if "id" in entry else None
    return [rest_as_extras(block, entry, "arguments", "call_id", "name", "id", also=also)]


def _object(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text, strict=False) if text else {}
    except (TypeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _web_search(entry: Mapping[str, Any]) -> _Blocks:
    action = entry.get("action")
    if action is not None and not isinstance(action, dict):
        return None
    return _served("web_search", action or {}, entry, "action")


def _file_search(entry: Mapping[str, Any]) -> _Blocks:
    args = {"queries": entry["queries"]} if "queries" in entry else {}
    return _served("file_search", args, entry, "queries", output="results")


def _code_interpreter(entry: Mapping[str, Any]) -> _Blocks:
    args = {"code": entry["code"]} if "code" in entry else {}
    return _served("code_interpreter", args, entry, "code", output="outputs")


def _remote_tool(entry: Mapping[str, Any]) -> _Blocks:
    args, name = _object(entry.get("arguments")), entry.get("name")
    if args is None or not isinstance(name, str):
        return None
    return _served("remote_mcp", args, entry, "arguments", "name", output="output", also={"tool_name": name})


def _remote_tools(entry: Mapping[str, Any]) -> _Blocks:
    return _served("mcp_list_tools", {}, entry, output="tools")


def _served(
    name: str,
    args: dict[str, Any],
    entry: Mapping[str, Any],
    *known: str,
    output: str = "",
    also: Mapping[str, Any] | None = None,
) -> _Blocks:
    """Return the call of a tool that the provider ran, and its result if there is one yet."""
    own_id, status, error = entry.get("id"), entry.get("status"), entry.get("error")
    if not isinstance(own_id, str):
        return None
    done = entry.get(output) is not None or error is not None or status in ("completed", "failed", "incomplete")
    told = ("status", "error", output) if done else ()
    call = {"type": "server_tool_call", "name": name, "args": args, "id": own_id}
    blocks = [rest_as_extras(call, entry, "id", *known, *told, also=also)]
    if not done:
        return blocks
    failed = error is not None or status in ("failed", "incomplete")
    result: dict[str, Any] = {
        "type": "server_tool_result",
        "tool_call_id": own_id,
        "status": "error" if failed else "success",
    }
    if entry.get(output) is not None:
        result["output"] = entry[output]
    beside = {"status": status} if status not in (None, "completed") else {}
    extras = {**beside, **({"error": error} if error is not None else {})}
    return [*blocks, {**result, "extras": extras} if extras else result]


def _made_image(entry: Mapping[str, Any]) -> _Blocks:
    data = entry.get("result")
    if not isinstance(data, str):
        return None
    block: dict[str, Any] = {"type": "image", "base64": data, "mime_type": f"image/{entry.get('output_format', 'png')}"}
    if "id" in entry:
        block["id"] = entry["id"]
    return [rest_as_extras(block, entry, "result", "id")]


def _input_text(entry: Mapping[str, Any]) -> _Blocks:
    if not isinstance(entry.get("text"), str):
        return None
    return [rest_as_extras({"type": "text", "text": entry["text"]}, entry, "text")]


def _input_file(entry: Mapping[str, Any]) -> _Blocks:
    kind = str(entry["type"]).removeprefix("input_")
    for key in ("image_url", "file_url", "file_data", "file_id"):
        value = entry.get(key)
        data = _DATA_URL.fullmatch(value) if isinstance(value, str) and key != "file_id" else None
        if data:
            return [rest_as_extras({"type": kind, "base64": data[2], "mime_type": data[1]}, entry, key)]
        if isinstance(value, str) and key != "file_data":
            return [rest_as_extras({"type": kind, "file_id" if key == "file_id" else "url": value}, entry, key)]
    return None


_BY_TYPE = {
    "text": _text,
    "output_text": _text,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "web_search_call": _web_search,
    "file_search_call": _file_search,
    "code_interpreter_call": _code_interpreter,
    "mcp_call": _remote_tool,
    "mcp_list_tools": _remote_tools,
    "image_generation_call": _made_image,
    "input_text": _input_text,
    "input_image": _input_file,
    "input_file": _input_file,
}
