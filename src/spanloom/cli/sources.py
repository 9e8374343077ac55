"""Where the commands that read get their spans: the local store, another store, or a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from .text import note

if TYPE_CHECKING:
    from ..exporters import SpanData

__all__ = ["NothingFoundError", "choose_trace", "source_options", "store_option"]

Command = TypeVar("Command", bound=Callable[..., object])


class NothingFoundError(click.ClickException):
    """There is nothing to show; the exit code is 1."""

    def show(self, file: object = None) -> None:
        """Write the sentence to standard error, without the word Error.

        Args:
            file: Not used.
        """
        note(self.message)


def store_option(command: Command) -> Command:
    """Add the option `--store`.

    Args:
        command: The command's function.
    """
    return click.option("--store", metavar="PATH", help="The span store to read; the local one when not given.")(
        command
    )


def source_options(command: Command) -> Command:
    """Add what says which trace, and from where: TRACE_ID, --last, --store and --file.

    Args:
        command: The command's function.
    """
    command = click.option("--file", metavar="FILE", help="Read a .otlp.jsonl file instead of a store.")(command)
    command = store_option(command)
    command = click.option("--last", is_flag=True, help="Take the trace that started last.")(command)
    return click.argument("trace_id", metavar="[TRACE_ID]", required=False)(command)


def choose_trace(trace_id: str | None, last: bool, store: str | None, file: str | None) -> list[SpanData]:
    """Return the spans of the trace that the user means, in the order of their start.

    Args:
        trace_id: A trace id, a run id, or the beginning of one.
        last: The trace that started last is meant.
        store: The store to read; None means the local one.
        file: The file to read instead.

    Raises:
        UsageError: If it is not clear which trace is meant, or where it is.
        NothingFoundError: If there is no such trace.
        ExportError: If the store or the file cannot be read.
    """
    if store is not None and file is not None:
        raise click.UsageError("Both --store and --file are given; give one of them.")
    if (trace_id is None) != last:
        raise click.UsageError(
            "Give a TRACE_ID, or --last for the trace that started last; `spanloom traces` lists them."
        )
    spans = _of_store(trace_id, store) if file is None else _of_file(trace_id, file)
    if not spans:
        place = "The file" if file is not None else "The store"
        what = "no trace yet" if trace_id is None else f"no trace or run {trace_id!r}"
        raise NothingFoundError(f"{place} has {what}; `spanloom traces` lists those of a store.")
    return spans


def _of_store(trace_id: str | None, path: str | None) -> list[SpanData]:
    from ..exporters import SqliteStore

    with SqliteStore(path) as store:
        if trace_id is None:
            newest = store.last()
            return [] if newest is None else store.trace(newest.trace_id)
        return store.trace(trace_id)


def _of_file(trace_id: str | None, path: str) -> list[SpanData]:
    from ..exporters import read_file
    from ..replaying import pick_trace

    spans = list(read_file(path, report=note))
    if trace_id is not None or not spans:
        return pick_trace(spans, trace_id or "0")
    begun: dict[str, int] = {}
    for span in spans:
        begun[span.trace_id] = min(span.start_ns, begun.get(span.trace_id, span.start_ns))
    newest = max(begun, key=begun.__getitem__)
    return pick_trace(spans, newest)
