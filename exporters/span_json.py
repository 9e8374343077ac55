"""Spans as OTLP JSON, both ways, and attribute values as one JSON text.

OTLP JSON is the JSON form of `ExportTraceServiceRequest` with the rules of the OTLP specification: ids are hex, 64-bit
numbers are decimal strings, enums are numbers, bytes are base64, doubles that JSON lacks are "NaN", "Infinity" and
"-Infinity", and an unset value is `{}`. A whole number beyond 64 bits travels as its decimal text.

Reading is lenient where writers differ (numbers or strings for 64-bit values and enums, either case of hex, snake_case
field names) and strict where guessing would lie: a span without valid ids is an error.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import SpanFormatError
from .span_data import PIECE_BYTES, SpanData, SpanEvent, SpanLink, clean_text, join_journal, split_journal

__all__ = ["from_otlp_json", "pack_values", "to_otlp_json", "unpack_values"]

_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
_INT64 = range(-(1 << 63), 1 << 63)


def to_otlp_json(spans: Iterable[SpanData], *, piece_bytes: int = PIECE_BYTES) -> dict[str, Any]:
    """Return the spans as one document `{"resourceSpans": [...]}`, grouped by resource and scope.

    Args:
        spans: The spans; their order is kept within a group.
        piece_bytes: A journal is cut into attributes no longer than this many bytes.
    """
    groups: dict[str, dict[str, Any]] = {}
    scopes: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    known: dict[int, str] = {}
    for span in list(spans):  # a list keeps every resource alive, so that its `id` stays its own
        resource_key = known.get(id(span.resource))
        if resource_key is None:
            resource_key = known[id(span.resource)] = pack_values(span.resource)
        key = (resource_key, span.scope_name, span.scope_version)
        members = scopes.get(key)
        if members is None:
            group = groups.get(resource_key)
            if group is None:
                group = {"resource": {"attributes": _key_values(span.resource)}, "scopeSpans": []}
                groups[resource_key] = group
            members = scopes[key] = []
            scope = {"name": span.scope_name, **({"version": span.scope_version} if span.scope_version else {})}
            group["scopeSpans"].append({"scope": scope, "spans": members})
        members.append(_span_json(span, piece_bytes))
    return {"resourceSpans": list(groups.values())}


def _span_json(span: SpanData, piece_bytes: int) -> dict[str, Any]:
    attributes = _key_values(span.attributes)
    if span.journal is not None:
        attributes += _key_values(split_journal(span.journal, piece_bytes))
    result: dict[str, Any] = {"traceId": span.trace_id, "spanId": span.span_id}
    if span.trace_state:
        result["traceState"] = span.trace_state
    if span.parent_span_id is not None:
        result["parentSpanId"] = span.parent_span_id
    result |= {
        "name": span.name,
        "kind": _KINDS.index(span.kind),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": attributes,
    }
    if span.events:
        result["events"] = [
            {"timeUnixNano": str(event.time_ns), "name": event.name, "attributes": _key_values(event.attributes)}
            for event in span.events
        ]
    if span.links:
        result["links"] = [
            {
                "traceId": link.trace_id,
                "spanId": link.span_id,
                **({"traceState": link.trace_state} if link.trace_state else {}),
                "attributes": _key_values(link.attributes),
            }
            for link in span.links
        ]
    status: dict[str, Any] = {}
    if span.status != "UNSET":
        status["code"] = _STATUSES.index(span.status)
    if span.status_message:
        status["message"] = span.status_message
    result["status"] = status
    return result


def _key_values(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if value in _INT64 else {"stringValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _float_name(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _key_values(value)}}
    if value is None:
        return {}
    return {"arrayValue": {"values": [_any_value(item) for item in value]}}


def _float_name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def from_otlp_json(document: object) -> Iterator[SpanData]:
    """Yield the spans of one document `{"resourceSpans": [...]}`.

    Args:
        document: The parsed JSON.

    Raises:
        SpanFormatError: If the document has another shape, or a span has no valid ids or times.
    """
    if not isinstance(document, Mapping) or not isinstance(_field(document, "resourceSpans"), list):
        raise SpanFormatError(
            f"The document is {_shown(document)}; expected an OTLP JSON object with the list 'resourceSpans'."
        )
    for group in _objects(document, "resourceSpans"):
        resource = _attributes(_object(group, "resource"))
        for scoped in _objects(group, "scopeSpans"):
            scope = _object(scoped, "scope")
            name, version = _text(scope, "name"), _text(scope, "version")
            for span in _objects(scoped, "spans"):
                yield _span_data(span, resource, name, version)


def _span_data(span: Mapping[str, Any], resource: dict[str, Any], scope_name: str, scope_version: str) -> SpanData:
    attributes, journal = join_journal(_attributes(span))
    status = _object(span, "status")
    parent = _text(span, "parentSpanId").lower()
    start_ns = _number(span, "startTimeUnixNano")
    return SpanData(
        trace_id=_hex_id(span, "traceId", 32),
        span_id=_hex_id(span, "spanId", 16),
        parent_span_id=_hex_id(span, "parentSpanId", 16) if parent.strip("0") else None,
        trace_state=_text(span, "traceState"),
        name=_text(span, "name"),
        kind=_enum(span, "kind", _KINDS, "SPAN_KIND_"),
        start_ns=start_ns,
        end_ns=_number(span, "endTimeUnixNano") or start_ns,
        status=_enum(status, "code", _STATUSES, "STATUS_CODE_"),
        status_message=_text(status, "message"),
        attributes=attributes,
        events=tuple(
            SpanEvent(_text(event, "name"), _number(event, "timeUnixNano"), _attributes(event))
            for event in _objects(span, "events")
        ),
        links=tuple(
            SpanLink(
                _hex_id(link, "traceId", 32), _hex_id(link, "spanId", 16), _text(link, "traceState"), _attributes(link)
            )
            for link in _objects(span, "links")
        ),
        resource=resource,
        scope_name=scope_name,
        scope_version=scope_version,
        journal=journal,
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _field(holder: Mapping[str, Any], name: str) -> Any:
    """Return the field in lowerCamelCase, or as the proto file spells it, or None."""
    if name in holder:
        return holder[name]
    return holder.get("".join("_" + char.lower() if char.isupper() else char for char in name))


def _objects(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = _field(holder, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise SpanFormatError(f"{name!r} is {_shown(value)}; OTLP JSON has a list of objects there.")
    return value


def _object(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _field(holder, name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SpanFormatError(f"{name!r} is {_shown(value)}; OTLP JSON has an object there.")
    return value


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = _field(holder, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SpanFormatError(f"{name!r} is {_shown(value)}; OTLP JSON has text there.")
    return clean_text(value)


def _number(holder: Mapping[str, Any], name: str) -> int:
    value = _field(holder, name)
    if value is None:
        return 0
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise SpanFormatError(f"{name!r} is {_shown(value)}; OTLP JSON has a 64-bit number there.") from None


def _hex_id(holder: Mapping[str, Any], name: str, digits: int) -> str:
    value = _text(holder, name).lower()
    if len(value) != digits or not value.strip("0") or value.strip("0123456789abcdef"):
        raise SpanFormatError(f"{name!r} is {_shown(value)}; expected {digits} hex digits that are not all zero.")
    return value


def _enum(holder: Mapping[str, Any], name: str, values: tuple[str, ...], prefix: str) -> str:
    """Return the name of an enum value; a value of a later version of the format counts as the first."""
    value = _field(holder, name)
    if isinstance(value, str) and not value.isdecimal():
        bare = value.removeprefix(prefix)
        return bare if bare in values else values[0]
    number = _number(holder, name)
    return values[number] if 0 <= number < len(values) else values[0]


def _attributes(holder: Mapping[str, Any], name: str = "attributes") -> dict[str, Any]:
    return {_text(pair, "key"): _plain(_object(pair, "value")) for pair in _objects(holder, name)}


def _plain(value: Mapping[str, Any]) -> Any:
    for name, reader in _READERS.items():
        if _field(value, name) is not None:
            return reader(value, name)
    return None


def _read_bool(value: Mapping[str, Any], name: str) -> bool:
    return bool(_field(value, name))


def _read_double(value: Mapping[str, Any], name: str) -> float:
    given = _field(value, name)
    try:
        return float(given)
    except (TypeError, ValueError):
        raise SpanFormatError(f"{name!r} is {_shown(given)}; OTLP JSON has a number there.") from None


def _read_bytes(value: Mapping[str, Any], name: str) -> bytes:
    try:
        text = _text(value, name).rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise SpanFormatError(f"{name!r} is {_shown(_field(value, name))}; OTLP JSON has base64 there.") from None


_READERS: dict[str, Any] = {
    "stringValue": _text,
    "boolValue": _read_bool,
    "intValue": _number,
    "doubleValue": _read_double,
    "arrayValue": lambda value, name: [_plain(item) for item in _objects(_object(value, name), "values")],
    "kvlistValue": lambda value, name: _attributes(_object(value, name), "values"),
    "bytesValue": _read_bytes,
}


def pack_values(values: Mapping[str, Any]) -> str:
    """Return attributes as one line of ASCII JSON, readable by any tool and lossless for `unpack_values`.

    What JSON lacks is written as an object of one key: `{"$bytes": base64}`, `{"$float": "NaN"}`; a real object whose
    only key begins with `$` is wrapped as `{"$map": object}`.

    Args:
        values: Attributes as `SpanData` holds them.
    """
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_packed(dict(values), top=True), separators=(",", ":"))
    return text if "$" not in text else json.dumps(_packed(dict(values), top=True), separators=(",", ":"))


def _packed(value: Any, *, top: bool = False) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": _float_name(value)}
    if isinstance(value, Mapping):
        packed = {key: _packed(item) for key, item in value.items()}
        wrap = not top and len(packed) == 1 and next(iter(packed)).startswith("$")
        return {"$map": packed} if wrap else packed
    if isinstance(value, (list, tuple)):
        return [_packed(item) for item in value]
    return value


def unpack_values(text: str) -> dict[str, Any]:
    """Return the attributes that `pack_values` wrote.

    Args:
        text: One JSON object.
    """
    values: dict[str, Any] = json.loads(text)
    return {key: _unpacked(value) for key, value in values.items()} if "$" in text else values


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        key, item = next(iter(value.items()))
        if key == "$bytes":
            return base64.b64decode(item)
        if key == "$float":
            return float(item)
        if key == "$map":
            return {inner: _unpacked(held) for inner, held in item.items()}
    return {key: _unpacked(item) for key, item in value.items()}
