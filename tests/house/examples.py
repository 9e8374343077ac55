"""Examples run: Python blocks of Markdown files, one namespace for each file, and docstrings."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .tree import Offender, Source

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_NO_RUN = re.compile(r"<!--\s*no-run(?P<colon>:)?\s*(?P<reason>.*?)\s*-->\s*$")
_TOP_LEVEL_AWAIT = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT: a reader's notebook and `python -m asyncio` take it


@dataclass(frozen=True)
class Block:
    """A fenced Python block: where it starts, what it says, and why it is not run, if so."""

    path: str
    line: int
    code: str
    no_run: str | None = None


def blocks(path: str, text: str) -> Iterator[Block]:
    """Yield the blocks fenced as ```python, in order."""
    lines = text.splitlines()
    number = 0
    last = ""
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        if opening is None:
            last = lines[number] if lines[number].strip() else last
            number += 1
            continue
        start = number + 1
        end = start
        while end < len(lines) and lines[end].strip() != opening["fence"]:
            end += 1
        if opening["info"].split()[:1] == ["python"]:
            marked = _NO_RUN.search(last)
            indent = len(opening["indent"])
            code = "\n".join(line[indent:] if line[:indent].isspace() else line for line in lines[start:end])
            yield Block(path, start + 1, code, marked["reason"] if marked else None)
        last = ""
        number = end + 1


def run_blocks(found: list[Block]) -> Iterator[Offender]:
    """Run the blocks of one file in order in one namespace; what fails, and a `no-run` without a reason, is yielded."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in found:
        if block.no_run is not None:
            if not block.no_run:
                yield Offender(block.path, block.line, "no-run needs a reason: <!-- no-run: why -->", block.path)
            continue
        try:
            _run(block, namespace)
        except (Exception, SystemExit) as err:
            frames = [f for f in traceback.extract_tb(err.__traceback__) if f.filename == block.path]
            line = (
                getattr(err, "lineno", None) if isinstance(err, SyntaxError) else frames[-1].lineno if frames else None
            )
            yield Offender(block.path, line or block.line, f"{type(err).__name__}: {err}", block.path)


def _run(block: Block, namespace: dict[str, Any]) -> None:
    padded = "\n" * (block.line - 1) + block.code
    code: CodeType = compile(padded, block.path, "exec", flags=_TOP_LEVEL_AWAIT)
    result = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(result)


def run_docstrings(s: Source) -> Iterator[Offender]:
    """Import a module and run the examples in its docstrings."""
    try:
        module = importlib.import_module(s.module)
    except Exception as err:
        yield Offender(s.path, 1, f"cannot be imported: {type(err).__name__}: {err}", s.path)
        return
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, s.module):
        said: list[str] = []
        if test.examples and runner.run(test, out=said.append, clear_globs=True).failed:
            yield Offender(s.path, (test.lineno or 0) + 1, f"{test.name}: {''.join(said)}", f"{s.path}::{test.name}")
