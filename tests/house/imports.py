"""Rules of who may import whom. Imports inside functions and type-only imports count like any other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .tree import ROOMS, Offender, Source


@dataclass(frozen=True)
class Import:
    """One imported module, or one name of it, as an absolute dotted name."""

    source: Source
    line: int
    module: str
    name: str = ""

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def imports(s: Source) -> Iterator[Import]:
    """Yield what a file imports, relative imports resolved."""
    for node in ast.walk(s.tree):
        if isinstance(node, ast.Import):
            yield from (Import(s, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(s, node)
            yield from (Import(s, node.lineno, base, alias.name) for alias in node.names)


def _base(s: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = s.module.split(".")
    parts = parts[: len(parts) - node.level + (1 if s.is_package else 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def edges(sources: Sequence[Source]) -> Iterator[tuple[Import, str]]:
    """Yield each import of one of these modules by another of them, with the module that is meant."""
    modules = {s.module for s in sources}
    for s in sources:
        for found in imports(s):
            target = found.full if found.full in modules else found.module
            if target in modules and target != s.module:
                yield found, target


def rings(sources: Sequence[Source]) -> Iterator[Offender]:
    """Yield every import that is part of a ring of modules."""
    graph: dict[str, set[str]] = {s.module: set() for s in sources}
    found = list(edges(sources))
    for one, target in found:
        graph[one.source.module].add(target)
    ring_of = {module: ring for ring in components(graph) if len(ring) > 1 for module in ring}
    for one, target in found:
        ring = ring_of.get(one.source.module)
        if ring is not None and target in ring:
            what = f"imports {target} in a ring of {len(ring)}: {', '.join(sorted(ring))}"
            yield Offender(one.source.path, one.line, what, f"{one.source.module} -> {target}")


def components(graph: dict[str, set[str]]) -> list[frozenset[str]]:
    """Return the strongly connected components, by Kosaraju's two passes."""
    order: list[str] = []
    seen: set[str] = set()
    for start in sorted(graph):
        _visit(graph, start, seen, order)
    backwards: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            backwards[target].add(node)
    result: list[frozenset[str]] = []
    seen = set()
    for start in reversed(order):
        members: list[str] = []
        _visit(backwards, start, seen, members)
        if members:
            result.append(frozenset(members))
    return result


def _visit(graph: dict[str, set[str]], start: str, seen: set[str], finished: list[str]) -> None:
    """Walk depth first from `start` and append each node when all below it is done."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(sorted(graph[start])))]
    while stack:
        node, below = stack[-1]
        fresh = next((child for child in below if child not in seen), None)
        if fresh is None:
            stack.pop()
            finished.append(node)
        else:
            seen.add(fresh)
            stack.append((fresh, iter(sorted(graph[fresh]))))


def rooms_by_bare_name(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        for found in imports(s):
            if found.top in ROOMS:
                what = f"imports {found.module!r}; it is spanloom.{found.module}"
                yield Offender(s.path, found.line, what, f"{s.path}: {found.module}")


def langchain_outside_benchmarks(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        for found in imports(s):
            if found.top.startswith("langchain") and s.room != "benchmarks":
                yield Offender(s.path, found.line, f"imports {found.module!r}", f"{s.path}: {found.module}")


def sdk_outside_exporters(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        for found in imports(s):
            if f"{found.full}.".startswith("opentelemetry.sdk.") and s.room not in ("exporters", "src"):
                yield Offender(s.path, found.line, f"imports {found.full!r}", f"{s.path}: {found.module}")


API_FILES = ("tracing/otel.py", "tracing/metrics.py", "tracing/logs.py")


def api_outside_its_files(sources: Iterable[Source]) -> Iterator[Offender]:
    for s in sources:
        if s.room in ("tracing", "runtime") and s.path not in API_FILES:
            for found in imports(s):
                if found.top == "opentelemetry":
                    yield Offender(s.path, found.line, f"imports {found.full!r}", f"{s.path}: {found.module}")


CLOCKWORK = ("asyncio", "threading", "time")


def clockwork_in_combinators(sources: Iterable[Source]) -> Iterator[Offender]:
    """Only io*.py and drivers*.py of runtime/runnables may know of loops, threads and clocks."""
    for s in sources:
        room, _, name = s.path.rpartition("/")
        if room == "runtime/runnables" and not name.startswith(("io", "drivers")):
            for found in imports(s):
                if found.top in CLOCKWORK:
                    yield Offender(s.path, found.line, f"imports {found.module!r}", f"{s.path}: {found.module}")
