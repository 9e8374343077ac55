"""The reading end of the SQLite store. Reads while others write, in this process or in another."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import AmbiguousIdError, StoreError
from ..span_data import SpanData
from ..span_json import unpack_values
from .protocol import TraceOrder, TraceQuery, TraceSummary
from .rows import SPAN_COLUMNS, run_key, span_of
from .schema import default_store_path, open_for_reading

__all__ = ["SqliteStore"]

_SUMMARY = """t.trace_id, t.name, t.service, t.run_type, t.run_id, t.outcome, t.start_ns, t.end_ns, t.span_count,
    t.error_count, t.root_rank"""

_ORDERS: dict[TraceOrder, str] = {
    "newest": "t.start_ns DESC, t.id DESC",
    "oldest": "t.start_ns, t.id",
    "slowest": "t.end_ns - t.start_ns DESC, t.start_ns DESC",
    "errors": "t.error_count DESC, t.start_ns DESC",
    "spans": "t.span_count DESC, t.start_ns DESC",
}

_SPANS = f"SELECT {', '.join(SPAN_COLUMNS)} FROM spans"
_ID_DIGITS = 32


class SqliteStore:
    """Reads a span store. Usable from several threads; each call sees the store as it is at that moment.

    Args:
        path: The file; None means `default_store_path()`.

    Raises:
        ForeignStoreError: If the file is not ours.
        StoreError: If there is no file or it cannot be read.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = (Path(path).expanduser() if path is not None else default_store_path()).absolute()
        self._connection = open_for_reading(self.path)
        self._lock = threading.Lock()
        self._resources: dict[int, dict[str, Any]] = {}

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. The store cannot be read afterwards."""
        with self._lock:
            self._connection.close()

    def traces(
        self,
        *,
        limit: int = 50,
        service: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        errors_only: bool = False,
        min_duration_ms: float | None = None,
        max_duration_ms: float | None = None,
        sort: TraceOrder = "newest",
    ) -> list[TraceSummary]:
        """Return the traces that fit; the arguments are those of `TraceQuery`.

        Raises:
            ConfigurationError: If the limit is below 1 or the order is unknown.
            StoreError: If the store cannot be read.
        """
        return self.search(
            TraceQuery(
                limit=limit,
                service=service,
                name=name,
                tag=tag,
                since_ns=since_ns,
                until_ns=until_ns,
                errors_only=errors_only,
                min_duration_ms=min_duration_ms,
                max_duration_ms=max_duration_ms,
                sort=sort,
            )
        )

    def search(self, query: TraceQuery) -> list[TraceSummary]:
        """Return the traces that fit.

        Args:
            query: The conditions.

        Raises:
            StoreError: If the store cannot be read.
        """
        conditions: list[str] = []
        values: list[object] = []
        duration = "t.end_ns - t.start_ns"
        for condition, value in (
            ("t.service = ?", query.service),
            ("t.name = ?", query.name),
            ("t.start_ns >= ?", query.since_ns),
            ("t.start_ns < ?", query.until_ns),
            (f"{duration} >= ? * 1000000", query.min_duration_ms),
            (f"{duration} <= ? * 1000000", query.max_duration_ms),
            ("t.trace_id IN (SELECT trace_id FROM trace_tags WHERE tag = ?)", query.tag),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if query.errors_only:
            conditions.append("t.error_count > 0")
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        sql = f"SELECT {_SUMMARY} FROM traces t {where} ORDER BY {_ORDERS[query.sort]} LIMIT ?"
        return [_summary(row) for row in self._rows(sql, (*values, query.limit))]

    def find(self, run_or_trace_id: str) -> str | None:
        """Return the id of the trace that this id leads to, or None.

        Args:
            run_or_trace_id: A trace id, a run id (UUID text or hex), or the beginning of one. When a run id was used
                several times, the trace that started last counts.

        Raises:
            AmbiguousIdError: If a beginning fits several traces.
            StoreError: If it is not made of hex digits, or the store cannot be read.
        """
        key = run_key(run_or_trace_id)
        if not key or len(key) > _ID_DIGITS or key.strip("0123456789abcdef"):
            raise StoreError(
                f"The id is {run_or_trace_id!r}; give a trace id or a run id, or the first digits of one (0-9, a-f)."
            )
        if len(key) == _ID_DIGITS:
            return self._exact(key)
        bounds = (key, key + "g")  # "g" sorts behind every hex digit
        sql = """
            SELECT trace_id FROM traces WHERE trace_id >= ? AND trace_id < ?
            UNION SELECT trace_id FROM spans WHERE run_id >= ? AND run_id < ? LIMIT 4"""
        found = [row[0] for row in self._rows(sql, (*bounds, *bounds))]
        if len(found) > 1:
            shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            raise AmbiguousIdError(f"The id {run_or_trace_id!r} fits several traces ({shown}); give more digits.")
        return found[0] if found else None

    def trace(self, run_or_trace_id: str) -> list[SpanData]:
        """Return all spans of a trace in the order of their start, or an empty list.

        Args:
            run_or_trace_id: As for `find`.

        Raises:
            AmbiguousIdError: If a beginning fits several traces.
            StoreError: If it is not made of hex digits, or the store cannot be read.
        """
        trace_id = self.find(run_or_trace_id)
        if trace_id is None:
            return []
        return self._spans("WHERE trace_id = ? ORDER BY start_ns, id", (trace_id,))

    def run_spans(self, run_id: str) -> list[SpanData]:
        """Return every span of that run id in the order of their start; several when the id was used again.

        Args:
            run_id: UUID text or 32 hex digits.

        Raises:
            StoreError: If the store cannot be read.
        """
        return self._spans("WHERE run_id = ? ORDER BY start_ns, id", (run_key(run_id),))

    def last(self) -> TraceSummary | None:
        """Return the trace that started last, or None.

        Raises:
            StoreError: If the store cannot be read.
        """
        found = self.search(TraceQuery(limit=1))
        return found[0] if found else None

    def summary(self, trace_id: str) -> TraceSummary | None:
        """Return the summary of one trace, or None.

        Args:
            trace_id: The whole trace id.

        Raises:
            StoreError: If the store cannot be read.
        """
        rows = self._rows(f"SELECT {_SUMMARY} FROM traces t WHERE t.trace_id = ?", (trace_id,))
        return _summary(rows[0]) if rows else None

    def services(self) -> list[str]:
        """Return the names of all services, sorted.

        Raises:
            StoreError: If the store cannot be read.
        """
        return [row[0] for row in self._rows("SELECT DISTINCT service FROM operations ORDER BY service", ())]

    def operations(self, service: str | None = None) -> list[tuple[str, str]]:
        """Return (span name, kind) of all spans, sorted.

        Args:
            service: Only spans of this service.

        Raises:
            StoreError: If the store cannot be read.
        """
        sql = "SELECT DISTINCT name, kind FROM operations WHERE ?1 IS NULL OR service = ?1 ORDER BY name, kind"
        return [(row[0], row[1]) for row in self._rows(sql, (service,))]

    def after(self, cursor: int, limit: int = 512) -> tuple[int, list[SpanData]]:
        """Return spans stored after a cursor and the next cursor; for following a store that is being written.

        Args:
            cursor: What an earlier call returned, 0 for the beginning, -1 for "now" (no spans, just the cursor).
            limit: The most spans to return.

        Raises:
            StoreError: If the store cannot be read.
        """
        if cursor < 0:
            return int(self._rows("SELECT coalesce(max(id), 0) FROM spans", ())[0][0]), []
        ids = self._rows("SELECT id FROM spans WHERE id > ? ORDER BY id LIMIT ?", (cursor, limit))
        if not ids:
            return cursor, []
        last = int(ids[-1][0])
        return last, self._spans("WHERE id > ? AND id <= ? ORDER BY id", (cursor, last))

    def _exact(self, key: str) -> str | None:
        if self._rows("SELECT 1 FROM traces WHERE trace_id = ?", (key,)):
            return key
        sql = "SELECT trace_id FROM spans WHERE run_id = ? ORDER BY start_ns DESC, id DESC LIMIT 1"
        rows = self._rows(sql, (key,))
        return str(rows[0][0]) if rows else None

    def _spans(self, where: str, values: Sequence[object]) -> list[SpanData]:
        place = SPAN_COLUMNS.index("resource_id")
        return [span_of(row, self._resource(row[place])) for row in self._rows(f"{_SPANS} {where}", values)]

    def _resource(self, resource_id: int) -> dict[str, Any]:
        """Return a resource's attributes; the same dictionary for the same resource."""
        known = self._resources.get(resource_id)
        if known is None:
            rows = self._rows("SELECT attributes FROM resources WHERE id = ?", (resource_id,))
            known = self._resources[resource_id] = unpack_values(rows[0][0]) if rows else {}
        return known

    def _rows(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(sql, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise StoreError(
                f"The span store {str(self.path)!r} cannot be read: {error}. Open it again, or give another path."
            ) from error


def _summary(row: Sequence[Any]) -> TraceSummary:
    return TraceSummary(*[*row[:-1], row[-1] == 0])
