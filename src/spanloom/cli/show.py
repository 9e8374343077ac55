"""`spanloom show`: one trace as a tree of its spans."""

from __future__ import annotations

import json

import click

from .sources import choose_trace, source_options
from .text import has_color, line_width, out

__all__ = ["show"]

_ANY_WIDTH = 1 << 20
_HELP = """Show a trace as a tree with durations.

TRACE_ID is a trace id, a run id, or the beginning of one.
"""


@click.command(help=_HELP)
@source_options
@click.option("--json", "as_json", is_flag=True, help="The spans as one line of OTLP JSON, which --file reads again.")
def show(trace_id: str | None, last: bool, store: str | None, file: str | None, as_json: bool) -> None:
    """Print a trace as a tree, or as OTLP JSON."""
    spans = choose_trace(trace_id, last, store, file)
    if as_json:
        from ..exporters import to_otlp_json

        out(json.dumps(to_otlp_json(spans), separators=(",", ":")))
        return
    from ..exporters import render_tree

    out(render_tree(spans, color=has_color(), width=line_width() or _ANY_WIDTH), newline=False)
