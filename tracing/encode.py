"""Values as JSON, taken the moment they are seen.

Plain values are themselves. Everything else is an object with a `$type`: `bytes`, `set`, `float` (for what JSON has no
number for), `dict` (keys that are no text, or a `$type` of the user's own), `error`, `object` (dataclasses, pydantic
models, enums), the types that runtime registered (messages, documents, ...), and `marker`, which stands where a value
was left out: its `reason` is not_captured, too_large, redacted, not_encodable or missing, with the value's `type` and,
where known, its size in `bytes`.

Encoding never raises and never returns more than the bound asks for; what it made shares nothing with the value.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import json
import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from . import log

__all__ = [
    "MAX_DEPTH",
    "Encoder",
    "Redactor",
    "dump",
    "encode",
    "encode_text",
    "marker",
    "marker_text",
    "on_value",
    "set_redactor",
    "type_name",
]

MAX_DEPTH = 64
"""Deeper nesting becomes a marker; the deepest structure seen in the field, JSON schemas of tools, stays below 20."""

Encoder = Callable[[Any], "tuple[str, Mapping[str, Any]] | None"]
Redactor = Callable[[Any], Any]

_encoders: list[Encoder] = []
_redactor: list[Redactor] = []
_marker_texts: dict[type, str] = {}
_SECRET_TYPES = frozenset({"SecretStr", "SecretBytes", "Secret"})


dump = json.JSONEncoder(separators=(",", ":")).encode
"""Plain JSON values as compact ASCII text; made once, since `json.dumps` with options makes an encoder each time."""


class _TooLarge(Exception):
    """The walk passed its bound."""


def on_value(encoder: Encoder) -> None:
    """Register how a family of types is encoded.

    Args:
        encoder: Given a value, returns its `$type` and fields (encoded in turn), or None if it is not of the family.
    """
    _encoders.append(encoder)


def set_redactor(redactor: Redactor | None) -> None:
    """Set the one gate that every captured value passes.

    Args:
        redactor: Given the encoded value (plain JSON), returns what may leave the process. If it raises, the whole
            value becomes a marker: it fails closed. None removes it.
    """
    _redactor[:] = [] if redactor is None else [redactor]


def type_name(value: object) -> str:
    """Return the name of the value's class, as markers show it."""
    return type(value).__name__


def marker(reason: str, value: object, size_bytes: int | None = None) -> dict[str, Any]:
    """Return the marker that stands for a value left out.

    Args:
        reason: Why.
        value: The value; only the name of its class is kept.
        size_bytes: Its size, where known.
    """
    made: dict[str, Any] = {"$type": "marker", "reason": reason, "type": type_name(value)}
    if size_bytes is not None:
        made["bytes"] = size_bytes
    return made


def marker_text(kind: type) -> str:
    """Return the JSON text of the marker for a value of that class which was not captured."""
    text = _marker_texts.get(kind)
    if text is None:
        text = dump({"$type": "marker", "reason": "not_captured", "type": kind.__name__})
        if len(_marker_texts) < 1024:  # classes made at run time must not fill the table
            _marker_texts[kind] = text
    return text


def encode_text(value: object, limit_bytes: int) -> str:
    """Return the value as compact ASCII JSON, or the JSON of a marker.

    Args:
        value: Anything.
        limit_bytes: The longest text allowed.
    """
    return dump(encode(value, limit_bytes))


def encode(value: object, limit_bytes: int = 1 << 20) -> Any:
    """Return the value as plain JSON values, redacted, or a marker.

    Args:
        value: Anything.
        limit_bytes: The largest JSON text allowed, in bytes.
    """
    try:
        made = _Walk(limit_bytes).walk(value, 0)
    except _TooLarge:
        return marker("too_large", value, len(value) if isinstance(value, (str, bytes)) else None)
    except Exception as exc:  # noqa: BLE001 - a value of the user's that cannot be read must not break the run
        log.warn_once(
            "encode", f"encode:{type_name(value)}", "value not encodable", type=type_name(value), error=repr(exc)
        )
        return marker("not_encodable", value)
    for redactor in _redactor:
        try:
            made = redactor(made)
            json.dumps(made, allow_nan=False)
        except Exception as exc:  # noqa: BLE001 - fails closed
            log.warn_once("encode", "redactor", "the redactor failed; values are withheld", error=type_name(exc))
            return marker("redacted", value)
    return made


