import os
import sqlite3
import stat
import subprocess
import sys
import threading

import pytest

from spanloom.exporters import (
    AmbiguousIdError,
    ConfigurationError,
    ForeignStoreError,
    SpanEvent,
    SpanLink,
    SpanStore,
    SqliteStore,
    SqliteWriter,
    StoreError,
    TraceQuery,
    default_store_path,
)
from spanloom.exporters.store.schema import APPLICATION_ID
from spanloom.tracing import names

SECOND = 1_000_000_000
RUN = "0199a3b4-5c6d-7e8f-90a1-b2c3d4e5f607"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "spans.db"


@pytest.fixture
def writer(path):
    made = SqliteWriter(path)
    yield made
    made.close()


@pytest.fixture
def store(writer, path):
    made = SqliteStore(path)
    yield made
    made.close()


@pytest.fixture
def trace_of(make_span):
    """A trace of a root and a child: its number is its trace id and its start in seconds."""

    def make(number, *, service="shop", tags=(), error=False, took_ms=10, name="chain", **attributes):
        trace_id = f"{number:032x}"
        start = number * SECOND
        facts = {names.RUN_TAGS: list(tags), **attributes} if tags else attributes
        common = {"trace_id": trace_id, "resource": {"service.name": service}, "start_ns": start}
        root = make_span(name=name, end_ns=start + took_ms * 1_000_000, attributes=facts, **common)
        child = make_span(
            name="step",
            parent_span_id=root.span_id,
            end_ns=start + 1,
            attributes=facts,
            status="ERROR" if error else "UNSET",
            **common,
        )
        return [child, root]

    return make


def ids(summaries):
    return [int(summary.trace_id, 16) for summary in summaries]


def test_spans_come_back_as_they_were(writer, store, make_span):
    root = make_span(
        name="größe 🎈",
        trace_state="a=1",
        kind="CLIENT",
        status="ERROR",
        status_message="boom",
        attributes={"s": "x", "i": 3, "f": 1.5, "raw": b"\0", "m": {"$map": 1}, "none": None},
        events=(SpanEvent("went", 5, {"n": [1]}),),
        links=(SpanLink("1" * 32, "2" * 16, "b=2", {"why": "retry"}),),
        resource={"service.name": "größe", "raw": b"\1"},
        scope_version="1",
        journal='{"v":1}',
    )
    child = make_span(parent_span_id=root.span_id)
    writer.export([child, root])
    assert store.trace(root.trace_id) == [root, child]


def test_a_span_that_is_stored_already_changes_nothing(writer, store, trace_of):
    spans = trace_of(1, tags=["a"], error=True)
    assert writer.store(spans) == 2
    assert writer.store([*spans, *spans]) == 0
    summary = store.last()
    assert summary is not None
    assert (summary.span_count, summary.error_count) == (2, 1)
    assert len(store.trace("1".zfill(32))) == 2


def test_a_trace_is_summed_up_from_spans_in_any_order(writer, store, make_span):
    root = make_span(name="root", start_ns=100, end_ns=900, attributes={names.RUN_TYPE: "chain", names.OUTCOME: "ok"})
    early = make_span(name="early", parent_span_id=root.span_id, start_ns=50, end_ns=60, status="ERROR")
    late = make_span(name="late", parent_span_id=root.span_id, start_ns=200, end_ns=1000)
    seen = []
    for span in (late, early, root):
        writer.export([span])
        summary = store.last()
        assert summary is not None
        seen.append(
            (
                summary.name,
                summary.start_ns,
                summary.end_ns,
                summary.span_count,
                summary.error_count,
                summary.is_complete,
            )
        )
    assert seen == [
        ("late", 200, 1000, 1, 0, False),
        ("early", 50, 1000, 2, 1, False),
        ("root", 50, 1000, 3, 1, True),
    ]
    assert summary.run_type == "chain"
    assert summary.outcome == "ok"
    assert summary.duration_ns == 950


def test_a_root_run_below_a_remote_span_gives_its_trace_the_name(writer, store, make_span):
    inner = make_span(
        name="inner", parent_span_id="a" * 16, start_ns=1, attributes={names.RUN_ID: RUN, names.RUN_PARENT_ID: RUN}
    )
    outer = make_span(name="outer", parent_span_id="b" * 16, start_ns=9, attributes={names.RUN_ID: RUN})
    writer.export([inner])
    writer.export([outer])
    summary = store.last()
    assert summary is not None
    assert (summary.name, summary.is_complete) == ("outer", False)


