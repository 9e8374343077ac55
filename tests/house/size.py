"""Rules of size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .tree import Offender, Source, docstring_node, functions

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def long_files(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        lines = len(s.text.splitlines())
        if lines > MAX_FILE_LINES:
            yield Offender(s.path, MAX_FILE_LINES + 1, f"the file has {lines} lines", s.path)


def long_functions(sources: Iterable[Source]) -> Iterator[Offender]:
    """A function is counted from its `def` to its last line, its docstring left out."""
    for s in sources:
        for name, node, _ in functions(s.tree):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            told = docstring_node(node)
            if told is not None:
                lines -= (told.end_lineno or told.lineno) - told.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield Offender(s.path, node.lineno, f"{name} has {lines} lines", f"{s.path}::{name}")
