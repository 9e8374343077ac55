"""`spanloom run`: what is printed, what is recorded, how it fails."""

import json

import pytest

from spanloom.exporters import SqliteStore
from spanloom.tracing import names


def spans_by_name():
    with SqliteStore() as store:
        newest = store.last()
        return {span.name: span for span in store.trace(newest.trace_id)}


@pytest.mark.parametrize("stream", ["--stream", "--no-stream"])
@pytest.mark.parametrize(
    ("chain", "printed"),
    [
        ("shout", "ANN\n"),
        ("spelled", "ANN\n"),
        ("chain", "Hello Ann.\n"),
        ("make", "ANN\n"),
        ("waits", '{"x": "later ANN"}\n'),
        ("later", "later Ann\n"),
        ("streams_later", "Ann+\n"),
    ],
)
def test_a_chain_of_any_kind_prints_its_output_and_is_recorded(spanloom, program, chain, printed, stream):
    done = spanloom("run", f"{program}:{chain}", "--input", "Ann", stream)
    assert (done.exit_code, done.stdout) == (0, printed)
    with SqliteStore() as store:
        (summary,) = store.traces()
    assert summary.outcome == "ok"
    assert summary.service == "app"
    assert done.stderr == (
        f"trace {summary.trace_id}\n  spanloom show {summary.trace_id}\n  spanloom events {summary.trace_id}\n"
    )


def test_chunks_that_are_no_text_have_a_line_of_json_each(spanloom, program):
    streamed = spanloom("run", f"{program}:both", "--input", "Ann").stdout.splitlines()
    assert sorted(streamed) == ['{"a": "ANN"}', '{"b": 3}']
    whole = spanloom("run", f"{program}:mixed", "--input", "Ann", "--no-stream").stdout
    assert json.loads(whole) == {"a": "ANN", "b": 3}


def test_a_message_that_only_calls_tools_is_shown_as_json(spanloom, program):
    shown = json.loads(spanloom("run", f"{program}:tools", "--input", "x").stdout)
    assert shown["tool_calls"][0]["name"] == "add"


def test_documents_are_shown_as_json(spanloom, program):
    assert json.loads(spanloom("run", f"{program}:found", "--input", "x").stdout) == [
        {"$type": "Document", "page_content": "a text"}
    ]


def test_the_input_may_be_json_or_a_file_or_standard_input(spanloom, program, tmp_path):
    (tmp_path / "in.json").write_text('["a", "b"]')
    (tmp_path / "in.txt").write_text("text")
    chain = f"{program}:shout"
    assert spanloom("run", chain, "--input-json", '"quoted"').stdout == "QUOTED\n"
    assert spanloom("run", chain, "--input-file", tmp_path / "in.txt").stdout == "TEXT\n"
    assert spanloom("run", chain, "--input-file", "-", input="piped").stdout == "PIPED\n"
    failed = spanloom("run", chain, "--input-file", tmp_path / "in.json")
    assert "'list' object has no attribute 'upper'" in failed.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--input TEXT"),
        (["--input", "a", "--input-json", "1"], "--input TEXT"),
        (["--input-json", "{"], "--input-json is no JSON"),
        (["--input-file", "nowhere.txt"], "nowhere.txt"),
        (["--input", "a", "--metadata", "novalue"], "KEY=VALUE"),
    ],
)
def test_a_wrong_input_is_told_in_one_line_before_anything_runs(spanloom, program, tmp_path, arguments, told):
    done = spanloom("run", f"{program}:shout", *arguments)
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("target", "told", "code"),
    [
        ("{0}:nothing", "It has bad, both, chain,", 2),
        ("{0}", "Which chain of app.py?", 2),
        ("{0}:", "Which chain of app.py?", 2),
        ("app:chain", "give FILE.py:CHAIN", 2),
        ("nowhere.py:chain", "There is no file", 2),
        ("{0}:number", "number of app.py is no chain", 2),
        ("{0}:make_nothing", "it must return a runnable", 2),
        ("{0}:make_later", "it must return a runnable", 2),
        ("{0}:factory_fails", "KeyError: 'no key'", 1),
    ],
)
def test_a_chain_that_is_not_there_is_told_in_one_line(spanloom, program, tmp_path, target, told, code):
    done = spanloom("run", target.format(program), "--input", "x")
    assert done.exit_code == code
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import nowhere_to_be_found", "broken.py:1: ModuleNotFoundError"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "ended the program while it was imported"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_one_line(spanloom, tmp_path, text, told):
    (tmp_path / "broken.py").write_text(text)
    done = spanloom("run", "broken.py:chain", "--input", "x")
    assert done.exit_code == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_folder_of_the_file_can_be_imported_from(spanloom, tmp_path):
    (tmp_path / "beside_it.py").write_text("def shout(text): return text.upper()\n")
    (tmp_path / "inner.py").write_text("from beside_it import shout\n")
    assert spanloom("run", "inner.py:shout", "--input", "x").stdout == "X\n"


