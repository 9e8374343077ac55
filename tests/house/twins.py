"""No method is written twice, once with `async`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .tree import FunctionNode, Offender, Source, docstring_node

MAX_STATEMENTS = 5


def twins(sources: Iterable[Source]) -> Iterator[Offender]:
    """Yield pairs x/ax of one class, longer than a few statements, whose bodies differ in async and await alone.

    `self.invoke` and `self.ainvoke` count as the same name: a twin calls the twins of what it calls.
    """
    for s in sources:
        for owner in (node for node in ast.walk(s.tree) if isinstance(node, ast.ClassDef)):
            methods = {node.name: node for node in owner.body if isinstance(node, FunctionNode)}
            for name, method in methods.items():
                other = methods.get(f"a{name}")
                if other is not None and _is_long(method) and _is_long(other) and _same(_body(method), _body(other)):
                    what = f"{owner.name}.{other.name} is {owner.name}.{name} with async and await"
                    yield Offender(s.path, other.lineno, what, f"{s.path}::{owner.name}.{other.name}")


def _body(method: FunctionNode) -> list[ast.stmt]:
    return method.body[1:] if docstring_node(method) is not None else method.body


def _is_long(method: FunctionNode) -> bool:
    statements = (n for top in _body(method) for n in ast.walk(top) if isinstance(n, ast.stmt))
    return sum(1 for _ in statements) > MAX_STATEMENTS


def _same(left: object, right: object) -> bool:
    left, right = _plain(left), _plain(right)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, ast.AST) and isinstance(right, ast.AST):
        if _kind(left) != _kind(right):
            return False
        fields = [name for name in left._fields if name not in ("is_async", "ctx", "type_comment")]
        return all(_same(getattr(left, name, None), getattr(right, name, None)) for name in fields)
    if isinstance(left, str) and isinstance(right, str):
        return _alike(left, right)
    return left == right


def _plain(value: object) -> object:
    while isinstance(value, ast.Await):
        value = value.value
    return value


def _kind(node: ast.AST) -> str:
    return type(node).__name__.removeprefix("Async")


def _alike(left: str, right: str) -> bool:
    left, right = (name.replace("Async", "").replace("__a", "__") for name in (left, right))
    return left == right or f"a{left}" == right or left == f"a{right}"