class _Walk:
    """One walk over a value, with what is left of its bound."""

    __slots__ = ("left",)

    def __init__(self, limit_bytes: int) -> None:
        self.left = limit_bytes

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _TooLarge

    def walk(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            self.spend(_text_size(value))
            return value
        if value is None or kind is bool or kind is int:
            self.spend(8)
            return value
        if kind is float:
            self.spend(16)
            return value if math.isfinite(value) else {"$type": "float", "value": repr(value)}
        if depth >= MAX_DEPTH:
            return marker("too_deep", value)
        if kind is list or kind is tuple:
            self.spend(2 + len(value))
            return [self.walk(item, depth + 1) for item in value]
        if kind is dict:
            return self.mapping(value, depth)
        return self.other(value, depth)

    def mapping(self, value: Mapping[Any, Any], depth: int) -> Any:
        self.spend(2 + 4 * len(value))
        if "$type" in value or not all(isinstance(key, str) for key in value):
            items = [[self.walk(key, depth + 1), self.walk(item, depth + 1)] for key, item in value.items()]
            return {"$type": "dict", "items": items}
        made = {}
        for key, item in value.items():
            self.spend(len(key))
            made[str(key)] = self.walk(item, depth + 1)
        return made

    def other(self, value: Any, depth: int) -> Any:
        for encoder in _encoders:
            found = encoder(value)
            if found is not None:
                name, fields = found
                return {"$type": name, **{key: self.walk(item, depth + 1) for key, item in fields.items()}}
        if type(value).__name__ in _SECRET_TYPES:
            return marker("redacted", value)
        if isinstance(value, enum.Enum):
            return {"$type": "enum", "class": type_name(value), "value": self.walk(value.value, depth + 1)}
        if isinstance(value, (str, int, float)):  # subclasses of plain types are shown as those
            return self.walk(_plain(value), depth)
        if isinstance(value, (bytes, bytearray, memoryview)):
            self.spend(len(value) * 4 // 3)
            return {"$type": "bytes", "base64": base64.b64encode(value).decode("ascii")}
        if isinstance(value, Mapping):
            return self.mapping(value, depth)
        if isinstance(value, AbstractSet):
            items = [self.walk(item, depth + 1) for item in value]
            return {"$type": "set", "items": sorted(items, key=lambda item: json.dumps(item, sort_keys=True))}
        if isinstance(value, Sequence):
            return [self.walk(item, depth + 1) for item in value]
        if isinstance(value, BaseException):
            self.spend(len(str(value)))
            return {"$type": "error", "class": type_name(value), "message": str(value)}
        if isinstance(value, (datetime, date, time, timedelta, Decimal, UUID, PurePath)):
            return {"$type": type_name(value).lower(), "value": str(value)}
        return self.fields(value, depth)

    def fields(self, value: Any, depth: int) -> Any:
        if isinstance(value, type):
            return {"$type": "class", "name": value.__name__}
        if dataclasses.is_dataclass(value):
            names: list[str] = [field.name for field in dataclasses.fields(value)]
        elif isinstance(declared := getattr(type(value), "model_fields", None), dict):
            names = list(declared)
        else:
            return marker("not_encodable", value)
        made = {name: self.walk(getattr(value, name), depth + 1) for name in names}
        return {"$type": "object", "class": type_name(value), "fields": made}


def _plain(value: str | int | float) -> str | int | float:
    """Return the plain value under a subclass of text or number."""
    if isinstance(value, str):
        return str.__str__(value)
    return int(value) if isinstance(value, int) else float(value)


def _text_size(value: str) -> int:
    """Return how many bytes the text takes as ASCII JSON, at most; exact for plain ASCII without escapes."""
    return len(value) + 2 if value.isascii() else 6 * len(value) + 2
