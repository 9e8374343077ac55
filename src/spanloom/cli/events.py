"""`spanloom events`: the events of a trace, rebuilt from its spans, filtered as a live stream is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .lines import event_line
from .sources import NothingFoundError, choose_trace, source_options
from .text import has_color, line_width, out

if TYPE_CHECKING:
    from ..exporters import SpanData

__all__ = ["events"]

Command = TypeVar("Command", bound=Callable[..., object])

_COMMA = re.compile(r",(?![^<]*>)")
"""A comma between values; one in a name such as `RunnableParallel<a,b>` is part of the name."""


def _filter_options(command: Command) -> Command:
    for verb, does in (("exclude", "Leave out"), ("include", "Keep")):
        for what, whose in (
            ("tags", "with one of these tags"),
            ("types", "of these types"),
            ("names", "of these names"),
        ):
            command = click.option(
                f"--{verb}-{what}",
                metavar=what.upper(),
                multiple=True,
                callback=_split,
                help=f"{does} events of runs {whose}; commas between, or the option again.",
            )(command)
    return command


def _split(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> list[str] | None:
    values = [part.strip() for text in given for part in _COMMA.split(text)]
    return [value for value in values if value] or None


_HELP = """Replay the events of a trace, one a line.

TRACE_ID is a trace id, a run id, or the beginning of one. An event passes when no --include- option is given or one of
them fits, and no --exclude- option fits.
"""


@click.command(help=_HELP)
@source_options
@click.option("--run", "run_id", metavar="RUN_ID", help="Only the stream of this run, or the beginning of its id.")
@_filter_options
@click.option("--json", "as_json", is_flag=True, help="One astream_events record a line, as JSON.")
def events(
    trace_id: str | None,
    last: bool,
    store: str | None,
    file: str | None,
    run_id: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Print the records of a trace.

    Raises:
        ClickException: If a span's journal cannot be read.
        NothingFoundError: If there is no event to show.
    """
    from ..tracing import CallbackManager, JournalError

    spans = choose_trace(trace_id, last, store, file)
    root = None if run_id is None else _whole_run_id(spans, run_id)
    width, color = line_width(), has_color()
    shown = 0
    try:
        for record in CallbackManager.records(spans, root_run_id=root, **filters):
            out(json.dumps(record, separators=(",", ":")) if as_json else event_line(record, width, color=color))
            shown += 1
    except JournalError as error:
        raise click.ClickException(f"{error} Nothing else of this trace can be replayed.") from error
    if not shown:
        raise NothingFoundError(_why_none(spans))


def _whole_run_id(spans: list[SpanData], given: str) -> str:
    """Return the only run id of the trace that begins so."""
    wanted = given.strip().lower().replace("-", "")
    run_ids = dict.fromkeys(span.run_id for span in spans if span.run_id is not None)
    found = [run_id for run_id in run_ids if wanted and run_id.replace("-", "").startswith(wanted)]
    if not found:
        raise NothingFoundError(f"The trace has no run {given!r}; `spanloom events --json` shows the ids of its runs.")
    if len(found) > 1:
        raise click.ClickException(
            f"The run id {given!r} fits several runs ({', '.join(found[:3])}); give more digits."
        )
    return found[0]


def _why_none(spans: list[SpanData]) -> str:
    from ..tracing.events.replay import journal_text

    if any(journal_text(span) is not None for span in spans):
        return "No event fits the filters; leave one out."
    return (
        "The spans of this trace carry no journal, so their events cannot be replayed; "
        "record with spanloom's configure(), and send spans to the store or over OTLP."
    )
