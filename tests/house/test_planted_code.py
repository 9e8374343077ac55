"""Each rule about code finds an offender planted for it, and lets its innocent twin pass."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from . import import_map, imports, layers, size, surface, twins
from .tree import ROOT, Offender, Source, planted

Rule = Callable[[list[Source]], Iterable[Offender]]


def found(rule: Rule, files: dict[str, str]) -> list[str]:
    return sorted(f"{o.path}:{o.line}" for o in rule(planted(files)))


def body(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


def test_a_long_file():
    assert found(size.long_files, {"runtime/a.py": "x = 1\n" * 401}) == ["runtime/a.py:401"]
    assert found(size.long_files, {"runtime/a.py": "x = 1\n" * 400}) == []


def test_a_long_function():
    assert found(size.long_functions, {"runtime/a.py": body(61)}) == ["runtime/a.py:1"]
    assert found(size.long_functions, {"runtime/a.py": body(60)}) == []
    told = 'class A:\n    async def f(self):\n        """Say\n\n        much.\n        """\n' + "        x = 1\n" * 60
    assert found(size.long_functions, {"runtime/a.py": told}) == ["runtime/a.py:2"]
    assert found(size.long_functions, {"runtime/a.py": told.removesuffix("        x = 1\n")}) == []


RING = {
    "runtime/__init__.py": "",
    "runtime/a.py": "from .b import x\n",
    "runtime/b.py": "import os\nfrom ..tracing import c\n",
    "tracing/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from spanloom.runtime.a import y\n",
    "tracing/d.py": "from .c import z\n",
}


def test_a_ring_of_imports_closed_by_a_type_only_import():
    assert found(imports.rings, RING) == ["runtime/a.py:1", "runtime/b.py:2", "tracing/c.py:3"]


def test_a_ring_closed_inside_a_function():
    files = {**RING, "tracing/c.py": "def f():\n    import spanloom.runtime.a\n"}
    assert found(imports.rings, files) == ["runtime/a.py:1", "runtime/b.py:2", "tracing/c.py:2"]


def test_a_package_that_imports_its_own_modules_is_no_ring():
    files = {"runtime/__init__.py": "from .a import x\nfrom . import a\n", "runtime/a.py": "from .b import y\n"}
    assert found(imports.rings, {**files, "runtime/b.py": ""}) == []
    assert found(imports.rings, {**files, "runtime/b.py": "from . import x\n"}) == [
        "runtime/__init__.py:1",
        "runtime/__init__.py:2",
        "runtime/a.py:1",
        "runtime/b.py:1",
    ]


def test_two_rings_are_told_apart():
    graph = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"c"}, "e": set[str]()}
    assert sorted(map(sorted, imports.components(graph))) == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize(
    ("path", "text", "broken"),
    [
        ("runtime/__init__.py", "", []),
        (
            "runtime/__init__.py",
            "import spanloom.exporters",
            ["Exporters and dashboards never see the runtime"],
        ),
        ("dashboards/__init__.py", "from ..runtime import x", ["Dashboards and runtime never see each other"]),
        (
            "tracing/a.py",
            "from .. import cli",
            ["The front door stands on dashboards", "The front door stands on runtime"],
        ),
    ],
)
def test_a_room_that_imports_the_wrong_room(path: str, text: str, broken: list[str], tmp_path: Path):
    pytest.importorskip("importlinter")
    house = tmp_path / "src" / "spanloom"
    for room in ("", "cli", "testing", "runtime", "tracing", "exporters", "dashboards"):
        (house / room).mkdir(parents=True, exist_ok=True)
        (house / room / "__init__.py").touch()
    (house / path).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    said = layers.broken_contracts(tmp_path)
    assert bool(said) == bool(broken)
    assert all(any(line.startswith(name) and "BROKEN" in line for line in said.splitlines()) for name in broken), said


def test_a_name_that_programs_import_and_a_module_that_are_not_there():
    assert import_map.missing_names("spanloom.tracing.names", {"RUN_ID", "NO_SUCH_NAME"}) == ["NO_SUCH_NAME"]
    assert import_map.not_built("spanloom.tracing.names") == ""
    assert import_map.not_built("spanloom.nowhere") == "spanloom.nowhere does not exist"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("runtime/runnables/config.py", "from .retry import x\n", 1),
        ("runtime/messages/chunks.py", "\nfrom ..runnables.graph import x\n", 2),
        ("runtime/runnables/base.py", "from .composed import x\n", 1),
        ("runtime/runnables/retry.py", "from .fallbacks import x\n", 1),
        ("runtime/language_models/base.py", "from .chat_models import x\n", 1),
        ("runtime/runnables/base_running.py", "from . import composed\n", 1),
    ],
)
def test_an_import_that_goes_up(path: str, text: str, line: int):
    assert found(layers.upward_imports, {**ROOM, path: text}) == [f"{path}:{line}"]


ROOM = dict.fromkeys(
    [
        "runtime/runnables/retry.py",
        "runtime/runnables/graph.py",
        "runtime/runnables/composed.py",
        "runtime/runnables/fallbacks.py",
        "runtime/runnables/base_streaming.py",
        "runtime/language_models/chat_models.py",
        "runtime/messages/message.py",
        "runtime/caches.py",
    ],
    "",
)


def test_imports_that_go_down_or_stay_in_a_layer_pass():
    innocent = {
        "runtime/runnables/retry.py": "from .composed import x\nfrom ..messages.message import y\n",
        "runtime/runnables/base.py": "from .base_streaming import x\nfrom ..caches import y\n",
        "runtime/runnables/__init__.py": "from .retry import x\nfrom .fallbacks import y\n",
    }
    assert found(layers.upward_imports, {**ROOM, **innocent}) == []
    assert layers.unplaced(planted({**ROOM, **innocent})) == ["spanloom.runtime.caches"]


@pytest.mark.parametrize(
    "text",
    [
        "def f(): ...\n",
        "__all__ = ['f', 'g']\ndef f(): ...\n",
        "__all__ = ['g', 'f']\ndef f(): ...\ndef g(): ...\n",
        "__all__ = ['f', 'f']\ndef f(): ...\n",
        "__all__ = ['f', 'A']\ndef f(): ...\nclass A: ...\n",
        "__all__ = ['A', 'B1']\nclass A: ...\nB1 = 1\n",
        "x = ['f']\n__all__ = x\ndef f(): ...\n",
        "__all__ = ['f']\nfrom .b import f\nx = 1\n",
        "__all__ = ['f', 'g']\nfrom .b import f\n",
        "__all__ = []\nfrom .b import f\n",
        "__all__ = ['f']\nif 1:\n    def f(): ...\nelse:\n    def g(): ...\n",
    ],
)
def test_an_all_that_is_not_what_is_public(text: str):
    assert found(surface.wrong_all, {"runtime/a.py": text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("runtime/a.py", "import os\n_x = 1\ndef _f(): ...\n"),
        ("runtime/a.py", "__all__ = ['B1', 'A', 'a2', 'a10']\nB1: int = 1\nclass A: ...\na2, a10 = 1, 2\n"),
        ("runtime/a.py", "from typing import TypeVar\nT = TypeVar('T')\n"),
        ("runtime/a.py", "__all__ = ['T']\nfrom typing import TypeVar\nT = TypeVar('T')\n"),
        ("runtime/a.py", "from .b import f, g as _g\nfrom os import path\n__all__ = ['f']\n"),
        ("runtime/a.py", "from opentelemetry.trace import Span\n__all__ = ['Span', 'f']\ndef f(): ...\n"),
        ("runtime/__init__.py", "from .b import f\n__all__ = ['f', 'g']\ndef g(): ...\n"),
        ("runtime/__init__.py", "from .b import A, f\n__all__ = ['f']\nA.slot = f\n"),
        ("runtime/a.py", "from .b import f\n__all__ = ['f', 'g']\ndef g(): ...\n"),
        ("runtime/__init__.py", "__all__ = ['later']\ndef __getattr__(name): ...\n"),
        ("src/spanloom/__init__.py", "__all__ = ['__version__']\n__version__ = '1'\n"),
    ],
)
def test_an_all_that_is_right_passes(path: str, text: str):
    assert found(surface.wrong_all, {path: text}) == []


def test_what_has_no_docstring():
    text = 'class A:\n    def f(self): ...\n    class B:\n        async def g(self):\n            """Say."""\n'
    text += "def h(): ...\n"
    assert found(surface.undocumented, {"runtime/a.py": text}) == [f"runtime/a.py:{n}" for n in (1, 1, 2, 3, 6)]
    private = '"""Say."""\ndef _f(): ...\nclass _A:\n    def f(self): ...\n'
    exempt = 'class A:\n    """Say."""\n    @override\n    def f(self): ...\n    @f.setter\n    def f(self, x): ...\n'
    assert found(surface.undocumented, {"runtime/a.py": private + exempt}) == []


RAISES = '''
def f(x):
    """Do it.

    Args:
        x: What.

    Raises:
        TypeError: If that,
            or ValueError: in prose.
        KeyError, module.LookupError: If those.
    """
    if x:
        raise TypeError(x)
    if x is None:
        raise KeyError from None
    raise %s
'''


@pytest.mark.parametrize("error", ["OSError(x)", "OSError", "errors.SpanError(x) from None"])
def test_an_error_that_the_docstring_does_not_tell(error: str):
    assert found(surface.untold_errors, {"runtime/a.py": RAISES % error}) == ["runtime/a.py:17"]


@pytest.mark.parametrize("error", ["TypeError", "LookupError(x)", "x", "", "x.error"])
def test_an_error_that_is_told_or_has_no_name_passes(error: str):
    assert found(surface.untold_errors, {"runtime/a.py": RAISES % error}) == []


def test_errors_of_inner_and_private_functions_pass():
    text = 'def f():\n    """Do."""\n    def g():\n        raise OSError\n    return g\ndef _h():\n    raise OSError\n'
    assert found(surface.untold_errors, {"runtime/a.py": text}) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports.sdk_outside_exporters, "tracing/otel.py", "from opentelemetry.sdk.trace import SpanProcessor\n"),
        (imports.sdk_outside_exporters, "dashboards/a.py", "from opentelemetry import sdk\n"),
        (imports.api_outside_its_files, "runtime/a.py", "def f():\n    from opentelemetry import trace\n"),
        (imports.api_outside_its_files, "tracing/events/stream.py", "import opentelemetry.trace as t\n"),
        (imports.rooms_by_bare_name, "tests/test_a.py", "from runtime.runnables import Runnable\n"),
        (imports.rooms_by_bare_name, "benchmarks/a.py", "import exporters\n"),
        (imports.langchain_outside_benchmarks, "tests/test_a.py", "from langchain_core.runnables import chain\n"),
        (imports.langchain_outside_benchmarks, "runtime/a.py", "import langchain\n"),
        (imports.clockwork_in_combinators, "runtime/runnables/retry.py", "import asyncio.tasks\n"),
        (imports.clockwork_in_combinators, "runtime/runnables/each.py", "from time import sleep\n"),
    ],
)
def test_an_import_out_of_place(rule: Rule, path: str, text: str):
    assert len(found(rule, {path: text})) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports.sdk_outside_exporters, "exporters/a.py", "from opentelemetry.sdk.trace import SpanProcessor\n"),
        (imports.sdk_outside_exporters, "src/spanloom/a.py", "import opentelemetry.sdk\n"),
        (imports.sdk_outside_exporters, "tracing/otel.py", "from opentelemetry.trace import Span\n"),
        (imports.api_outside_its_files, "tracing/otel.py", "from opentelemetry.trace import Span\n"),
        (imports.rooms_by_bare_name, "tests/test_a.py", "from spanloom.runtime import a\nfrom ..runtime import b\n"),
        (imports.langchain_outside_benchmarks, "benchmarks/a.py", "import langchain_core\n"),
        (imports.clockwork_in_combinators, "runtime/runnables/io_loop.py", "import asyncio\n"),
        (imports.clockwork_in_combinators, "runtime/models/a.py", "import time\n"),
    ],
)
def test_an_import_in_its_place_passes(rule: Rule, path: str, text: str):
    assert found(rule, {path: text}) == []


TWINS = '''
class A:
    def run(self, x):
        """Run."""
        with self.lock:
            for y in self.iter(x):
                z = self.call(y)
                if z:
                    self.keep(z)
        return x

    async def arun(self, x):
        """Run, async."""
        async with self.lock:
            async for y in self.aiter(x):
                z = await self.acall(y)
                if z:
                    self.%s(z)
        return x
'''


def test_a_method_written_twice():
    assert found(twins.twins, {"runtime/a.py": TWINS % "keep"}) == ["runtime/a.py:12"]
    assert found(twins.twins, {"runtime/a.py": TWINS % "drop"}) == []


def test_a_short_twin_passes():
    text = "".join(f"    {form}f(self):\n        x = 1\n        return x\n" for form in ("def ", "async def a"))
    assert found(twins.twins, {"runtime/a.py": f"class A:\n{text}"}) == []
