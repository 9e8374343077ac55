"""The writing end of the SQLite store: a sink.

One batch is one small transaction. A span that is stored already (same trace id, span id, start and end) is passed
over, so importing a file twice, or receiving a retried request, changes nothing. While another process writes, the
batch waits its turn, for as long as that takes: spans are not dropped.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...tracing import log, names
from ..errors import StoreError
from ..span_data import SpanData
from ..span_json import pack_values
from .rows import SPAN_COLUMNS, bounded_int, span_row
from .schema import is_busy, open_for_writing

__all__ = ["SqliteWriter"]

_LONGEST_PAUSE_S = 1.0
_PATIENCE_S = 30.0
_MOST_KNOWN = 4096

_INSERT_SPAN = f"INSERT OR IGNORE INTO spans ({', '.join(SPAN_COLUMNS)}) VALUES ({', '.join('?' * len(SPAN_COLUMNS))})"

_UPSERT_TRACE = """
    INSERT INTO traces (trace_id, name, service, run_type, run_id, outcome, start_ns, end_ns, span_count, error_count,
                        root_rank, root_start_ns)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (trace_id) DO UPDATE SET
        start_ns = min(start_ns, excluded.start_ns),
        end_ns = max(end_ns, excluded.end_ns),
        span_count = span_count + excluded.span_count,
        error_count = error_count + excluded.error_count"""

_NEW_ROOT = """
    UPDATE traces SET name = ?, service = ?, run_type = ?, run_id = ?, outcome = ?, root_rank = ?, root_start_ns = ?
    WHERE trace_id = ? AND (root_rank, root_start_ns) > (?, ?)"""

_abandoned: list[sqlite3.Connection] = []
"""Connections that a forked child inherited. SQLite forbids using or closing them there, so they are kept for ever."""


class SqliteWriter:
    """Writes spans into a SQLite file. Other processes may write and read it at the same time.

    Usable from one thread at a time; after a fork the child opens a connection of its own.

    Args:
        path: The file; it and its folders are made if they are missing.

    Raises:
        ForeignStoreError: If the file is there and not ours.
        StoreError: If it cannot be opened or written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = open_for_writing(self.path)
        self._resources: dict[str, int] = {}
        self._operations: set[tuple[str, str, str]] = set()

    def export(self, spans: list[SpanData]) -> None:
        """Store the spans in one transaction.

        Args:
            spans: The spans; those stored already are passed over.

        Raises:
            StoreError: If they cannot be written; then none of them is stored.
        """
        self.store(spans)

    def store(self, spans: list[SpanData]) -> int:
        """Store the spans in one transaction and return how many were new.

        Args:
            spans: The spans; those stored already are passed over.

        Raises:
            StoreError: If they cannot be written; then none of them is stored.
        """
        connection = self._open()
        rows = [(span, span_row(span), pack_values(span.resource)) for span in spans]
        try:
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                new = self._insert(connection, rows)
                self._patiently(lambda: connection.execute("COMMIT"))
            except BaseException:
                self._forget()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(
                f"{len(spans)} spans could not be written to the span store {str(self.path)!r}: {error}. "
                "See that its disk has room and that no other program changed the file."
            ) from error
        return new

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._process == os.getpid():
            connection.close()
        else:
            _abandoned.append(connection)

    def _open(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            if self._connection is not None:
                _abandoned.append(self._connection)
                self._connection = None
            self._process = os.getpid()
            self._forget()
        if self._connection is None:
            self._connection = open_for_writing(self.path)
        return self._connection

    def _forget(self) -> None:
        """Forget which resources and operations are stored: a rolled back transaction may have taken them along."""
        self._resources.clear()
        self._operations.clear()

    def _patiently(self, step: Callable[[], object]) -> None:
        """Do a step, again and again while another process holds the lock."""
        pause_s = 0.01
        waited_s = 0.0
        while True:
            try:
                step()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                time.sleep(pause_s)
                waited_s += pause_s
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                if waited_s > _PATIENCE_S:
                    log.warn_once(
                        "exporters",
                        f"busy {self.path}",
                        f"The span store {str(self.path)!r} has been locked by another process for a while; "
                        "spans wait in memory until it lets go.",
                    )
            else:
                return

    def _insert(self, connection: sqlite3.Connection, rows: list[tuple[SpanData, list[Any], str]]) -> int:
        place = SPAN_COLUMNS.index("resource_id")
        added: dict[str, list[SpanData]] = {}
        tags: set[tuple[str, str]] = set()
        operations: set[tuple[str, str, str]] = set()
        new = 0
        for span, row, resource in rows:
            row[place] = self._resource_id(connection, resource, span.service)
            if not connection.execute(_INSERT_SPAN, row).rowcount:
                continue
            new += 1
            added.setdefault(span.trace_id, []).append(span)
            tags.update((tag, span.trace_id) for tag in span.tags)
            operations.add((span.service, span.name, span.kind))
        connection.executemany("INSERT OR IGNORE INTO trace_tags (tag, trace_id) VALUES (?, ?)", tags)
        unknown = operations - self._operations
        connection.executemany("INSERT OR IGNORE INTO operations (service, name, kind) VALUES (?, ?, ?)", unknown)
        if len(self._operations) < _MOST_KNOWN:
            self._operations |= unknown
        for trace_id, members in added.items():
            _summarize(connection, trace_id, members)
        return new

    def _resource_id(self, connection: sqlite3.Connection, resource: str, service: str) -> int:
        known = self._resources.get(resource)
        if known is not None:
            return known
        connection.execute("INSERT OR IGNORE INTO resources (service, attributes) VALUES (?, ?)", (service, resource))
        row = connection.execute("SELECT id FROM resources WHERE attributes = ?", (resource,)).fetchone()
        if len(self._resources) >= _MOST_KNOWN:
            self._resources.clear()
        self._resources[resource] = row[0]
        return int(row[0])


def _root_rank(span: SpanData) -> int:
    """Return how much a span looks like the root: 0 without a parent, 1 for a root run below a remote span, else 2."""
    if span.parent_span_id is None:
        return 0
    is_root_run = span.run_id is not None and names.RUN_PARENT_ID not in span.attributes
    return 1 if is_root_run else 2


def _summarize(connection: sqlite3.Connection, trace_id: str, spans: list[SpanData]) -> None:
    """Add spans that are new to the store to their trace's summary."""
    root = min(spans, key=lambda span: (_root_rank(span), span.start_ns))
    row = dict(zip(SPAN_COLUMNS, span_row(root), strict=True))
    face = (root.name, root.service, row["run_type"] or "", row["run_id"], row["outcome"] or "")
    rank, root_start_ns = _root_rank(root), row["start_ns"]
    start_ns = min(bounded_int(span.start_ns) for span in spans)
    end_ns = max(bounded_int(span.end_ns) for span in spans)
    errors = sum(span.is_error for span in spans)
    connection.execute(_UPSERT_TRACE, (trace_id, *face, start_ns, end_ns, len(spans), errors, rank, root_start_ns))
    connection.execute(_NEW_ROOT, (*face, rank, root_start_ns, trace_id, rank, root_start_ns))
