"""A finished span as plain data: what every sink gets, what the file and the store give back.

Ids are lower-case hex text, times are nanoseconds since 1970 (UTC), attribute values are None, bool, int, float, str,
bytes, lists and dicts of these. Text that no UTF-8 can hold (lone surrogates) has its bad characters replaced by `?`
here, so that no sink ever loses a batch over one character.

The journal travels beside the attributes here. Where only attributes can travel (OTLP), `split_journal` cuts it into
attributes and `join_journal` puts it together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME

from ..tracing import names

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = [
    "PIECE_BYTES",
    "SpanData",
    "SpanEvent",
    "SpanLink",
    "clean_text",
    "from_readable",
    "join_journal",
    "plain_value",
    "split_journal",
]

PIECE_BYTES = 2000
"""The longest piece of a journal, in bytes: Tempo cuts attribute values at 2,048 bytes unless told otherwise."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened during a span.

    Args:
        name: What happened.
        time_ns: When, in nanoseconds since 1970.
        attributes: Its details.
    """

    name: str
    time_ns: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A reference to a span of this or another trace.

    Args:
        trace_id: The other span's trace, 32 hex digits.
        span_id: The other span, 16 hex digits.
        trace_state: The other span's W3C trace state, empty if none.
        attributes: What the link means.
    """

    trace_id: str
    span_id: str
    trace_state: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanData:
    """One finished span.

    Dictionaries are shared between spans where that saves memory (`resource` is one object per process): read them,
    never change them.

    Args:
        trace_id: 32 lower-case hex digits.
        span_id: 16 lower-case hex digits.
        parent_span_id: The parent, or None for the root of a trace.
        trace_state: W3C trace state, empty if none.
        name: The span's name.
        kind: INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER or UNSPECIFIED.
        start_ns: Start, nanoseconds since 1970.
        end_ns: End, nanoseconds since 1970.
        status: UNSET, OK or ERROR.
        status_message: Why the status is ERROR, empty if not told.
        attributes: The span's attributes, without the pieces of a journal.
        events: What happened during the span, in order.
        links: References to other spans.
        resource: Who made the span; `service.name` and the like.
        scope_name: The instrumentation scope.
        scope_version: Its version, empty if not told.
        journal: The run's journal, one ASCII JSON document, or None.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    trace_state: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str = "UNSET"
    status_message: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    resource: dict[str, Any] = field(default_factory=dict)
    scope_name: str = ""
    scope_version: str = ""
    journal: str | None = None

    @property
    def duration_ns(self) -> int:
        """How long the span took, in nanoseconds."""
        return self.end_ns - self.start_ns

    @property
    def is_error(self) -> bool:
        """True when the span's status is ERROR."""
        return self.status == "ERROR"

    @property
    def service(self) -> str:
        """The `service.name` of the resource, or an empty string."""
        return str(self.resource.get(SERVICE_NAME, ""))

    @property
    def run_id(self) -> str | None:
        """The run's id as text, or None when the span is not one of ours."""
        value = self.attributes.get(names.RUN_ID)
        return value if isinstance(value, str) else None

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags, the tag of its step first, inherited ones included."""
        value = self.attributes.get(names.RUN_TAGS)
        step = self.attributes.get(names.RUN_STEP)
        own = (step,) if isinstance(step, str) else ()
        return (*own, *(tag for tag in value if isinstance(tag, str))) if isinstance(value, list) else own


def clean_text(text: str) -> str:
    """Return the text with every character that UTF-8 cannot hold replaced by `?`.

    Args:
        text: Any text.
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def plain_value(value: object) -> Any:
    """Return an attribute value as plain data; a value of any other class becomes its text.

    Args:
        value: An attribute value as the SDK or the API holds it.
    """
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): plain_value(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain_value(item) for item in value]
    return clean_text(str(value))


def _plain_attributes(attributes: Mapping[str, object] | None) -> dict[str, Any]:
    return {clean_text(key): plain_value(value) for key, value in attributes.items()} if attributes else {}


_last_resource: tuple[Resource, dict[str, Any]] | None = None


