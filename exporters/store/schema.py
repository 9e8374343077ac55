"""The SQLite file: how it is recognised, made and opened.

A file of ours carries the application id 0x53504C4D ("SPLM") and the version of its tables as `user_version`. Anything
else is refused before a byte is written to it. Tables have row ids: rows are wide, and a clustered text key would make
them larger and slower.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from ..errors import ForeignStoreError, StoreError

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "default_store_path", "is_busy", "open_for_reading", "open_for_writing"]

APPLICATION_ID = 0x53504C4D
"""`PRAGMA application_id` of our files."""

SCHEMA_VERSION = 1
"""`PRAGMA user_version` of the tables below."""

_BUSY_MS = 2000
"""How long SQLite itself waits for another process's lock, in milliseconds."""

_PATIENCE_S = 15.0
_IDENTITY = """
    SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
           (SELECT count(*) FROM sqlite_master)"""
# one statement, so that another process that makes the tables meanwhile is seen wholly or not at all
_MAGIC = b"SQLite format 3\0"

_TABLES = (
    """CREATE TABLE IF NOT EXISTS resources (
        id INTEGER PRIMARY KEY, service TEXT NOT NULL, attributes TEXT NOT NULL UNIQUE)""",
    """CREATE TABLE IF NOT EXISTS spans (
        id INTEGER PRIMARY KEY,
        trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_span_id TEXT, start_ns INTEGER NOT NULL,
        end_ns INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL, service TEXT NOT NULL,
        run_id TEXT, run_type TEXT, outcome TEXT, model TEXT, resource_id INTEGER NOT NULL REFERENCES resources (id),
        scope_name TEXT NOT NULL, scope_version TEXT NOT NULL, trace_state TEXT NOT NULL, status_message TEXT NOT NULL,
        attributes TEXT NOT NULL, events TEXT NOT NULL, links TEXT NOT NULL, journal TEXT,
        UNIQUE (trace_id, span_id, start_ns, end_ns))""",
    "CREATE INDEX IF NOT EXISTS spans_by_run ON spans (run_id) WHERE run_id IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS spans_by_start ON spans (start_ns)",
    """CREATE TABLE IF NOT EXISTS traces (
        id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, service TEXT NOT NULL,
        run_type TEXT NOT NULL, run_id TEXT, outcome TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
        span_count INTEGER NOT NULL, error_count INTEGER NOT NULL,
        root_rank INTEGER NOT NULL, root_start_ns INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS traces_by_start ON traces (start_ns)",
    "CREATE INDEX IF NOT EXISTS traces_by_service ON traces (service, start_ns)",
    "CREATE TABLE IF NOT EXISTS trace_tags (tag TEXT NOT NULL, trace_id TEXT NOT NULL, UNIQUE (tag, trace_id))",
    "CREATE TABLE IF NOT EXISTS operations (service TEXT, name TEXT, kind TEXT, UNIQUE (service, name, kind))",
)


def default_store_path() -> Path:
    """Return where the store of this user lives unless told otherwise.

    That is `spanloom/spans.db` under XDG_STATE_HOME, or under `~/.local/state` when that is not set or not absolute
    (XDG Base Directory Specification 0.8).
    """
    given = os.environ.get("XDG_STATE_HOME", "")
    state = Path(given) if given and Path(given).is_absolute() else Path.home() / ".local" / "state"
    return state / "spanloom" / "spans.db"


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the store, making the file, its folders and its tables where they are missing; return the connection.

    The connection commits by itself unless a transaction is begun.

    Args:
        path: The file.

    Raises:
        ForeignStoreError: If the file is there and not ours.
        StoreError: If it cannot be opened or written, or was written by a later version.
    """
    _refuse_folder(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, f"its folder cannot be made ({error.strerror})") from error
    _refuse_foreign_bytes(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from error
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, str(error)) from error
    except StoreError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing store for reading and return the connection. Others may write it meanwhile.

    Args:
        path: The file.

    Raises:
        ForeignStoreError: If the file is not ours.
        StoreError: If there is no file, it cannot be read, or was written by a later version.
    """
    _refuse_folder(path)
    if not path.exists():
        raise StoreError(
            f"There is no span store at {str(path)!r}; run a program with configure(store={str(path)!r}) first."
        )
    _refuse_foreign_bytes(path)
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000
        )
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from error
    try:
        if _version(connection, path) == 0:
            raise StoreError(f"The span store {str(path)!r} is empty; run a program that writes to it first.")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, str(error)) from error
    except StoreError:
        connection.close()
        raise
    return connection


def is_busy(error: sqlite3.Error) -> bool:
    """Return True when the error says that another connection holds the lock.

    Args:
        error: What SQLite raised.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the code, the rest says more about it
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        raise StoreError(
            f"The store path {str(path)!r} is a folder; give a file in it, such as {str(path / 'spans.db')!r}."
        )


def _refuse_foreign_bytes(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            magic = file.read(len(_MAGIC))
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    if magic and magic != _MAGIC:
        raise ForeignStoreError(
            f"The file {str(path)!r} is not a SQLite database; give the path of a span store, or of a new file."
        )


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables, 0 for an empty database; refuse what is not ours or is newer."""
    row: tuple[int, int, int] = connection.execute(_IDENTITY).fetchone()
    application, version, tables = row
    if application == 0 and version == 0 and tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise ForeignStoreError(
            f"The file {str(path)!r} is a SQLite database of another program; nothing was written to it. "
            "Give the path of a span store, or of a new file."
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"The span store {str(path)!r} has version {version}; this spanloom reads up to {SCHEMA_VERSION}. "
            "Upgrade spanloom, or give another path."
        )
    return version


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where they are missing and see that the file can be written.

    Processes that make the same file at the same moment wait for each other here.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        version = 0
        try:
            version = _version(connection, path)
            if version < SCHEMA_VERSION:
                _create(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            if version:
                return  # it is ours and has its tables; another process happens to write right now
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
        else:
            return


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _unusable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"The span store {str(path)!r} cannot be used: {why}. Give the path of a file in a folder you may write to."
    )
