"""The rows of the acceptance checklist and the tests that prove them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from .tree import Offender, Source

ROWS_FILE = Path(__file__).with_name("rows.txt")


def all_rows() -> dict[str, str]:
    """Return every row of the checklist: its id and what it is about."""
    lines = ROWS_FILE.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def marks(sources: Iterable[Source]) -> Iterator[tuple[Source, ast.Call]]:
    """Yield each `pytest.mark.row(...)` in the test files: decorators, `pytestmark`, marks of parameters."""
    for s in sources:
        for node in ast.walk(s.tree):
            if isinstance(node, ast.Call) and _dotted(node.func).endswith("mark.row"):
                yield s, node


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def proved(sources: Iterable[Source]) -> set[str]:
    """Return the ids that some test names."""
    return {arg.value for _, call in marks(sources) for arg in call.args if isinstance(arg, ast.Constant)}


def unknown_rows(sources: Iterable[Source], known: Iterable[str]) -> Iterator[Offender]:
    rows = set(known)
    for s, call in marks(sources):
        ids = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args] or [None]
        for row in ids:
            if row not in rows:
                what = f"the checklist has no row {row!r}" if row is not None else "a row is named by a plain string"
                yield Offender(s.path, call.lineno, what, f"{s.path}: {row}")


def summary(missing: list[str], total: int) -> list[str]:
    """Return the lines that say how many rows are proved and which are not, by their letter."""
    by_group: dict[str, list[str]] = {}
    for row in missing:
        by_group.setdefault(row.split(".")[0], []).append(row.split(".")[1])
    lines = [f"checklist: {total - len(missing)} of {total} rows have a test"]
    return lines + [f"  {group}: without a test {' '.join(numbers)}" for group, numbers in by_group.items()]
