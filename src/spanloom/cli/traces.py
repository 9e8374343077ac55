"""`spanloom traces`: a list of what was recorded."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from .sources import NothingFoundError, store_option
from .text import columns, cut, line_width, out, took, visible

if TYPE_CHECKING:
    from ..exporters import TraceSummary

__all__ = ["traces"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_HEAD = ["TRACE", "STARTED", "DURATION", "SPANS", "ERRORS", "NAME", "SERVICE"]
_NUMBERS = frozenset({2, 3, 4})


def _parse_since(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the moment as nanoseconds since 1970."""
    if value is None:
        return None
    given = re.fullmatch(r"(\d{1,9})([smhdw])", value.strip())
    if given is None:
        raise click.BadParameter(f"{value!r} is no length of time; write 30s, 10m, 1h, 2d or 1w.", ctx, parameter)
    return max(0, time.time_ns() - int(given[1]) * _SECONDS[given[2]] * 1_000_000_000)


@click.command(help="List the recorded traces, the newest first.")
@store_option
@click.option("--service", help="Only traces of this service.")
@click.option("--tag", help="Only traces in which a run has this tag.")
@click.option("--since", "since_ns", metavar="TIME", callback=_parse_since, help="Only the last 30s, 10m, 1h, 2d, 1w.")
@click.option("--errors", is_flag=True, help="Only traces with a failed span.")
@click.option(
    "--sort", type=click.Choice(["start", "duration"]), default="start", help="Newest first (start), or slowest."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most traces to list.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def traces(
    store: str | None,
    service: str | None,
    tag: str | None,
    since_ns: int | None,
    errors: bool,
    sort: str,
    limit: int,
    as_json: bool,
) -> None:
    """Print the list.

    Raises:
        NothingFoundError: If no trace fits.
    """
    from ..exporters import SqliteStore

    with SqliteStore(store) as opened:
        found = opened.traces(
            limit=limit,
            service=service,
            tag=tag,
            since_ns=since_ns,
            errors_only=errors,
            sort="slowest" if sort == "duration" else "newest",
        )
        place = str(opened.path)
    if not found:
        is_filtered = any((service, tag, since_ns, errors))
        raise NothingFoundError(f"{'No trace fits' if is_filtered else 'There is no trace yet'} in {place!r}.")
    if as_json:
        for summary in found:
            out(json.dumps({**asdict(summary), "duration_ns": summary.duration_ns}, separators=(",", ":")))
        return
    width = line_width()
    for line in columns([_HEAD, *map(_row, found)], right=_NUMBERS):
        out(cut(line, width))


def _row(summary: TraceSummary) -> list[str]:
    return [
        summary.trace_id,
        _local_time(summary.start_ns),
        took(summary.duration_ns),
        str(summary.span_count),
        str(summary.error_count),
        visible(summary.name) + ("" if summary.is_complete else " (root missing)"),
        visible(summary.service),
    ]


def _local_time(time_ns: int) -> str:
    try:
        return datetime.fromtimestamp(time_ns // 1_000_000_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # a foreign span may claim any time
        return "?"
