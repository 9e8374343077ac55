"""`spanloom traces`, `show` and `events`: what they find, how they filter, what they say when there is nothing."""

import json
import sqlite3

import pytest

from spanloom.exporters import FileSink, SpanData, SqliteStore, SqliteWriter, read_file
from spanloom.tracing import CallbackManager


def stored(trace_id):
    with SqliteStore() as store:
        return store.trace(trace_id)


def put(*spans, path=None):
    from spanloom.exporters import default_store_path

    writer = SqliteWriter(path or default_store_path())
    writer.export([*spans])
    writer.close()


def span(trace_id, **changes):
    values = {
        "trace_id": trace_id,
        "span_id": "00000000000000aa",
        "parent_span_id": None,
        "trace_state": "",
        "name": "step",
        "kind": "INTERNAL",
        "start_ns": 1_700_000_000_000_000_000,
        "end_ns": 1_700_000_001_500_000_000,
        "resource": {"service.name": "shop"},
    }
    return SpanData(**(values | changes))


def test_traces_are_listed_the_newest_first(spanloom, recorded):
    first, second = recorded("chain"), recorded("bad")
    done = spanloom("traces")
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["TRACE", "STARTED", "DURATION", "SPANS", "ERRORS", "NAME", "SERVICE"]
    assert [row.split()[0] for row in rows] == [second, first]
    assert rows[0].split()[-4:] == ["3", "2", "RunnableSequence", "app"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--errors"], ["bad"]),
        (["--tag", "night"], ["chain"]),
        (["--since", "1h"], ["bad", "chain"]),
        (["--limit", "1"], ["bad"]),
        (["--sort", "start"], ["bad", "chain"]),
        (["--service", "app"], ["bad", "chain"]),
    ],
)
def test_traces_can_be_chosen(spanloom, recorded, arguments, expected):
    ids = {"chain": recorded("chain", "--tag", "night"), "bad": recorded("bad")}
    lines = spanloom("traces", "--json", *arguments).stdout.splitlines()
    assert [json.loads(line)["trace_id"] for line in lines] == [ids[name] for name in expected]


def test_traces_can_be_sorted_by_duration(spanloom):
    put(span("a" * 32, end_ns=1_700_000_009_000_000_000), span("b" * 32, start_ns=1_700_000_001_000_000_000))
    rows = [line.split()[0][0] for line in spanloom("traces", "--sort", "duration").stdout.splitlines()[1:]]
    assert rows == ["a", "b"]
    rows = [line.split()[0][0] for line in spanloom("traces").stdout.splitlines()[1:]]
    assert rows == ["b", "a"]


def test_names_from_outside_send_no_control_characters_and_columns_stay_aligned(spanloom):
    put(
        span("a" * 32, name="\x1b[31mred"),
        span("b" * 32, name="你好", parent_span_id="00000000000000bb", start_ns=1 << 62, end_ns=1 << 62),
    )
    done = spanloom("traces")
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout
    assert "你好 (root missing)" in done.stdout


def test_lines_are_cut_where_the_width_is_known(spanloom, recorded, monkeypatch):
    trace_id = recorded()
    monkeypatch.setenv("COLUMNS", "40")
    for command in (["traces"], ["show", trace_id], ["events", trace_id]):
        assert max(map(len, spanloom(*command).stdout.splitlines())) == 40


@pytest.mark.parametrize("since", ["soon", "1y", "-1h", "1", ""])
def test_a_time_that_is_none_is_told(spanloom, since):
    done = spanloom("traces", "--since", since)
    assert done.exit_code == 2
    assert "write 30s, 10m, 1h, 2d or 1w" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_trace_that_fits_is_told(spanloom, recorded):
    recorded()
    done = spanloom("traces", "--tag", "nobody")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "No trace fits" in done.stderr


