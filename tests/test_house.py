"""The house rules. Each test names one rule and lists every place that breaks it.

A rule yields to the documented interface; such an exception stands in `EXCEPTIONS` with its reason, under the rule's
name and the key that the failing test prints.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from .house import examples, holding, import_map, imports, layers, rows, size, surface, twins, wheel, words
from .house.tree import ROOT, Offender, every_python_file, library, repository_files

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "combinators import no asyncio, threading, time": {
        "runtime/runnables/events.py: asyncio": "the live stream runs its producer as a task; it is no combinator",
        "runtime/runnables/pulling.py: asyncio": "part of the loop driver",
        "runtime/runnables/runs.py: asyncio": "the drivers of streaming runs; no combinator",
        "runtime/runnables/threads.py: threading": "the worker threads that the drivers use",
    },
}
"""Rule -> key of an offender -> why it may stay. One that excuses nobody any more fails the test."""

DOCUMENTS = sorted(p for p in repository_files() if p in ("README.md", "CONTRIBUTING.md") or p.startswith("docs/"))


def hold(rule: str, offenders: Iterable[Offender]) -> None:
    holding.hold(rule, offenders, EXCEPTIONS)


def test_no_file_is_longer_than_400_lines():
    hold("no file is longer than 400 lines", size.long_files(library()))


def test_no_function_is_longer_than_60_lines():
    hold("no function is longer than 60 lines, its docstring left out", size.long_functions(library()))


def test_no_ring_of_imports():
    hold("no import ring between modules, type-only imports counted", imports.rings(library()))


def test_the_layer_contracts_hold():
    pytest.importorskip("importlinter")
    broken = layers.broken_contracts(ROOT)
    assert not broken, f"the rooms stand on each other in one order:\n{broken}"


def test_inside_runtime_imports_go_down_only(record_property: Callable[[str, object], None]):
    record_property("runtime modules without a layer", " ".join(layers.unplaced(library())))
    hold("inside runtime, a layer imports only what stands below it", layers.upward_imports(library()))


def test_all_lists_what_is_public():
    hold("__all__ is sorted and equals the public names", surface.wrong_all(library()))


def test_every_public_name_is_documented():
    hold("every public module, class, function and method has a docstring", surface.undocumented(library()))


def test_every_raised_error_is_told():
    hold("every error raised by name stands under `Raises:`", surface.untold_errors(library()))


def test_the_opentelemetry_sdk_stays_in_exporters_and_the_front_door():
    hold("only exporters and the front door import the OpenTelemetry SDK", imports.sdk_outside_exporters(library()))


def test_the_opentelemetry_api_stays_in_three_files():
    hold(f"in tracing and runtime only {', '.join(imports.API_FILES)} import OpenTelemetry", _api_offenders())


def _api_offenders() -> Iterable[Offender]:
    return imports.api_outside_its_files(library())


def test_names_on_the_wire_stand_in_one_table():
    hold("names on the wire live in tracing/names.py", words.wire_names(library()))


def test_the_rooms_are_never_imported_by_their_bare_names():
    hold("runtime, tracing, exporters, dashboards are imported below spanloom", _bare_names())


def _bare_names() -> Iterable[Offender]:
    return imports.rooms_by_bare_name(every_python_file())


def test_langchain_is_imported_in_benchmarks_only():
    hold("langchain is never imported outside benchmarks", imports.langchain_outside_benchmarks(every_python_file()))


def test_combinators_know_no_loop_thread_or_clock():
    hold("combinators import no asyncio, threading, time", imports.clockwork_in_combinators(library()))


def test_no_method_is_written_twice():
    hold("no method is written twice, once with async", twins.twins(library()))


def test_the_text_names_no_machine_registry_or_issue():
    texts = {path: _text(path) for path in repository_files()}
    hold("no path of one machine, registry host or issue number in the repository", words.places(texts))


def _text(path: str) -> str:
    return (ROOT / path).read_bytes().decode("utf-8", errors="replace")


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.endswith(".md")])
def test_every_python_block_of_a_document_runs(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    hold("every Python block of README.md and docs runs", examples.run_blocks(list(examples.blocks(path, _text(path)))))


@pytest.mark.parametrize("module", sorted(s.module for s in library()))
def test_every_example_in_a_docstring_runs(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (source,) = (s for s in library() if s.module == module)
    hold("every module can be imported and its examples run", examples.run_docstrings(source))


def test_tests_name_only_rows_of_the_checklist(record_property: Callable[[str, object], None]):
    tests = [s for s in every_python_file() if s.room == "tests"]
    known, proved = rows.all_rows(), rows.proved(tests)
    record_property("rows without a test", " ".join(row for row in known if row not in proved))
    hold("a test names only rows that the checklist has", rows.unknown_rows(tests, known))


def test_the_checklist_is_whole():
    counts: dict[str, int] = {}
    for row in rows.all_rows():
        counts[row.split(".")[0]] = counts.get(row.split(".")[0], 0) + 1
    assert counts == {"B1": 24, "B2": 5, "B3": 21, "G": 16, "S": 21, "M": 28, "C": 37, "X": 20}


@pytest.mark.parametrize("tail", import_map.IMPORT_MAP)
def test_names_that_programs_import_are_there(tail: str):
    name = f"spanloom.runtime.{tail}"
    reason = import_map.not_built(name)
    if reason and not import_map.COMPLETE:
        pytest.skip(f"{reason} yet")
    missing = import_map.missing_names(name, import_map.IMPORT_MAP[tail])
    assert not missing, f"{name} must offer what programs import from it: {', '.join(missing)}"


@pytest.mark.e2e
def test_the_wheel_holds_every_file_once_and_every_module_imports(tmp_path: Path):
    paths = repository_files()
    wheel.copy_repository(paths, tmp_path / "project")
    built = wheel.build(tmp_path / "project", tmp_path / "dist")
    problems = list(wheel.wheel_problems(wheel.names_in(built), paths))
    assert not problems, "the wheel holds every module:\n" + "\n".join(problems)
    assert wheel.import_everything(built, tmp_path / "venv") == wheel.modules(paths)
