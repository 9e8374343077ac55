"""Blocks that are standard already, and files in the older form with `source_type`."""

from collections.abc import Mapping
from typing import Any

from ..blocks import KNOWN_BLOCK_TYPES

__all__ = ["rest_as_extras", "translate_standard"]

_NEEDED: dict[str, tuple[tuple[str, type], ...]] = {
    "text": (("text", str),),
    "tool_call": (("name", str), ("args", dict)),
    "tool_call_chunk": (("args", object),),
    "invalid_tool_call": (("args", object),),
    "server_tool_call": (("name", str), ("args", dict)),
    "server_tool_result": (("tool_call_id", str),),
    "non_standard": (("value", dict),),
}
_FILES = frozenset({"image", "video", "audio", "file", "text-plain"})
_OLD_KEYS = {"url": "url", "base64": "data", "id": "id", "text": "text"}
_NEW_KEYS = {"url": "url", "base64": "base64", "id": "file_id", "text": "text"}


def translate_standard(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a copy of a standard block, or the standard form of a file with `source_type`."""
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in KNOWN_BLOCK_TYPES:
        return None
    if kind in _FILES:
        return _file(kind, entry)
    if any(not isinstance(entry.get(key), wanted) for key, wanted in _NEEDED.get(kind, ())):
        return None
    return None if _is_foreign(kind, entry) else dict(entry)


def rest_as_extras(
    block: dict[str, Any], entry: Mapping[str, Any], *known: str, also: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a block with what its entry has beside `type` and the known keys as `extras`; the index stays outside."""
    if "index" in entry:
        block["index"] = entry["index"]
    left = {key: value for key, value in entry.items() if key not in {"type", "index", *known}}
    extras = {**(left.pop("extras", None) or {}), **left, **(also or {})}
    return {**block, "extras": extras} if extras else block


def _is_foreign(kind: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a block of a standard type says something in its provider's form."""
    if kind == "reasoning":
        return isinstance(entry.get("summary"), list)
    if kind != "text":
        return False
    remarks = entry.get("annotations")
    ours = ("citation", "non_standard_annotation")
    listed = remarks if isinstance(remarks, list) else ()
    return "citations" in entry or any(not isinstance(r, Mapping) or r.get("type") not in ours for r in listed)


def _file(kind: str, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    source = entry.get("source_type")
    if source is None:
        known = any(isinstance(entry.get(key), str) for key in ("url", "base64", "file_id", "text"))
        return dict(entry) if known and not isinstance(entry.get("file"), Mapping) else None
    if not isinstance(source, str) or source not in _OLD_KEYS or not isinstance(entry.get(_OLD_KEYS[source]), str):
        return None
    block: dict[str, Any] = {"type": "text-plain" if source == "text" else kind}
    block[_NEW_KEYS[source]] = entry[_OLD_KEYS[source]]
    if source == "text" or "mime_type" in entry:
        block["mime_type"] = "text/plain" if source == "text" else entry["mime_type"]
    if source != "id" and "id" in entry:
        block["id"] = entry["id"]
    return rest_as_extras(block, entry, "source_type", _OLD_KEYS[source], "mime_type", "id")