def test_a_trace_is_shown_by_its_id_a_run_id_a_beginning_or_as_the_last(spanloom, recorded):
    trace_id = recorded()
    run_id = stored(trace_id)[-1].run_id
    shown = spanloom("show", trace_id).stdout
    assert shown.splitlines()[0].startswith(f"trace {trace_id}  3 spans")
    assert "└─ RunnableSequence  chain" in shown
    for given in (["--last"], [run_id], [run_id.replace("-", "")], [trace_id[:12]], [run_id[:20]]):
        assert spanloom("show", *given).stdout == shown


def test_what_show_writes_as_json_is_read_again_as_a_file(spanloom, recorded, tmp_path):
    trace_id = recorded("bad")
    written = spanloom("show", trace_id, "--json").stdout
    (tmp_path / "spans.otlp.jsonl").write_text(written)
    assert spanloom("show", "--last", "--file", "spans.otlp.jsonl").stdout == spanloom("show", trace_id).stdout
    events = spanloom("events", trace_id, "--json").stdout
    assert spanloom("events", trace_id[:10], "--file", "spans.otlp.jsonl", "--json").stdout == events


@pytest.mark.parametrize("chain", ["chain", "both", "bad", "waits", "spelled"])
def test_the_lines_of_json_are_the_records(spanloom, recorded, chain):
    trace_id = recorded(chain)
    lines = spanloom("events", trace_id, "--json").stdout.splitlines()
    assert lines == [json.dumps(r, separators=(",", ":")) for r in CallbackManager.records(stored(trace_id))]
    assert lines


FILTERS = [
    (["--include-names", "greet"], {"include_names": ["greet"]}),
    (["--include-names", "greet,answer"], {"include_names": ["greet", "answer"]}),
    (["--include-names", "greet", "--include-names", "answer"], {"include_names": ["greet", "answer"]}),
    (
        ["--include-types", "chain", "--exclude-names", "answer"],
        {"include_types": ["chain"], "exclude_names": ["answer"]},
    ),
    (["--include-tags", "seq:step:1"], {"include_tags": ["seq:step:1"]}),
    (["--exclude-tags", "seq:step:1, seq:step:2"], {"exclude_tags": ["seq:step:1", "seq:step:2"]}),
    (["--exclude-types", "chat_model"], {"exclude_types": ["chat_model"]}),
]


@pytest.mark.parametrize(("arguments", "filters"), FILTERS)
def test_events_are_filtered_as_records_are(spanloom, recorded, arguments, filters):
    trace_id = recorded()
    lines = spanloom("events", trace_id, "--json", *arguments).stdout.splitlines()
    assert [json.loads(line) for line in lines] == list(CallbackManager.records(stored(trace_id), **filters))
    assert lines


def test_a_comma_inside_a_name_is_part_of_it(spanloom, recorded):
    recorded("both")
    names = {
        json.loads(line)["name"]
        for line in spanloom(
            "events", "--last", "--json", "--include-names", "RunnableParallel<a,b>,len"
        ).stdout.splitlines()
    }
    assert names == {"RunnableParallel<a,b>", "len"}


def test_the_stream_of_one_run_can_be_replayed(spanloom, recorded):
    trace_id = recorded()
    inner = next(span for span in stored(trace_id) if span.name == "answer")
    expected = list(CallbackManager.records(stored(trace_id), root_run_id=inner.run_id))
    for given in (inner.run_id, inner.run_id[:22]):
        lines = spanloom("events", trace_id, "--json", "--run", given).stdout.splitlines()
        assert [json.loads(line) for line in lines] == expected
    missing = spanloom("events", trace_id, "--run", "ff")
    assert (missing.exit_code, "has no run 'ff'" in missing.stderr) == (1, True)
    several = spanloom("events", trace_id, "--run", inner.run_id[:3])
    assert (several.exit_code, "fits several runs" in several.stderr) == (1, True)


