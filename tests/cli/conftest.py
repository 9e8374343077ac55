"""A clean process for each test of the command: no variables, no provider, a store and a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from opentelemetry import trace
from opentelemetry.util._once import Once

from spanloom.cli.app import app
from spanloom.exporters import SqliteStore
from spanloom.tracing import otel

PROGRAM = """
import asyncio
from spanloom.runtime.documents import Document
from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.runtime.runnables import RunnableGenerator, RunnableLambda, RunnableParallel

def shout(text):
    return text.upper()

def greet(text):
    return [HumanMessage(f"Greet {text}")]

def answer(messages):
    return AIMessage("Hello Ann.")

def broken(text):
    raise ValueError("cannot take\\nthis")

async def later(text):
    await asyncio.sleep(0)
    return f"later {text}"

def letters(chunks):
    for chunk in chunks:
        yield from chunk

async def pairs(chunks):
    async for chunk in chunks:
        yield chunk
        yield "+"

def many(text):
    for number in range(3000):
        yield f"word{number}\\n"

def returns_async(text):
    return RunnableLambda(later)

def make():
    return RunnableLambda(shout)

def make_nothing():
    return 3

async def make_later():
    return RunnableLambda(shout)

def factory_fails():
    raise KeyError("no key")

spelled = RunnableLambda(shout) | RunnableGenerator(letters)
chain = RunnableLambda(greet) | RunnableLambda(answer)
both = RunnableParallel(a=shout, b=len)
mixed = {"a": shout, "b": len}
bad = RunnableLambda(shout) | broken
waits = RunnableLambda(shout) | {"x": later}
streams_later = RunnableGenerator(pairs)
long = RunnableLambda(many)
hidden = RunnableLambda(returns_async)
tools = RunnableLambda(lambda _: AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}]))
found = RunnableLambda(lambda _: [Document("a text")])
number = 3
"""


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the variables, the store or the provider of another."""
    for name in [*os.environ]:
        if name.startswith("OTEL_") or name in ("NO_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    otel.use_provider(None)
    yield
    otel.use_provider(None)
    for name in set(sys.modules) - before:
        if not name.startswith(("spanloom.", "opentelemetry")) and str(tmp_path) in str(
            getattr(sys.modules[name], "__file__", None)
        ):
            del sys.modules[name]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file with chains of all kinds."""
    path = tmp_path / "app.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.fixture
def spanloom() -> Callable[..., Result]:
    """The command, in this process."""

    def call(*arguments: Any, **options: Any) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False, **options)

    return call


@pytest.fixture
def recorded(spanloom: Callable[..., Result], program: Path) -> Callable[..., str]:
    """Run a chain and return the id of its trace."""

    def record(chain: str = "chain", *arguments: Any) -> str:
        spanloom("run", f"{program}:{chain}", "--input", "Ann", *arguments)
        with SqliteStore() as store:
            newest = store.last()
        assert newest is not None
        return newest.trace_id

    return record


@pytest.fixture
def command() -> list[str]:
    """The command as a process of its own."""
    return [sys.executable, "-W", "error", "-m", "spanloom.cli"]


@pytest.fixture
def process(command: list[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command as a process of its own."""

    def call(*arguments: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False)

    return call
