"""The command line of the benchmarks: `python -m benchmarks --help`."""

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Sequence

from .measuring import Row
from .objects import measure_objects
from .pipelines import NAMES
from .running import measure_here, measure_imports, measure_in_processes

__all__ = ["main"]

_PAIRS = 15
_QUICK_PAIRS = 5
_HEADS = ("scenario", "per", "spanloom us", "reference us", "ratio", "95 %", "goal", "")
_NUMBER_COLUMNS = range(2, 6)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the table; return 1 under `--strict` when a goal is missed or could not be measured.

    Args:
        arguments: Command line arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="spanloom beside langchain-core.")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed or not measured")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_PAIRS} pairs instead of {_PAIRS}; not to quote")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--only", default="", metavar="TEXT", help="only scenarios whose name contains it")
    parser.add_argument("--pipeline", choices=NAMES, action="append", help="only this one; may be repeated")
    parser.add_argument("--pairs", type=int, help="how many pairs of batches count")
    parser.add_argument("--worker", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    pairs = options.pairs or (_QUICK_PAIRS if options.quick else _PAIRS)
    if options.worker:
        for row in measure_here(options.worker, options.only, pairs):
            print(json.dumps(row.to_json()), flush=True)
        return 0
    rows = []
    for row in measure_in_processes(options.pipeline or NAMES, options.only, pairs):
        print(".", end="", file=sys.stderr, flush=True)
        rows.append(row)
    if options.only.lower() in "import of runnablelambda" and not options.pipeline:
        rows.append(measure_imports(pairs))
    if not options.pipeline:
        rows += measure_objects(options.only, pairs)
    print(file=sys.stderr)
    print("\n".join(_markdown(rows) if options.markdown else _table(rows)))
    print("\n" + _setting(pairs))
    for row in rows:
        if row.note:
            print(f"{row.state}: {row.scenario}: {row.note}", file=sys.stderr)
    return 1 if options.strict and any(row.is_missed for row in rows) else 0


def _cells(row: Row) -> tuple[str, ...]:
    spread = "" if row.low is None or row.high is None else f"{row.low:.3f}..{row.high:.3f}"
    goal = "" if row.goal is None else f"<= {row.goal:g}"
    ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
    return (row.scenario, row.unit, _micro(row.ours_us), _micro(row.reference_us), ratio, spread, goal, row.state)


def _micro(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [_HEADS, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(_aligned, range(len(line)), line, widths)) for line in lines]


def _aligned(column: int, cell: str, width: int) -> str:
    return cell.rjust(width) if column in _NUMBER_COLUMNS else cell.ljust(width)


def _markdown(rows: Sequence[Row]) -> list[str]:
    rules = ("---", "---", "---:", "---:", "---:", "---:", "---", "---")
    escaped = [tuple(cell.replace("|", "\\|") for cell in _cells(row)) for row in rows]
    return ["| " + " | ".join(cells) + " |" for cells in (_HEADS, rules, *escaped)]


def _setting(pairs: int) -> str:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("spanloom", "langchain-core", "opentelemetry-sdk")
    )
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {versions}; CPU time, {pairs} pairs in turn, "
        "median of their ratios with its bootstrap interval; spanloom traced, the reference untraced."
    )


if __name__ == "__main__":
    sys.exit(main())
