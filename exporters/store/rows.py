"""A span as a row of the table `spans`, and back.

`run_id` is kept as 32 hex digits, so that it is found whether it is given with dashes or without. Whole numbers that
SQLite cannot hold (64 bits, signed) are kept at its largest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...tracing import names
from ..span_data import SpanData, SpanEvent, SpanLink
from ..span_json import pack_values, unpack_values

__all__ = ["SPAN_COLUMNS", "bounded_int", "run_key", "span_of", "span_row"]

SPAN_COLUMNS = (
    "trace_id",
    "span_id",
    "parent_span_id",
    "start_ns",
    "end_ns",
    "name",
    "kind",
    "status",
    "service",
    "run_id",
    "run_type",
    "outcome",
    "model",
    "resource_id",
    "scope_name",
    "scope_version",
    "trace_state",
    "status_message",
    "attributes",
    "events",
    "links",
    "journal",
)
"""The columns in the order of `span_row`."""

_LARGEST = (1 << 63) - 1


def bounded_int(number: int) -> int:
    """Return the number, or the nearest one that SQLite can hold.

    Args:
        number: Any whole number.
    """
    return max(-_LARGEST - 1, min(number, _LARGEST))


def run_key(run_id: str) -> str:
    """Return a run id as the store keeps it: lower case, without dashes.

    Args:
        run_id: UUID text or hex.
    """
    return run_id.strip().lower().replace("-", "")


def span_row(span: SpanData) -> list[Any]:
    """Return the values for `SPAN_COLUMNS`; the resource's id is still None.

    Args:
        span: The span.
    """
    attributes = span.attributes
    run_id = span.run_id
    return [
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        bounded_int(span.start_ns),
        bounded_int(span.end_ns),
        span.name,
        span.kind,
        span.status,
        span.service,
        run_key(run_id) if run_id is not None else None,
        _text(attributes, names.RUN_TYPE),
        _text(attributes, names.OUTCOME),
        _text(attributes, names.REQUEST_MODEL),
        None,
        span.scope_name,
        span.scope_version,
        span.trace_state,
        span.status_message,
        pack_values(attributes),
        _packed([[event.name, event.time_ns, pack_values(event.attributes)] for event in span.events]),
        _packed([[link.trace_id, link.span_id, link.trace_state, pack_values(link.attributes)] for link in span.links]),
        span.journal,
    ]


def span_of(row: Sequence[Any], resource: dict[str, Any]) -> SpanData:
    """Return the span of a row.

    Args:
        row: The values of `SPAN_COLUMNS`.
        resource: The attributes of its resource.
    """
    values = dict(zip(SPAN_COLUMNS, row, strict=True))
    return SpanData(
        trace_id=values["trace_id"],
        span_id=values["span_id"],
        parent_span_id=values["parent_span_id"],
        trace_state=values["trace_state"],
        name=values["name"],
        kind=values["kind"],
        start_ns=values["start_ns"],
        end_ns=values["end_ns"],
        status=values["status"],
        status_message=values["status_message"],
        attributes=unpack_values(values["attributes"]),
        events=tuple(
            SpanEvent(name, time_ns, unpack_values(attributes))
            for name, time_ns, attributes in json.loads(values["events"])
        ),
        links=tuple(
            SpanLink(trace_id, span_id, trace_state, unpack_values(attributes))
            for trace_id, span_id, trace_state, attributes in json.loads(values["links"])
        ),
        resource=resource,
        scope_name=values["scope_name"],
        scope_version=values["scope_version"],
        journal=values["journal"],
    )


def _text(attributes: Mapping[str, Any], name: str) -> str | None:
    value = attributes.get(name)
    return value if isinstance(value, str) else None


def _packed(items: list[Any]) -> str:
    return json.dumps(items, separators=(",", ":")) if items else "[]"