def test_a_failing_chain_prints_one_line_and_its_run_is_in_the_store(spanloom, program):
    done = spanloom("run", f"{program}:bad", "--input", "Ann")
    assert done.exit_code == 1
    line = next(n for n, text in enumerate(program.read_text().splitlines(), 1) if "raise ValueError" in text)
    assert done.stderr.splitlines()[0] == f"Error: app.py:{line}: ValueError: cannot take this"
    assert "Traceback" not in done.stderr
    spans = spans_by_name()
    assert {name: span.attributes[names.OUTCOME] for name, span in spans.items()} == {
        "RunnableSequence": "error",
        "shout": "ok",
        "broken": "error",
    }


def test_an_async_step_that_a_function_returns_needs_the_option(spanloom, program):
    blocked = spanloom("run", f"{program}:hidden", "--input", "Ann")
    assert blocked.exit_code == 1
    assert "Run it again with --async." in blocked.stderr
    assert spanloom("run", f"{program}:hidden", "--input", "Ann", "--async").stdout == "later Ann\n"


def test_tags_metadata_and_the_level_of_capture_reach_the_store(spanloom, program, tmp_path):
    path = tmp_path / "other dir" / "spans.db"
    arguments = ["--tag", "a", "--tag", "b", "--metadata", "user=ann", "--capture", "structure", "--store", path]
    done = spanloom("run", f"{program}:chain", "--input", "secret", *arguments)
    with SqliteStore(path) as store:
        (summary,) = store.traces(tag="a")
        spans = store.trace(summary.trace_id)
    assert f"spanloom show {summary.trace_id} --store '{path}'" in done.stderr
    assert all({"a", "b"} <= set(span.tags) for span in spans)
    assert spans[0].attributes[f"{names.METADATA_PREFIX}user"] == "ann"
    assert all("secret" not in (span.journal or "") for span in spans)
    assert all(span.journal for span in spans)


def test_the_service_has_the_name_that_the_variables_give(spanloom, program, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    spanloom("run", f"{program}:shout", "--input", "x")
    with SqliteStore() as store:
        assert store.services() == ["shop"]


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_SAMPLER", "always_off")])
def test_a_run_that_is_not_recorded_says_so(spanloom, program, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    done = spanloom("run", f"{program}:shout", "--input", "x")
    assert (done.exit_code, done.stdout) == (0, "X\n")
    assert "The run was not recorded" in done.stderr


def test_a_store_of_another_program_is_left_alone(spanloom, program, tmp_path):
    foreign = tmp_path / "notes.txt"
    foreign.write_text("my notes")
    done = spanloom("run", f"{program}:shout", "--input", "x", "--store", foreign)
    assert done.exit_code == 1
    assert "is not a SQLite database" in done.stderr
    assert foreign.read_text() == "my notes"


def test_a_program_that_configures_tracing_itself_keeps_its_settings(spanloom, tmp_path):
    (tmp_path / "own.py").write_text(
        "from spanloom.exporters import configure\n"
        "tracing = configure(service_name='mine', file='spans.otlp.jsonl')\n"
        "def shout(text):\n"
        "    tracing.shutdown()\n"
        "    return text.upper()\n"
    )
    done = spanloom("run", "own.py:shout", "--input", "x")
    assert done.exit_code == 0
    with SqliteStore() as store:
        assert store.services() == ["mine"]
