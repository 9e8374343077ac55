"""Rules of words: names on the wire stand in one table, and the text names no place that a reader does not have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping

from .tree import Offender, Source, docstring_node

NAMES_FILE = "tracing/names.py"
WIRE_PREFIXES = ("spanloom.", "gen_ai.")
LOGGER_MAKERS = frozenset({"getLogger", "get_logger"})
MODULE_TESTS = frozenset({"startswith", "removeprefix"})
"""Whether a module is ours is asked with these and "spanloom."; a name on the wire is longer."""


def wire_names(sources: Iterable[Source]) -> Iterator[Offender]:
    """Yield names on the wire that are spelled out; names of modules and of loggers may be."""
    every = list(sources)
    modules = {s.module for s in every}
    for s in every:
        if s.path == NAMES_FILE:
            continue
        free = {id(node) for node in _docstrings(s.tree)} | {id(node) for node in _names_of_modules(s.tree)}
        for node in ast.walk(s.tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in free else None
            if isinstance(text, str) and text.startswith(WIRE_PREFIXES) and text not in modules:
                what = f"{text!r} is spelled out; names on the wire are constants of {NAMES_FILE}"
                yield Offender(s.path, node.lineno, what, f"{s.path}: {text}")


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield strings that stand alone: docstrings, also those below a constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        elif (told := docstring_node(node)) is not None:
            yield told


def _names_of_modules(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in LOGGER_MAKERS:
                yield from (n for a in node.args for n in ast.walk(a) if isinstance(n, ast.Constant))
            elif called in MODULE_TESTS:
                yield from (a for a in node.args if isinstance(a, ast.Constant) and a.value == "spanloom.")


# One letter of each stands in brackets so that this file does not find itself.
PLACES: Mapping[str, re.Pattern[str]] = {
    "a path of one machine": re.compile(
        r"(?<![\w.}])/(?:wor[k]|roo[t]|hom[e]/(?!me/|you/)[\w.-]+|User[s]/[\w.-]+|tm[p]/[\w.-]+)/|\b[A-Z]:\\User[s]",
    ),
    "a package registry": re.compile(
        r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|npmjs\.co[m]|proxy\.golan[g]|crates\.i[o]|conda\.anacond[a]"
        r"|artifactor[y]|--index-ur[l]|--extra-index-ur[l]",
        re.IGNORECASE,
    ),
    "the number of an issue": re.compile(r"\b(?:issu[e]s?|pull reques[t]s?|P[R]s?|bu[g]s?) ?#\d+", re.IGNORECASE),
}


def places(texts: Mapping[str, str]) -> Iterator[Offender]:
    """Yield lines that name a path of one machine, a registry's host or an issue's number."""
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            for what, pattern in PLACES.items():
                found = pattern.search(line)
                if found:
                    yield Offender(path, number, f"names {what}: {found[0]!r}", f"{path}: {found[0]}")