def test_traces_are_listed_by_every_condition(writer, store, trace_of):
    for spans in (
        trace_of(1, tags=["a"], took_ms=500),
        trace_of(2, service="bank", tags=["a", "b"], error=True),
        trace_of(3, tags=["b"], name="other"),
    ):
        writer.export(spans)
    assert ids(store.traces()) == [3, 2, 1]
    assert ids(store.traces(limit=1)) == [3]
    assert ids(store.traces(service="shop")) == [3, 1]
    assert ids(store.traces(tag="a")) == [2, 1]
    assert ids(store.traces(tag="a", service="shop")) == [1]
    assert ids(store.traces(name="other")) == [3]
    assert ids(store.traces(errors_only=True)) == [2]
    assert ids(store.traces(since_ns=2 * SECOND)) == [3, 2]
    assert ids(store.traces(until_ns=2 * SECOND)) == [1]
    assert ids(store.traces(min_duration_ms=100)) == [1]
    assert ids(store.traces(max_duration_ms=100)) == [3, 2]
    assert ids(store.traces(sort="oldest")) == [1, 2, 3]
    assert ids(store.traces(sort="slowest", limit=1)) == [1]
    assert ids(store.traces(sort="errors", limit=1)) == [2]
    assert len(store.traces(sort="spans")) == 3
    assert ids(store.search(TraceQuery(tag="b", sort="oldest"))) == [2, 3]


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"sort": "random"}])
def test_a_query_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        TraceQuery(**wrong)


def test_a_trace_is_found_by_its_id_a_run_id_or_the_beginning_of_one(writer, store, trace_of):
    writer.export(trace_of(0xAAAA << 100, **{names.RUN_ID: RUN}))
    writer.export(trace_of(0xAABB << 100))
    trace_id = f"{0xAAAA << 100:032x}"
    for given in (trace_id, trace_id.upper(), trace_id[:8], RUN, RUN.replace("-", ""), RUN[:10], RUN.upper()):
        assert store.find(given) == trace_id
    assert len(store.trace(RUN)) == 2
    assert store.find("f" * 32) is None
    assert store.find("f00") is None
    assert store.trace("f00") == []
    with pytest.raises(AmbiguousIdError, match="more digits"):
        store.find("000aa")
    for wrong in ("", "xyz", "a" * 33):
        with pytest.raises(StoreError, match="id is"):
            store.find(wrong)


def test_a_run_id_used_again_is_several_runs_in_start_order(writer, store, trace_of):
    for number in (2, 1):
        writer.export(trace_of(number, **{names.RUN_ID: RUN})[1:])
    assert [span.trace_id for span in store.run_spans(RUN)] == [f"{1:032x}", f"{2:032x}"]
    assert store.find(RUN) == f"{2:032x}"


def test_services_and_operations_are_known(writer, store, trace_of):
    writer.export([*trace_of(1), *trace_of(2, service="bank", name="pay")])
    assert store.services() == ["bank", "shop"]
    assert store.operations("bank") == [("pay", "INTERNAL"), ("step", "INTERNAL")]
    assert [name for name, _ in store.operations()] == ["chain", "pay", "step"]


def test_a_store_can_be_followed(writer, store, trace_of):
    now, spans = store.after(-1)
    assert (now, spans) == (0, [])
    first = trace_of(1)
    writer.export(first)
    cursor, spans = store.after(now)
    assert spans == first
    assert store.after(cursor) == (cursor, [])
    writer.export(trace_of(2))
    assert [len(store.after(cursor, limit=1)[1]), len(store.after(cursor)[1])] == [1, 2]
    assert store.after(-1)[0] == cursor + 2


def test_an_empty_store_has_no_last_trace(store):
    assert store.last() is None
    assert store.summary("0" * 32) is None


def test_numbers_that_sqlite_cannot_hold_do_no_harm(writer, store, make_span):
    writer.export([make_span(start_ns=2**64 - 1, end_ns=2**64 - 1), make_span()])
    assert len(store.trace(make_span().trace_id)) == 2


def test_a_burst_of_spans_is_stored_whole(path, provider, clean_global):
    from spanloom.exporters import configure

    with configure(provider=provider, store=path) as tracing:
        tracer = provider.get_tracer("t")
        for _ in range(5000):
            tracer.start_span("s").end()
        assert tracing.flush(60)
        (health,) = tracing.health().values()
    assert (health.exported, health.lost, health.queued) == (5000, 0, 0)
    assert len(SqliteStore(path).traces(limit=10_000)) == 5000


WRITE = """
import sys
from spanloom.exporters import SpanData, SqliteWriter
path, number = sys.argv[1], int(sys.argv[2])
writer = SqliteWriter(path)
for batch in range(20):
    writer.export([
        SpanData(f"{n + 1:032x}", f"{number:08x}{batch * 50 + n:08x}", None, "", "s", "INTERNAL", 1, 2,
                 resource={"service.name": f"service {number}"}, attributes={"text": "x" * 500})
        for n in range(50)
    ])
writer.close()
"""


