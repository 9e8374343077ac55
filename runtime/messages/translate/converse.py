"""Blocks of Bedrock's Converse API, as it sends them (told by their one key) or with a `type` of that name.

Source: Bedrock's API reference, ContentBlock.
"""

import base64
from collections.abc import Mapping
from typing import Any

from .standard import rest_as_extras

__all__ = ["translate_converse"]

_DOCUMENT_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}


def translate_converse(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the standard block for one of Converse's, or None if it is none of theirs."""
    kind = entry.get("type")
    if kind is None and len(entry) == 1:
        kind = next(iter(entry))
    if kind == "text":
        return _text(entry)
    if kind in ("video", "audio") and kind not in entry:
        return _inline(kind, entry)
    value = entry.get(kind) if isinstance(kind, str) else None
    translate = _BY_KEY.get(kind) if isinstance(kind, str) else None
    return translate(kind, value, entry) if translate and kind and isinstance(value, Mapping) else None


def _text(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    citations = entry.get("citations")
    if not isinstance(entry.get("text"), str) or not isinstance(citations, list | None):
        return None
    if not all(isinstance(citation, Mapping) for citation in citations or ()):
        return None
    block: dict[str, Any] = {"type": "text", "text": entry["text"]}
    if citations:
        block["annotations"] = [_citation(citation) for citation in citations]
    return rest_as_extras(block, entry, "text", "citations")


def _citation(citation: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "citation"}
    if isinstance(citation.get("title"), str):
        found["title"] = citation["title"]
    key = "source_content" if "source_content" in citation else "sourceContent"
    parts = citation.get(key)
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    if texts and all(isinstance(text, str) for text in texts):
        found["cited_text"] = "".join(map(str, texts))
    known = {"title", key} if "cited_text" in found else {"title"}
    extras = {name: value for name, value in citation.items() if name not in known}
    return {**found, "extras": extras} if extras else found


def _reasoning(kind: str, value: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any] | None:
    inner = value.get("reasoningText", value)
    if not isinstance(inner, Mapping) or not ("text" in inner or "signature" in inner):
        return None
    block: dict[str, Any] = {"type": "reasoning", "reasoning": inner.get("text") or ""}
    also = {key: part for key, part in inner.items() if key != "text"}
    return rest_as_extras(block, entry, kind, also=also)


def _tool_use(kind: str, value: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any] | None:
    name, args = value.get("name"), value.get("input")
    if not isinstance(name, str) or not isinstance(args, dict):
        return None
    return rest_as_extras({"type": "tool_call", "name": name, "args": args, "id": value.get("toolUseId")}, entry, kind)


def _file(kind: str, value: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any] | None:
    source, form = value.get("source"), value.get("format")
    if not isinstance(source, Mapping) or not isinstance(form, str):
        return None
    mime_type = _DOCUMENT_TYPES.get(form, f"application/{form}") if kind == "document" else f"{kind}/{form}"
    block: dict[str, Any] = {"type": "file" if kind == "document" else kind}
    data, place = source.get("bytes"), source.get("s3Location", source.get("s3_location"))
    if isinstance(data, bytes | str):
        block["base64"] = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    elif isinstance(place, Mapping) and isinstance(place.get("uri"), str):
        block["url"] = place["uri"]
    elif isinstance(source.get("text"), str) and kind == "document":
        block, mime_type = {"type": "text-plain", "text": source["text"]}, "text/plain"
    else:
        return None
    block["mime_type"] = mime_type
    also = {key: part for key, part in value.items() if key not in ("source", "format")}
    if isinstance(place, Mapping):
        also |= {key: part for key, part in place.items() if key != "uri"}
    return rest_as_extras(block, entry, kind, also=also)


def _inline(kind: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a video or sound whose bytes stand in the form that Anthropic has for images."""
    source = entry.get("source")
    if not isinstance(source, Mapping) or source.get("type") != "base64" or not isinstance(source.get("data"), str):
        return None
    block: dict[str, Any] = {"type": kind, "base64": source["data"], "mime_type": source.get("media_type")}
    return rest_as_extras(block, entry, "source")


_BY_KEY = {
    "reasoning_content": _reasoning,
    "reasoningContent": _reasoning,
    "toolUse": _tool_use,
    "image": _file,
    "document": _file,
    "video": _file,
    "audio": _file,
}
