import json
import os
import socket
import subprocess
import sys
import threading

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from spanloom.exporters import (
    ConfigurationError,
    ForeignStoreError,
    RunIdGenerator,
    SqliteStore,
    configure,
    read_file,
)
from spanloom.exporters.environment import CAPTURE_VARIABLE
from spanloom.tracing import RunScope, journal, names, otel, replay

pytestmark = pytest.mark.usefixtures("clean_global")


def end_spans(number=1, tracer=None):
    for at in range(number):
        (tracer or trace.get_tracer("t")).start_span(f"s{at}").end()


def run_program(code, *arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        env={**clean, **variables},
        capture_output=True,
        text=True,
        check=True,
    )


def test_with_nothing_asked_spans_are_made_and_go_nowhere():
    with configure() as tracing:
        assert trace.get_tracer("t").start_span("s").is_recording()
        assert tracing.health() == {}
        assert tracing.flush(0)
    assert tracing.provider is trace.get_tracer_provider()


def test_without_a_provider_ours_is_made_global_with_ids_that_follow_the_runs(sink):
    with configure(service_name="shop", exporter=sink, capture="content") as tracing:
        assert isinstance(trace.get_tracer_provider().id_generator, RunIdGenerator)
        scope = RunScope("step", "chain")
        scope.begin({"x": 1})
        scope.finish({"y": 2})
        assert tracing.flush()
    (span,) = sink.spans
    assert span.service == "shop"
    assert span.trace_id == span.run_id.replace("-", "")
    assert span.span_id == span.trace_id[16:]
    assert json.loads(span.journal)["run"]["id"] == span.run_id


def test_an_application_s_provider_is_used_and_never_replaced(sink, caplog):
    own = TracerProvider(shutdown_on_exit=False)
    trace.set_tracer_provider(own)
    with configure(exporter=sink) as tracing:
        assert tracing.provider is own is trace.get_tracer_provider()
        assert type(own.id_generator) is RandomIdGenerator
        end_spans(3)
    assert len(sink.spans) == 3
    assert caplog.records == []
    configure(service_name="ignored", exporter=sink).shutdown()
    assert "no effect" in caplog.text
    own.shutdown()


def test_a_provider_that_is_given_is_used_for_our_spans_and_not_made_global(provider, sink):
    with configure(provider=provider, exporter=sink) as tracing:
        assert tracing.provider is provider
        scope = RunScope("step", "chain")
        scope.begin(1)
        scope.finish(2)
        assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert [span.name for span in sink.spans] == ["step"]
    assert otel._Source.given is None


def test_a_provider_that_takes_no_processors_is_a_clear_error(sink):
    trace.set_tracer_provider(trace.NoOpTracerProvider())
    with pytest.raises(ConfigurationError, match="takes no span processors"):
        configure(exporter=sink)
    with pytest.raises(ConfigurationError, match="given"):
        configure(provider=trace.NoOpTracerProvider(), exporter=sink)


def test_the_same_destination_is_added_once(tmp_path, provider, receiver):
    asked = {"provider": provider, "store": tmp_path / "s.db", "file": tmp_path / "s.jsonl", "endpoint": receiver.url}
    first = configure(**asked)
    second = configure(**asked, console=True)
    end_spans(2, provider.get_tracer("t"))
    assert second.flush()
    second.shutdown()
    end_spans(1, provider.get_tracer("t"))
    first.shutdown()
    assert [health.exported for health in first.health().values()] == [3, 3, 3]
    assert len(list(read_file(tmp_path / "s.jsonl"))) == 3
    assert len(receiver.spans) == 3
    again = configure(**asked)
    end_spans(1, provider.get_tracer("t"))
    again.shutdown()
    assert len(list(read_file(tmp_path / "s.jsonl"))) == 4


def test_each_destination_gets_its_capture_level(tmp_path, receiver):
    tracing = configure(
        endpoint=receiver.url, store=tmp_path / "s.db", file=tmp_path / "s.jsonl", store_capture="chunks"
    )
    scope = RunScope("step", "chain")
    scope.begin("secret in")
    scope.chunk("secret chunk")
    scope.finish("secret out")
    tracing.shutdown()
    (stored,) = SqliteStore(tmp_path / "s.db").trace(scope.run.id)
    (filed,) = read_file(tmp_path / "s.jsonl")
    (sent,) = receiver.spans
    assert stored.journal == filed.journal
    assert stored.journal.count("secret") >= 3
    assert "secret" not in sent.journal
    assert len(json.loads(sent.journal)["entries"]) == len(json.loads(stored.journal)["entries"]) == 3
    assert journal.current_level() == -1


