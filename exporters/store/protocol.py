"""What a span store answers, whatever it is made of.

The viewer, the command line and replay ask this interface; the SQLite store is the one that comes with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ..errors import ConfigurationError
from ..span_data import SpanData

__all__ = ["SpanStore", "TraceOrder", "TraceQuery", "TraceSummary"]

TraceOrder = Literal["newest", "oldest", "slowest", "errors", "spans"]
"""The order of a list of traces: by start, by duration, by errors or by size."""

_ORDERS = ("newest", "oldest", "slowest", "errors", "spans")


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Which traces to list; every condition given must hold.

    Args:
        limit: The most traces to return, at least 1.
        service: Only traces in which the root's service has this name.
        name: Only traces whose root has this name.
        tag: Only traces in which a run has this tag.
        since_ns: Only traces that started at or after this time, nanoseconds since 1970.
        until_ns: Only traces that started before this time.
        errors_only: Only traces with a failed span.
        min_duration_ms: Only traces that took at least this long, milliseconds from first start to last end.
        max_duration_ms: Only traces that took at most this long.
        sort: The order.

    Raises:
        ConfigurationError: If the limit is below 1 or the order is unknown.
    """

    limit: int = 50
    service: str | None = None
    name: str | None = None
    tag: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    errors_only: bool = False
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None
    sort: TraceOrder = "newest"

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigurationError(f"limit is {self.limit!r}; give the number of traces to list, at least 1.")
        if self.sort not in _ORDERS:
            raise ConfigurationError(f"sort is {self.sort!r}; use one of {', '.join(_ORDERS)}.")


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in one line.

    While the root has not arrived, name, service, type and run id are those of the earliest span that looks most like
    it, and `is_complete` is False.

    Args:
        trace_id: 32 hex digits.
        name: The root's name.
        service: The root's service.
        run_type: The root's run type, empty if the root is not one of ours.
        run_id: The root's run id, or None.
        outcome: The root's outcome (ok, error, cancelled, abandoned), empty if the root is not one of ours.
        start_ns: The first start, nanoseconds since 1970.
        end_ns: The last end.
        span_count: How many spans the store has.
        error_count: How many of them failed.
        is_complete: True when the span without a parent is there.
    """

    trace_id: str
    name: str
    service: str
    run_type: str
    run_id: str | None
    outcome: str
    start_ns: int
    end_ns: int
    span_count: int
    error_count: int
    is_complete: bool

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end, in nanoseconds."""
        return self.end_ns - self.start_ns


class SpanStore(Protocol):
    """A store to read from. May be used from several threads."""

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that fit.

        Args:
            query: The conditions.
        """
        ...

    def find(self, run_or_trace_id: str) -> str | None:
        """Return the id of the trace that this id leads to, or None.

        Args:
            run_or_trace_id: A trace id, a run id (UUID text or hex), or the beginning of one. When a run id was used
                several times, the trace that started last counts.

        Raises:
            AmbiguousIdError: If a beginning fits several traces.
            StoreError: If it is not made of hex digits.
        """
        ...

    def trace(self, run_or_trace_id: str) -> list[SpanData]:
        """Return all spans of a trace in the order of their start, or an empty list.

        Args:
            run_or_trace_id: As for `find`.

        Raises:
            AmbiguousIdError: If a beginning fits several traces.
            StoreError: If it is not made of hex digits.
        """
        ...

    def run_spans(self, run_id: str) -> list[SpanData]:
        """Return every span of that run id in the order of their start; several when the id was used again.

        Args:
            run_id: UUID text or 32 hex digits.
        """
        ...

    def last(self) -> TraceSummary | None:
        """Return the trace that started last, or None."""
        ...

    def services(self) -> list[str]:
        """Return the names of all services, sorted."""
        ...

    def operations(self, service: str | None = None) -> list[tuple[str, str]]:
        """Return (span name, kind) of all spans, sorted.

        Args:
            service: Only spans of this service.
        """
        ...

    def after(self, cursor: int, limit: int = 512) -> tuple[int, list[SpanData]]:
        """Return spans stored after a cursor and the next cursor; for following a store that is being written.

        Args:
            cursor: What an earlier call returned, 0 for the beginning, -1 for "now" (no spans, just the cursor).
            limit: The most spans to return.
        """
        ...

    def close(self) -> None:
        """Release the store."""
        ...
