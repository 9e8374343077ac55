"""Plain spans as SDK spans again, for exporters that take nothing else.

The limits that the SDK puts on attributes (128 of them, cut at a length) do not apply here, so a journal goes whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from ..span_data import PIECE_BYTES, SpanData, split_journal

__all__ = ["readable_spans"]

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_KINDS = {kind.name: kind for kind in SpanKind}
_STATUSES = {code.name: code for code in StatusCode}


def readable_spans(spans: Iterable[SpanData], piece_bytes: int = PIECE_BYTES) -> list[ReadableSpan]:
    """Return the spans as the SDK's read-only spans, each with its journal as attributes.

    Args:
        spans: The spans.
        piece_bytes: A journal is cut into attributes no longer than this many bytes.
    """
    resources: dict[int, Resource] = {}
    scopes: dict[tuple[str, str], InstrumentationScope] = {}
    result = []
    for span in list(spans):
        resource = resources.get(id(span.resource))
        if resource is None:
            resource = resources[id(span.resource)] = Resource(span.resource)
        scope_key = (span.scope_name, span.scope_version)
        scope = scopes.get(scope_key)
        if scope is None:
            scope = scopes[scope_key] = InstrumentationScope(*scope_key)
        result.append(_readable(span, resource, scope, piece_bytes))
    return result


def _readable(span: SpanData, resource: Resource, scope: InstrumentationScope, piece_bytes: int) -> ReadableSpan:
    attributes: dict[str, Any] = span.attributes
    if span.journal is not None:
        attributes = {**attributes, **split_journal(span.journal, piece_bytes)}
    code = _STATUSES[span.status]
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id, span.trace_state),
        parent=_context(span.trace_id, span.parent_span_id, "") if span.parent_span_id is not None else None,
        resource=resource,
        attributes=attributes,
        events=[Event(event.name, event.attributes, event.time_ns) for event in span.events],
        links=[Link(_context(link.trace_id, link.span_id, link.trace_state), link.attributes) for link in span.links],
        kind=_KINDS.get(span.kind, SpanKind.INTERNAL),
        status=Status(code, span.status_message or None) if code is StatusCode.ERROR else Status(code),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=scope,
    )


def _context(trace_id: str, span_id: str, trace_state: str) -> SpanContext:
    state = TraceState.from_header([trace_state]) if trace_state else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), False, _SAMPLED, state)