@pytest.mark.parametrize(("given", "level"), [({}, 1), ({"capture": "structure"}, 0), ({"capture": "chunks"}, 2)])
def test_the_capture_variable_counts_unless_an_argument_is_given(monkeypatch, sink, given, level):
    monkeypatch.setenv(CAPTURE_VARIABLE, "true")
    with configure(exporter=sink, **given):
        assert journal.current_level() == level


@pytest.mark.parametrize(
    ("given", "variables", "names"),
    [
        ({}, {}, []),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, ["otlp:http://c:1/v1/traces"]),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/x"}, ["otlp:http://c:1/x"]),
        ({}, {"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp:http://localhost:4318/v1/traces"]),
        ({}, {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, []),
        ({}, {"OTEL_TRACES_EXPORTER": "console,none"}, ["console"]),
        ({"exporter": "none"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, []),
        ({"exporter": "otlp"}, {"OTEL_TRACES_EXPORTER": "none"}, ["otlp:http://localhost:4318/v1/traces"]),
        ({"exporter": ["otlp", "console"], "console": True}, {}, ["otlp:http://localhost:4318/v1/traces", "console"]),
        ({"endpoint": "http://d:2"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:1"}, ["otlp:http://d:2/v1/traces"]),
        ({"exporter": "otlp"}, {"OTEL_SDK_DISABLED": "true"}, []),
    ],
)
def test_arguments_go_before_variables(monkeypatch, given, variables, names):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with configure(**given) as tracing:
        assert list(tracing.health()) == names


@pytest.mark.parametrize(
    "wrong",
    [
        {"endpoint": "localhost:4318"},
        {"exporter": "zipkin"},
        {"exporter": ["otlp", 3]},
        {"exporter": "console", "endpoint": "http://c:1"},
        {"capture": "all"},
        {"console": True, "store_capture": "some"},
    ],
)
def test_a_wrong_argument_is_an_error_at_once_and_leaves_no_trace(wrong):
    with pytest.raises(ConfigurationError):
        configure(**wrong)
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert journal.current_level() == -1


def test_a_protocol_we_do_not_speak_is_an_error_that_names_its_variable(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    configure().shutdown()
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        configure(exporter="otlp")


def test_a_store_that_cannot_be_opened_leaves_no_half_configured_program(tmp_path, sink):
    (tmp_path / "notes").write_text("dear diary")
    with pytest.raises(ForeignStoreError):
        configure(exporter=sink, store=tmp_path / "notes")
    assert sink.closed == 1
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert journal.current_level() == -1


def test_our_provider_takes_the_sampler_and_the_resource(sink):
    with configure(exporter=sink, sampler=ALWAYS_OFF, resource=Resource({"a": "b"}), service_name="shop") as tracing:
        assert dict(tracing.provider.resource.attributes) == {"a": "b", "service.name": "shop"}
        end_spans(2)
    assert sink.spans == []


def test_the_resource_variables_count(monkeypatch, sink):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=blue,service.name=no")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    with configure(exporter=sink, resource={"zone": "z"}):
        end_spans()
    resource = sink.spans[0].resource
    assert (resource["team"], resource["service.name"], resource["zone"]) == ("blue", "shop", "z")


def test_the_sampler_variable_counts(monkeypatch, sink):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.0")
    with configure(exporter=sink):
        end_spans(5)
    assert sink.spans == []


def test_a_dead_collector_does_not_hurt_the_program_or_the_other_destinations(tmp_path, caplog, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    tracing = configure(endpoint=url, store=tmp_path / "s.db")
    for _ in range(3):
        end_spans(10)
        assert not tracing.flush(30)
    tracing.shutdown()
    sent, stored = tracing.health().values()
    assert (sent.failed, sent.exported) == (30, 0)
    assert (stored.failed, stored.exported) == (0, 30)
    (record,) = caplog.records
    assert url in record.getMessage()
    assert "Start one, or correct the endpoint" in record.getMessage()


def test_a_flush_ends_in_time_when_a_collector_hangs(tmp_path, receiver):
    receiver.gate = threading.Event()
    tracing = configure(endpoint=receiver.url, store=tmp_path / "s.db")
    end_spans(4)
    assert receiver.entered.wait(30)
    assert tracing.flush(0.05) is False
    assert tracing.health()[f"otlp:{receiver.url}/v1/traces"].queued == 4
    receiver.gate.set()
    assert tracing.flush(30)
    tracing.shutdown()
    assert [health.exported for health in tracing.health().values()] == [4, 4]


def test_instrumented_clients_are_told_not_to_trace_the_delivery(provider):
    from opentelemetry import context

    seen = []

    class Looks:
        def export(self, spans):
            seen.append(context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY))

        def close(self): ...

    with configure(provider=provider, exporter=Looks()):
        end_spans(1, provider.get_tracer("t"))
    assert seen == [True]
    assert context.get_value(context._SUPPRESS_INSTRUMENTATION_KEY) is None


def test_what_is_queued_is_delivered_when_the_process_exits(tmp_path):
    code = (
        "import sys\n"
        "from opentelemetry import trace\n"
        "from spanloom.exporters import configure\n"
        "configure(store=sys.argv[1])\n"
        "for _ in range(100): trace.get_tracer('t').start_span('s').end()\n"
    )
    run_program(code, tmp_path / "s.db")
    assert len(SqliteStore(tmp_path / "s.db").traces(limit=1000)) == 100


def test_a_hanging_collector_does_not_keep_the_process_from_exiting(tmp_path, receiver):
    receiver.gate = threading.Event()
    code = (
        "import sys\n"
        "import spanloom.exporters.exit as exit\n"
        "exit.REMOTE_S = 0.2\n"
        "from opentelemetry import trace\n"
        "from spanloom.exporters import configure\n"
        "configure(endpoint=sys.argv[1], store=sys.argv[2])\n"
        "trace.get_tracer('t').start_span('s').end()\n"
    )
    run_program(code, receiver.url, tmp_path / "s.db")
    assert len(SqliteStore(tmp_path / "s.db").traces()) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_deliver_their_spans(tmp_path, method):
    (tmp_path / "program.py").write_text(
        "import multiprocessing, sys\n"
        "from opentelemetry import trace\n"
        "from spanloom.exporters import configure\n"
        "def work(path):\n"
        "    configure(store=path)\n"
        "    trace.get_tracer('t').start_span('child').end()\n"
        "if __name__ == '__main__':\n"
        "    path, method = sys.argv[1:]\n"
        "    configure(store=path)\n"
        "    trace.get_tracer('t').start_span('parent').end()\n"
        "    child = multiprocessing.get_context(method).Process(target=work, args=(path,))\n"
        "    child.start(); child.join()\n"
        "    trace.get_tracer('t').start_span('parent').end()\n"
        "    sys.exit(child.exitcode)\n"
    )
    code = (
        "import runpy, sys\nsys.argv = [sys.argv[1], *sys.argv[2:]]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    if method == "spawn":
        subprocess.run([sys.executable, str(tmp_path / "program.py"), str(tmp_path / "s.db"), method], check=True)
    else:
        run_program(code, tmp_path / "program.py", tmp_path / "s.db", method)
    found = sorted(summary.name for summary in SqliteStore(tmp_path / "s.db").traces())
    assert found == ["child", "parent", "parent"]


def test_importing_the_package_loads_neither_the_sdk_nor_a_client():
    code = (
        "import sys, spanloom.exporters\n"
        "heavy = [m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter', 'requests', "
        "'httpx', 'boto3', 'structlog', 'sqlite3'))]\n"
        "assert not heavy, heavy\n"
        "for name in spanloom.exporters.__all__: getattr(spanloom.exporters, name)\n"
        "assert callable(spanloom.exporters.configure)\n"
        "assert set(spanloom.exporters.__all__) <= set(dir(spanloom.exporters))\n"
    )
    run_program(code)


def test_an_unknown_name_is_the_usual_error():
    import spanloom.exporters

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        spanloom.exporters.nothing  # noqa: B018


def test_the_run_s_facts_reach_the_store(tmp_path):
    with configure(store=tmp_path / "s.db", service_name="shop") as tracing:
        outer = RunScope("outer", "chain")
        outer.begin(1)
        outer.finish(2)
        assert tracing.flush()
        summary = SqliteStore(tmp_path / "s.db").last()
        assert summary is not None
        assert (summary.name, summary.run_type, summary.outcome, summary.service) == ("outer", "chain", "ok", "shop")
        assert summary.run_id == outer.run.id.replace("-", "")
    assert names.RUN_ID in SqliteStore(tmp_path / "s.db").run_spans(outer.run.id)[0].attributes


def test_every_destination_gives_back_a_trace_that_replays_the_same(tmp_path, receiver):
    with configure(endpoint=receiver.url, store=tmp_path / "s.db", file=tmp_path / "s.jsonl", capture="chunks"):
        outer = RunScope("outer", "chain", tags=("größe",))
        outer.begin({"text": "x" * 5000})
        inner = outer.context.run(lambda: RunScope("inner", "prompt", parent=outer))
        inner.begin("🎈")
        for scope in (inner, outer):
            scope.chunk("a longer chunk " * 20)
        inner.finish("out")
        outer.finish("out")
    stored = list(replay(SqliteStore(tmp_path / "s.db").trace(outer.run.id)))
    assert [record["event"] for record in stored] == [
        "on_chain_start",
        "on_prompt_start",
        "on_prompt_stream",
        "on_chain_stream",
        "on_prompt_end",
        "on_chain_end",
    ]
    assert list(replay(read_file(tmp_path / "s.jsonl"))) == stored
    assert list(replay(receiver.spans)) == stored
