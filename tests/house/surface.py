"""Rules of what is public: it is listed, it is documented, and its errors are told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from .tree import FunctionNode, Offender, Source, docstring_node, functions, is_public

TYPE_VARIABLES = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
EXEMPT_DECORATORS = frozenset({"overload", "override", "setter", "deleter"})


def wrong_all(sources: Iterable[Source]) -> Iterator[Offender]:
    """`__all__` names all that a module defines, and nothing that it neither defines nor imports.

    A package or a module of re-exports also names all that it imports from spanloom, but for what its own code uses.
    """
    for s in sources:
        listed, line = _listed(s)
        if listed is None:
            yield Offender(s.path, line, "__all__ is not a plain list of strings", s.path)
            continue
        defined, type_variables = _defined(s)
        reexports = s.is_package or not (defined or type_variables)
        public = defined | (_imported(s, ours=True) - _used(s) if reexports else set())
        there = public | type_variables | _imported(s, ours=True) | _imported(s, ours=False)
        lazy = any(isinstance(node, FunctionNode) and node.name == "__getattr__" for node in s.tree.body)
        missing = sorted(public - set(listed))
        extra = [] if lazy else sorted(n for n in set(listed) - there if not _is_dunder(n))
        for what, names in (("public but not in __all__", missing), ("in __all__ but not here", extra)):
            if names:
                yield Offender(s.path, line, f"{what}: {', '.join(names)}", s.path)
        if listed != sorted(set(listed), key=_order):
            yield Offender(s.path, line, "__all__ is not sorted, or names something twice", s.path)


def _used(s: Source) -> set[str]:
    return {node.id for node in ast.walk(s.tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _listed(s: Source) -> tuple[list[str] | None, int]:
    for node in s.tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            try:
                value = ast.literal_eval(getattr(node, "value", None) or ast.Constant(None))
            except ValueError:
                return None, node.lineno
            return (list(value) if isinstance(value, (list, tuple)) else None), node.lineno
    return [], 1


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield top-level statements, those below `if` and `try` too, but not what is there for type checkers alone."""
    for node in body:
        if isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _statements(
                [*node.body, *(n for h in node.handlers for n in h.body), *node.orelse, *node.finalbody]
            )
        else:
            yield node


def _defined(s: Source) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    type_variables: set[str] = set()
    for node in _statements(s.tree.body):
        if isinstance(node, FunctionNode | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            made_by = node.value.func if isinstance(node.value, ast.Call) else None
            kind = type_variables if made_by is not None and _last_name(made_by) in TYPE_VARIABLES else names
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
                kind.update(part.id for part in parts if isinstance(part, ast.Name))
    return {n for n in names if is_public(n)}, {n for n in type_variables if is_public(n)}


def _imported(s: Source, *, ours: bool) -> set[str]:
    """Return public names imported from spanloom, or else from elsewhere, for type checkers alone included."""
    found: set[str] = set()
    for node in _statements(s.tree.body) if ours else ast.walk(s.tree):
        if isinstance(node, ast.ImportFrom):
            from_us = bool(node.level) or (node.module or "").split(".")[0] == "spanloom"
            if from_us == ours:
                found.update(alias.asname or alias.name for alias in node.names)
    return {name for name in found if is_public(name)}


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _order(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """CONSTANTS first, then Classes, then the rest, numbers by value: the order that ruff keeps."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    pieces = [piece for piece in re.split(r"(\d+)", name) if piece]
    return kind, [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in pieces]


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def undocumented(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        if docstring_node(s.tree) is None:
            yield Offender(s.path, 1, "the module has no docstring", s.path)
        for name, node in _public(s.tree):
            if docstring_node(node) is None:
                yield Offender(s.path, node.lineno, f"{name} has no docstring", f"{s.path}::{name}")


def _public(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, FunctionNode | ast.ClassDef]]:
    for node in _statements(tree.body):
        if isinstance(node, FunctionNode | ast.ClassDef) and is_public(node.name):
            decorators = {_last_name(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list}
            if not decorators & EXEMPT_DECORATORS:
                yield f"{prefix}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{prefix}{node.name}.")


def untold_errors(sources: Iterable[Source]) -> Iterator[Offender]:
    """What a public function raises by name in its own body stands under `Raises:`."""
    for s in sources:
        for name, node in _public(s.tree):
            if isinstance(node, FunctionNode) and docstring_node(node) is not None:
                told = _told_errors(ast.get_docstring(node) or "")
                for error, line in _raised(node):
                    if error not in told:
                        what = f"{name} raises {error}, which its docstring does not list under `Raises:`"
                        yield Offender(s.path, line, what, f"{s.path}::{name}")


def _told_errors(docstring: str) -> set[str]:
    section = re.search(r"^Raises:\n((?:[ \t]+.*\n?|\n)+)", docstring, re.MULTILINE)
    entries = re.findall(r"^[ \t]+([\w.]+(?:(?:,| or) [\w.]+)*):", section[1], re.MULTILINE) if section else []
    return {part.split(".")[-1] for entry in entries for part in re.split(r", | or ", entry)}


def _raised(function: FunctionNode) -> Iterator[tuple[str, int]]:
    inner = {id(n) for _, f, _ in functions(function) for n in ast.walk(f)}
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None and id(node) not in inner:
            error = _last_name(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
            if error[:1].isupper():
                yield error, node.lineno
