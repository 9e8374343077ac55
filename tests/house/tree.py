"""The sources that the rules read: real ones from the repository, planted ones from a mapping."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("runtime", "tracing", "exporters", "dashboards")
FRONT_DOOR = "src/spanloom"

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: where it stands in the repository, what it is called when imported, and its syntax tree."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")

    @property
    def room(self) -> str:
        """runtime, tracing, exporters, dashboards, or src for the front door."""
        return self.path.split("/")[0]


@dataclass(frozen=True, order=True)
class Offender:
    """Who breaks a rule, where, and how; `key` names it without its line, for a list of exceptions."""

    path: str
    line: int
    what: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def module_name(path: str) -> str:
    """Return what a file of the repository is called when imported: runtime/a/b.py is spanloom.runtime.a.b."""
    inside = path.removeprefix(f"{FRONT_DOOR}/")
    return ".".join(["spanloom", *inside.removesuffix(".py").removesuffix("__init__").rstrip("/").split("/")]).rstrip(
        "."
    )


def source(path: str, text: str) -> Source:
    return Source(path, module_name(path), text, ast.parse(text, path))


def planted(files: Mapping[str, str]) -> list[Source]:
    """Return sources made up for a test of a rule."""
    return [source(path, text) for path, text in files.items()]


@cache
def repository_files() -> tuple[str, ...]:
    """Return every file that is or could be committed, links left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(sorted({p for p in listed if p and (ROOT / p).is_file() and not (ROOT / p).is_symlink()}))


@cache
def library() -> tuple[Source, ...]:
    """Return the Python files of the four rooms and the front door."""
    starts = tuple(f"{room}/" for room in (*ROOMS, FRONT_DOOR))
    return tuple(s for s in every_python_file() if s.path.startswith(starts))


@cache
def every_python_file() -> tuple[Source, ...]:
    """Return every Python file of the repository, tests and benchmarks too."""
    python = (path for path in repository_files() if path.endswith(".py"))
    return tuple(source(path, (ROOT / path).read_text(encoding="utf-8")) for path in python)


def is_public(name: str) -> bool:
    return not name.startswith("_")


def functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, FunctionNode, ast.AST]]:
    """Yield each function below a node with its dotted name and the node that holds it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            name = f"{prefix}{child.name}"
            yield name, child, node
            yield from functions(child, f"{name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from functions(child, f"{prefix}{child.name}.")
        else:
            yield from functions(child, prefix)


def docstring_node(node: ast.AST) -> ast.Constant | None:
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
        value = body[0].value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value
    return None
