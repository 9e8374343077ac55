"""The local span store: one SQLite file that any number of processes may write and read."""

from .protocol import SpanStore, TraceOrder, TraceQuery, TraceSummary
from .schema import default_store_path
from .sqlite import SqliteStore
from .writer import SqliteWriter

__all__ = [
    "SpanStore",
    "SqliteStore",
    "SqliteWriter",
    "TraceOrder",
    "TraceQuery",
    "TraceSummary",
    "default_store_path",
]