def test_lines_for_readers_show_the_gist(spanloom, recorded):
    recorded("chain", "--no-stream")
    assert spanloom("events", "--last").stdout.splitlines() == [
        'on_chain_start        RunnableSequence  input="Ann"',
        'on_chain_start          greet  input="Ann"',
        'on_chain_end            greet  output=[HumanMessage("Greet Ann")] input="Ann"',
        'on_chain_start          answer  input=[HumanMessage("Greet Ann")]',
        'on_chain_end            answer  output=AIMessage("Hello Ann.") input=[HumanMessage("Greet Ann")]',
        'on_chain_end          RunnableSequence  output=AIMessage("Hello Ann.")',
    ]


def test_what_was_not_captured_is_said(spanloom, recorded):
    recorded("shout", "--capture", "structure", "--no-stream")
    assert "output=<str not captured>" in spanloom("events", "--last").stdout


def test_nothing_to_show_is_told_and_ends_with_1(spanloom, recorded):
    trace_id = recorded()
    put(span("c" * 32))
    for arguments, told in (
        (["events", trace_id, "--include-names", "nobody"], "No event fits the filters"),
        (["events", "c" * 32], "carry no journal"),
        (["show", "d" * 32], "no trace or run"),
    ):
        done = spanloom(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["show", "events"])
def test_which_trace_and_where_must_be_clear(spanloom, command):
    for arguments in ([], ["abc", "--last"], ["abc", "--store", "a", "--file", "b"]):
        done = spanloom(command, *arguments)
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["traces"], ["show", "abc"], ["events", "--last"]])
def test_a_store_that_cannot_be_read_is_told_in_one_line(spanloom, tmp_path, command):
    foreign = tmp_path / "foreign.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    (tmp_path / "text.db").write_text("some text")
    for path, told in (
        ("missing.db", "There is no span store"),
        (foreign, "of another program"),
        ("text.db", "is not a SQLite database"),
        (tmp_path, "is a folder"),
    ):
        done = spanloom(*command, "--store", path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["show", "events"])
def test_a_file_that_cannot_be_read_is_told_in_one_line(spanloom, tmp_path, command):
    (tmp_path / "notes.jsonl").write_text("my notes\n")
    for path, told in (("missing.jsonl", "cannot be read"), ("notes.jsonl", "line 1"), (tmp_path, "cannot be read")):
        done = spanloom(command, "--last", "--file", path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_line_that_was_cut_off_is_reported_and_the_rest_shown(spanloom, recorded, tmp_path):
    trace_id = recorded()
    whole = spanloom("show", trace_id, "--json").stdout
    (tmp_path / "cut.otlp.jsonl").write_text(whole + whole[:100])
    done = spanloom("show", "--last", "--file", "cut.otlp.jsonl")
    assert done.exit_code == 0
    assert "line 2 is cut off" in done.stderr
    assert "RunnableSequence" in done.stdout


@pytest.mark.parametrize("journal", ["{", '{"v": 9, "run": {}}', '{"v": 1, "run": {"id": 3}}'])
def test_a_journal_that_cannot_be_read_is_told(spanloom, journal):
    put(span("c" * 32, journal=journal))
    done = spanloom("events", "--last")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: A journal")
    assert len(done.stderr.splitlines()) == 1


def test_a_beginning_that_fits_several_traces_is_told(spanloom, tmp_path):
    spans = [span("ab" + "0" * 30), span("ab" + "1" * 30, span_id="00000000000000bb")]
    put(*spans)
    sink = FileSink(tmp_path / "spans.otlp.jsonl")
    sink.export(spans)
    sink.close()
    for place in ([], ["--file", "spans.otlp.jsonl"]):
        done = spanloom("show", "ab", *place)
        assert done.exit_code == 1
        assert "fits several traces" in done.stderr
        wrong = spanloom("show", "xyz", *place)
        assert (wrong.exit_code, "(0-9, a-f)" in wrong.stderr) == (1, True)
    assert len(list(read_file("spans.otlp.jsonl"))) == 2
