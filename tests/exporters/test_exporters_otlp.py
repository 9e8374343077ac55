import importlib.util
import logging
import os
import socket
import threading
import time

import pytest

from spanloom.exporters import (
    ConfigurationError,
    DeliveryError,
    MissingExtraError,
    OtlpSink,
    SpanEvent,
    SpanFormatError,
    SpanLink,
    from_otlp_protobuf,
)


@pytest.fixture
def send(receiver):
    made = []

    def make(**settings):
        made.append(OtlpSink(receiver.url, **settings))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


def test_spans_arrive_as_they_were_with_their_journal(receiver, send, make_span):
    root = make_span(name="größe 🎈", kind="CLIENT", trace_state="a=1", scope_version="1.0")
    spans = [
        root,
        make_span(
            parent_span_id=root.span_id,
            status="ERROR",
            status_message="boom",
            attributes={"s": "x", "i": -3, "f": 1.5, "b": True, "raw": b"\0\1", "l": ["a", "b"], "m": {"k": [1]}},
            events=(SpanEvent("went", 1_700_000_000_000_000_000, {"n": 1}),),
            links=(SpanLink("1" * 32, "2" * 16, "", {"why": "retry"}),),
            journal='{"v":1,"x":"' + "y" * 300_000 + '"}',
        ),
    ]
    send().export(spans)
    assert receiver.spans == spans
    assert receiver.requests[0]["path"] == "/v1/traces"
    headers = {name.lower(): value for name, value in receiver.requests[0]["headers"].items()}
    assert headers["content-type"] == "application/x-protobuf"


def test_headers_and_compression_reach_the_collector(receiver, send, make_span):
    send(headers={"Authorization": "Bearer x"}, compression="gzip").export([make_span()])
    headers = {name.lower(): value for name, value in receiver.requests[0]["headers"].items()}
    assert (headers["authorization"], headers["content-encoding"]) == ("Bearer x", "gzip")
    assert len(receiver.spans) == 1


def test_a_large_batch_goes_in_several_requests(receiver, send, make_span):
    spans = [make_span(attributes={"text": "x" * 1000}) for _ in range(50)]
    send(request_bytes=10_000).export(spans)
    assert receiver.spans == spans
    assert max(len(request["body"]) for request in receiver.requests) < 12_000
    assert len(receiver.requests) > 5


def test_one_span_too_large_for_the_collector_takes_no_other_along(receiver, send, make_span, caplog):
    receiver.largest_bytes = 5000
    spans = [make_span() for _ in range(9)]
    huge = make_span(attributes={"text": "x" * 6000})
    fat = make_span(journal="j" * 6000)
    with pytest.raises(DeliveryError, match="413") as error:
        send().export([*spans[:4], huge, *spans[4:], fat])
    assert error.value.failed_spans == 1
    assert {span.span_id for span in receiver.spans} == {span.span_id for span in [*spans, fat]}
    assert [span.journal for span in receiver.spans if span.span_id == fat.span_id] == [None]
    assert "without it" in caplog.text


@pytest.mark.parametrize(("status", "advice"), [(401, "HEADERS"), (404, "correct the endpoint"), (418, "log")])
def test_a_refusal_names_the_status_the_endpoint_and_what_to_do(receiver, send, make_span, caplog, status, advice):
    receiver.answers = [status]
    with pytest.raises(DeliveryError) as error:
        send().export([make_span()])
    text = str(error.value)
    assert str(status) in text
    assert receiver.url in text
    assert advice in text
    assert caplog.records == []


def test_what_may_pass_is_sent_again(receiver, send, make_span, caplog):
    receiver.answers = [503]
    send(timeout_s=20).export([make_span()])
    assert len(receiver.spans) == 1
    assert caplog.records == []


def test_a_dead_collector_is_one_error_that_names_it(make_span, caplog):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    sink = OtlpSink(url, timeout_s=0.2, request_bytes=10)
    with pytest.raises(DeliveryError, match="4318") as error:
        sink.export([make_span() for _ in range(20)])
    assert error.value.failed_spans == 20
    assert url in str(error.value)
    assert caplog.records == []
    sink.close()


def test_lines_that_others_log_through_the_official_exporter_stay_in_the_log(send, caplog):
    send()
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").warning("not ours")
    assert "not ours" in caplog.text


@pytest.mark.parametrize("url", ["", "localhost:4318", "ftp://x", "http://", "http://a b", "http://x:99999"])
def test_a_malformed_endpoint_is_refused_at_once(url):
    with pytest.raises(ConfigurationError, match="endpoint"):
        OtlpSink(url)


def test_an_unknown_compression_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="zstd"):
        OtlpSink("http://x", compression="zstd")


def test_a_missing_package_gives_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'spanloom\[otlp\]'"):
        OtlpSink("http://x")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_a_connection_of_its_own(receiver, send, make_span):
    sink = send()
    sink.export([make_span()])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sink.export([make_span(name="child")])
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    sink.export([make_span()])
    assert [span.name for span in receiver.spans] == ["step", "child", "step"]


@pytest.mark.parametrize("body", [b"\xff\xff", b"hello"])
def test_a_body_that_is_no_request_is_a_clear_error(body):
    with pytest.raises(SpanFormatError, match="OTLP"):
        list(from_otlp_protobuf(body))


def test_a_span_without_ids_is_a_clear_error():
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add().name = "x"
    with pytest.raises(SpanFormatError, match="'x'"):
        list(from_otlp_protobuf(request.SerializeToString()))


def test_a_hanging_collector_is_given_up_after_the_timeout(receiver, make_span):
    receiver.gate = threading.Event()
    sink = OtlpSink(receiver.url, timeout_s=0.2)
    began = time.monotonic()
    with pytest.raises(DeliveryError, match="no collector"):
        sink.export([make_span()])
    assert time.monotonic() - began >= 0.2
    receiver.gate.set()
    sink.close()