def test_processes_write_one_store_while_another_reads_it(path):
    running = [subprocess.Popen([sys.executable, "-c", WRITE, str(path), str(n)]) for n in (1, 2, 3)]
    counts, problems = [], []
    while any(process.poll() is None for process in running):
        if path.exists():
            try:
                with SqliteStore(path) as store:
                    counts.append(sum(summary.span_count for summary in store.traces(limit=1000)))
            except StoreError as error:  # made, but its tables are not there yet
                problems.append(str(error))
    assert [process.wait() for process in running] == [0, 0, 0]
    assert counts == sorted(counts)
    assert all("is empty" in problem for problem in problems)
    with SqliteStore(path) as store:
        assert sum(summary.span_count for summary in store.traces(limit=1000)) == 3000
        assert store.services() == ["service 1", "service 2", "service 3"]


def test_a_writer_waits_for_another_process_to_let_go(writer, store, path, make_span):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writer._open().execute("PRAGMA busy_timeout = 0")
    let_go = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    let_go.start()
    writer.export([make_span()])
    let_go.join()
    other.close()
    assert len(store.traces()) == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_a_connection_of_its_own(writer, store, make_span):
    writer.export([make_span()])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            writer.export([make_span(span_id="c" * 16)])
            writer.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    writer.export([make_span(span_id="d" * 16)])
    assert len(store.trace(make_span().trace_id)) == 3


def test_a_batch_is_stored_whole_or_not_at_all(writer, store, make_span):
    writer.export([make_span()])
    broken = make_span(kind=object(), resource={"service.name": "new"})
    with pytest.raises(StoreError, match="could not be written"):
        writer.export([make_span(resource={"service.name": "new"}), broken])
    assert len(store.trace(make_span().trace_id)) == 1
    after = make_span(resource={"service.name": "new"})
    writer.export([after])
    assert store.trace(after.trace_id)[-1] == after


def test_the_file_carries_our_mark_and_grows_in_wal_mode(writer, path):
    found = sqlite3.connect(path)
    assert found.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    found.close()


@pytest.mark.parametrize("opened", [SqliteWriter, SqliteStore])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, opened):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 100)
    with pytest.raises(ForeignStoreError, match="not a SQLite database"):
        opened(path)
    assert path.read_text() == "dear diary, " * 100


@pytest.mark.parametrize("opened", [SqliteWriter, SqliteStore])
def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path, opened):
    path = tmp_path / "contacts.db"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE people (name)")
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(ForeignStoreError, match="another program"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("opened", [SqliteWriter, SqliteStore])
def test_a_store_of_a_later_version_is_refused(writer, path, opened):
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(StoreError, match="Upgrade spanloom"):
        opened(path)


@pytest.mark.parametrize("opened", [SqliteWriter, SqliteStore])
def test_a_folder_is_no_store(tmp_path, opened):
    with pytest.raises(StoreError, match="is a folder"):
        opened(tmp_path)


def test_a_store_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(StoreError, match="There is no span store"):
        SqliteStore(tmp_path / "none.db")


def test_a_damaged_store_is_a_clear_error(tmp_path):
    path = tmp_path / "bad.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    for opened in (SqliteWriter, SqliteStore):
        with pytest.raises(StoreError, match="cannot be used"):
            opened(path)


def test_a_path_below_a_file_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="folder"):
        SqliteWriter(tmp_path / "file" / "spans.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_that_may_not_be_written_is_a_clear_error(writer, path):
    writer.close()
    path.chmod(stat.S_IREAD)
    path.parent.chmod(stat.S_IREAD | stat.S_IEXEC)
    try:
        with pytest.raises(StoreError, match="cannot be used"):
            SqliteWriter(path)
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_a_closed_store_says_so(writer, path):
    store = SqliteStore(path)
    store.close()
    with pytest.raises(StoreError, match="cannot be read"):
        store.traces()


def test_a_store_may_be_read_from_many_threads(writer, path, trace_of):
    for number in range(1, 20):
        writer.export(trace_of(number))
    reader: SpanStore = SqliteStore(path)
    found = []
    threads = [threading.Thread(target=lambda n=n: found.append(len(reader.trace(f"{n:032x}")))) for n in range(1, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader.close()
    assert found == [2] * 19


def test_the_default_path_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_store_path() == tmp_path / "spanloom" / "spans.db"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_store_path() == tmp_path / ".local" / "state" / "spanloom" / "spans.db"
