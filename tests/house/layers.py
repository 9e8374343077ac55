"""The order between the rooms, which import-linter guards, and the order inside runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .imports import edges
from .tree import Offender, Source

COMBINATORS = (
    "runnables.sequence",
    "runnables.parallel",
    "runnables.function",
    "runnables.generator",
    "runnables.passthrough",
    "runnables.branch",
    "runnables.router",
    "runnables.binding",
    "runnables.each",
    "runnables.retry",
    "runnables.fallbacks",
    "runnables.configurable",
)

LAYERS: tuple[tuple[str, ...], ...] = (
    ("load",),
    ("runnables.graph",),
    ("runnables.drawing",),
    ("models",),
    ("language_models.chat_models", "language_models.llms", "language_models.fake"),
    ("language_models.base",),
    ("utils",),
    (
        "prompts",
        "output_parsers",
        "tools",
        "retrievers",
        "stores",
        "vectorstores",
        "embeddings",
        "example_selectors",
        "runnables.history",
    ),
    ("chat_history",),
    COMBINATORS,
    ("runnables.coerce",),
    ("runnables.serializable",),
    ("runnables.composed",),
    ("runnables.events",),
    ("runnables.runs",),
    ("runnables.base",),
    ("runnables.describing",),
    ("runnables.running",),
    ("runnables.batching",),
    ("runnables.pulling",),
    ("runnables.io", "runnables.schemas", "runnables.fields", "runnables.slots"),
    ("runnables.frames", "runnables.threads", "runnables.unhooked", "runnables.addable"),
    ("runnables.config",),
    ("telemetry",),
    ("outputs", "documents", "prompt_values"),
    ("messages",),
    ("partial_json",),
    ("partial_reader",),
    ("partial_string",),
    ("serializable", "ranking", "environment"),
    ("exceptions",),
)
"""Top to bottom; a layer imports only what stands below it. `a.b` stands for a.b, a.b_more and all inside a.b."""


def place(module: str) -> tuple[int, str] | None:
    """Return the layer of a module of runtime and the name it goes by there; None where design gives none."""
    tail = module.removeprefix("spanloom.runtime.")
    for number, layer in enumerate(LAYERS):
        for name in layer:
            if tail == name or tail.startswith((f"{name}.", f"{name}_")):
                return number, name
    return None


def upward_imports(sources: Sequence[Source]) -> Iterator[Offender]:
    """Yield imports that go up, and imports of one combinator by another."""
    for found, target in edges([s for s in sources if s.room == "runtime"]):
        here, there = place(found.source.module), place(target)
        if here is None or there is None or found.source.is_package:
            continue
        key = f"{found.source.module} -> {target}"
        if there[0] < here[0]:
            what = f"{here[1]} imports {target}, which stands above it"
            yield Offender(found.source.path, found.line, what, key)
        elif there[0] == here[0] and here[1] in COMBINATORS and here[1] != there[1]:
            what = f"{here[1]} imports {target}; combinators are independent of each other"
            yield Offender(found.source.path, found.line, what, key)


def unplaced(sources: Sequence[Source]) -> list[str]:
    """Return the modules of runtime for which design gives no layer, packages left out."""
    return sorted(s.module for s in sources if s.room == "runtime" and not s.is_package and place(s.module) is None)


def broken_contracts(root: Path) -> str:
    """Return what import-linter says of the contracts in `root`'s pyproject.toml; nothing when all are kept."""
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=root, capture_output=True, text=True, env=environment
    )
    return f"{done.stdout}{done.stderr}" if done.returncode else ""
