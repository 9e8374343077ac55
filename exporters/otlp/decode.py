"""Spans out of an OTLP protobuf body: what a receiver gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import MissingExtraError, SpanFormatError
from ..span_data import SpanData, SpanEvent, SpanLink, join_journal

__all__ = ["from_otlp_protobuf"]

_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")


def from_otlp_protobuf(body: bytes) -> Iterator[SpanData]:
    """Yield the spans of one `ExportTraceServiceRequest`.

    Args:
        body: The message, not compressed.

    Raises:
        MissingExtraError: If the protobuf definitions are not installed.
        SpanFormatError: If the body is not such a message, or a span has no valid ids.
    """
    try:
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    except ImportError as error:
        raise MissingExtraError(
            "Reading OTLP protobuf needs the package opentelemetry-proto; run: pip install 'spanloom[otlp]'"
        ) from error
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise SpanFormatError(
            f"The body of {len(body)} bytes is not an OTLP trace request ({error}); send protobuf, not compressed."
        ) from error
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                yield _span_data(span, resource, scoped.scope.name, scoped.scope.version)


def _span_data(span: Any, resource: dict[str, Any], scope_name: str, scope_version: str) -> SpanData:
    if len(span.trace_id) != 16 or not any(span.trace_id) or len(span.span_id) != 8 or not any(span.span_id):
        raise SpanFormatError(
            f"The span {span.name!r} has the ids {span.trace_id.hex()!r} and {span.span_id.hex()!r}; "
            "expected 16 and 8 bytes that are not all zero."
        )
    attributes, journal = join_journal(_attributes(span.attributes))
    parent: bytes = span.parent_span_id
    return SpanData(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=parent.hex() if any(parent) else None,
        trace_state=span.trace_state,
        name=span.name,
        kind=_named(_KINDS, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano or span.start_time_unix_nano,
        status=_named(_STATUSES, span.status.code),
        status_message=span.status.message,
        attributes=attributes,
        events=tuple(
            SpanEvent(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events
        ),
        links=tuple(
            SpanLink(link.trace_id.hex(), link.span_id.hex(), link.trace_state, _attributes(link.attributes))
            for link in span.links
        ),
        resource=resource,
        scope_name=scope_name,
        scope_version=scope_version,
        journal=journal,
    )


def _named(values: tuple[str, ...], number: int) -> str:
    return values[number] if 0 <= number < len(values) else values[0]


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    held = getattr(value, kind)
    if kind == "array_value":
        return [_plain(item) for item in held.values]
    return _attributes(held.values) if kind == "kvlist_value" else held