def _plain_resource(resource: Resource) -> dict[str, Any]:
    """Return the resource's attributes; the same dictionary for the same resource."""
    global _last_resource  # noqa: PLW0603 - a process has one resource: one remembered pair is the whole cache
    last = _last_resource
    if last is not None and last[0] is resource:
        return last[1]
    plain = _plain_attributes(resource.attributes)
    _last_resource = (resource, plain)
    return plain


def from_readable(span: ReadableSpan, journal: str | None = None) -> SpanData:
    """Return a finished SDK span as plain data.

    Args:
        span: A span that has ended. One without a context or times gets zeros.
        journal: The run's journal, if one was kept.
    """
    context = span.get_span_context()
    scope = span.instrumentation_scope
    start_ns = span.start_time or 0
    state = context.trace_state if context is not None else None
    return SpanData(
        trace_id=f"{context.trace_id:032x}" if context is not None else "0" * 32,
        span_id=f"{context.span_id:016x}" if context is not None else "0" * 16,
        parent_span_id=f"{span.parent.span_id:016x}" if span.parent is not None else None,
        trace_state=state.to_header() if state else "",
        name=clean_text(span.name),
        kind=span.kind.name,
        start_ns=start_ns,
        end_ns=span.end_time if span.end_time is not None else start_ns,
        status=span.status.status_code.name,
        status_message=clean_text(span.status.description or ""),
        attributes=_plain_attributes(span.attributes),
        events=tuple(
            SpanEvent(clean_text(event.name), event.timestamp, _plain_attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(
            SpanLink(
                f"{link.context.trace_id:032x}",
                f"{link.context.span_id:016x}",
                link.context.trace_state.to_header() if link.context.trace_state else "",
                _plain_attributes(link.attributes),
            )
            for link in span.links
        ),
        resource=_plain_resource(span.resource),
        scope_name=scope.name if scope is not None else "",
        scope_version=(scope.version or "") if scope is not None else "",
        journal=journal,
    )


def split_journal(journal: str, piece_bytes: int = PIECE_BYTES) -> dict[str, str]:
    """Return the journal as attributes `spanloom.journal.0`, `.1`, ..., in order.

    Args:
        journal: The journal's text.
        piece_bytes: The longest piece in bytes of UTF-8; at least 4, so that any character fits.

    Raises:
        ValueError: If `piece_bytes` is below 4.
    """
    if piece_bytes < 4:
        raise ValueError(f"piece_bytes is {piece_bytes!r}; give at least 4, the bytes of the longest character.")
    pieces = (
        [journal[at : at + piece_bytes] for at in range(0, len(journal), piece_bytes)]
        if journal.isascii()
        else _split_utf8(clean_text(journal).encode(), piece_bytes)
    )
    return {f"{names.JOURNAL_PREFIX}{number}": piece for number, piece in enumerate(pieces or [""])}


def _split_utf8(data: bytes, piece_bytes: int) -> list[str]:
    """Return pieces of valid UTF-8 text, none longer than `piece_bytes` bytes."""
    pieces = []
    start = 0
    while start < len(data):
        stop = min(start + piece_bytes, len(data))
        while stop < len(data) and data[stop] & 0xC0 == 0x80:  # inside a character: step back to its first byte
            stop -= 1
        pieces.append(data[start:stop].decode())
        start = stop
    return pieces


def join_journal(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return the attributes without the pieces of a journal, and the journal they make, or None.

    Pieces may stand in any order. When one is missing or is not text there is no journal, and the pieces stay
    attributes, so that nothing is lost and nobody replays half a run.

    Args:
        attributes: A span's attributes as they came over the wire.
    """
    prefix = names.JOURNAL_PREFIX
    rest = {key: value for key, value in attributes.items() if not key.startswith(prefix)}
    count = len(attributes) - len(rest)
    if count == 0:
        return rest, None
    pieces = [attributes.get(f"{prefix}{number}") for number in range(count)]
    texts = [piece for piece in pieces if isinstance(piece, str)]
    if len(texts) != count:
        return dict(attributes), None
    return rest, "".join(texts)
