import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from spanloom.exporters import SpanData, SpanEvent, SpanFormatError, SpanLink, from_otlp_json, to_otlp_json
from spanloom.exporters.span_data import from_readable, join_journal, split_journal
from spanloom.exporters.span_json import pack_values, unpack_values
from spanloom.tracing import names

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda key: not key.startswith(names.JOURNAL_PREFIX)
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)
attributes = st.dictionaries(keys, plain, max_size=4)
times = st.integers(1, 2**63 - 1)
hex_trace = st.integers(1, 2**128 - 1).map("{:032x}".format)
hex_span = st.integers(1, 2**64 - 1).map("{:016x}".format)
spans = st.builds(
    SpanData,
    trace_id=hex_trace,
    span_id=hex_span,
    parent_span_id=st.none() | hex_span,
    trace_state=st.sampled_from(["", "a=1", "a=1,b=2"]),
    name=texts,
    kind=st.sampled_from(["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]),
    start_ns=times,
    end_ns=times,
    status=st.sampled_from(["UNSET", "OK", "ERROR"]),
    status_message=texts,
    attributes=attributes,
    events=st.lists(st.builds(SpanEvent, texts, times, attributes), max_size=2).map(tuple),
    links=st.lists(st.builds(SpanLink, hex_trace, hex_span, st.just(""), attributes), max_size=2).map(tuple),
    resource=attributes,
    scope_name=texts,
    scope_version=texts,
    journal=st.none() | texts,
)


def by_id(found):
    return sorted(found, key=lambda span: (span.trace_id, span.span_id, span.name, repr(span)))


@settings(max_examples=60, deadline=None)
@given(st.lists(spans, max_size=4))
def test_spans_survive_otlp_json_and_back(given_spans):
    text = json.dumps(to_otlp_json(given_spans, piece_bytes=7), allow_nan=False)
    assert by_id(from_otlp_json(json.loads(text))) == by_id(given_spans)


@settings(max_examples=60, deadline=None)
@given(attributes)
def test_attributes_survive_being_packed_as_one_json_text(values):
    assert unpack_values(pack_values(values)) == values


@pytest.mark.parametrize(
    "value", [{"$bytes": "AA=="}, {"$float": "NaN"}, {"$map": {}}, {"$x": b"\0"}, {"a": {"$map": 1}}]
)
def test_values_that_look_like_our_marks_come_back_as_they_were(value):
    assert unpack_values(pack_values({"k": value, "$bytes": 1})) == {"k": value, "$bytes": 1}


def test_numbers_that_json_lacks_come_back(make_span):
    values = {"nan": math.nan, "inf": math.inf, "minus": -math.inf}
    (back,) = from_otlp_json(to_otlp_json([make_span(attributes=values)]))
    assert math.isnan(back.attributes["nan"])
    assert (back.attributes["inf"], back.attributes["minus"]) == (math.inf, -math.inf)
    assert math.isnan(unpack_values(pack_values(values))["nan"])


def test_a_whole_number_beyond_64_bits_travels_as_its_text(make_span):
    (back,) = from_otlp_json(to_otlp_json([make_span(attributes={"big": 2**70})]))
    assert back.attributes == {"big": str(2**70)}


def test_spans_are_grouped_by_resource_and_scope(make_span):
    document = to_otlp_json(
        [
            make_span(),
            make_span(scope_name="other"),
            make_span(resource={"service.name": "two"}),
            make_span(),
        ]
    )
    shape = [
        (
            group["resource"]["attributes"][0]["value"]["stringValue"],
            [(scoped["scope"]["name"], len(scoped["spans"])) for scoped in group["scopeSpans"]],
        )
        for group in document["resourceSpans"]
    ]
    assert shape == [("shop", [("spanloom", 2), ("other", 1)]), ("two", [("spanloom", 1)])]


def test_the_document_follows_the_json_rules_of_otlp(make_span):
    span = make_span(kind="CLIENT", status="ERROR", status_message="no", attributes={"n": 3, "raw": b"\xff"})
    (group,) = to_otlp_json([span])["resourceSpans"]
    (found,) = group["scopeSpans"][0]["spans"]
    assert found["kind"] == 3
    assert found["status"] == {"code": 2, "message": "no"}
    assert found["startTimeUnixNano"] == str(span.start_ns)
    assert found["attributes"] == [
        {"key": "n", "value": {"intValue": "3"}},
        {"key": "raw", "value": {"bytesValue": "/w=="}},
    ]


def test_what_other_writers_do_differently_is_read_too():
    document = {
        "resource_spans": [
            {
                "scope_spans": [
                    {
                        "spans": [
                            {
                                "trace_id": "0A" * 16,
                                "span_id": "0B" * 8,
                                "parent_span_id": "0000000000000000",
                                "name": "x",
                                "kind": "SPAN_KIND_SERVER",
                                "start_time_unix_nano": 5,
                                "status": {"code": "STATUS_CODE_ERROR"},
                                "attributes": [
                                    {"key": "n", "value": {"int_value": 7}},
                                    {"key": "b", "value": {"bytesValue": "_w"}},
                                ],
                            }
                        ]
                    }
                ]
            }
        ]
    }
    (span,) = from_otlp_json(document)
    assert (span.trace_id, span.parent_span_id, span.kind, span.status) == ("0a" * 16, None, "SERVER", "ERROR")
    assert (span.start_ns, span.end_ns, span.attributes) == (5, 5, {"n": 7, "b": b"\xff"})


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"resourceSpans": [3]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz", "spanId": "0b" * 8}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0a" * 16, "spanId": "00" * 8}]}]}]},
        {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0a" * 16, "spanId": "0b" * 8, "name": 3}]}]}]},
    ],
)
def test_a_document_of_another_shape_is_a_clear_error(document):
    with pytest.raises(SpanFormatError, match="expected|has"):
        list(from_otlp_json(document))


@settings(max_examples=80, deadline=None)
@given(texts | st.text(st.characters(max_codepoint=127), max_size=200), st.integers(4, 9))
def test_a_journal_survives_being_cut_and_joined(journal, piece_bytes):
    pieces = split_journal(journal, piece_bytes)
    assert all(len(piece.encode()) <= piece_bytes for piece in pieces.values())
    rest, joined = join_journal({**dict(reversed(pieces.items())), "own": 1})
    assert (rest, joined) == ({"own": 1}, journal)


def test_a_journal_with_a_missing_piece_is_no_journal():
    pieces = split_journal("x" * 30, 10)
    del pieces[f"{names.JOURNAL_PREFIX}1"]
    assert join_journal(pieces) == (pieces, None)


def test_a_journal_keeps_within_the_default_limit_of_tempo():
    assert max(map(len, split_journal("x" * 10_000).values())) <= 2048


def test_a_piece_too_small_for_any_character_is_refused():
    with pytest.raises(ValueError, match="at least 4"):
        split_journal("x", 3)


def test_an_sdk_span_becomes_plain_data():
    done = []

    class Keep:
        def on_start(self, span, parent_context=None): ...
        def _on_ending(self, span): ...
        def on_end(self, span):
            done.append(span)

        def shutdown(self): ...
        def force_flush(self, timeout_millis=0):
            return True

    provider = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(Keep())
    tracer = provider.get_tracer("scope", "1.2")
    other = SpanContext(1, 2, False, TraceFlags(1), TraceState([("a", "1")]))
    with tracer.start_as_current_span("outer") as outer:
        span = tracer.start_span(
            "größe \ud800", kind=SpanKind.CLIENT, links=[Link(other, {"why": "retry"})], start_time=10
        )
        span.set_attributes({"s": "é\udfff", "l": [1, 2], "m": {"k": (True,)}, "b": b"\1", "none": None})
        span.add_event("went", {"n": 1}, timestamp=12)
        span.set_status(Status(StatusCode.ERROR, "boom"))
        span.end(20)
    data = from_readable(done[0], "{}")
    assert data == SpanData(
        trace_id=f"{outer.get_span_context().trace_id:032x}",
        span_id=f"{span.get_span_context().span_id:016x}",
        parent_span_id=f"{outer.get_span_context().span_id:016x}",
        trace_state="",
        name="größe ?",
        kind="CLIENT",
        start_ns=10,
        end_ns=20,
        status="ERROR",
        status_message="boom",
        attributes={"s": "é?", "l": [1, 2], "m": {"k": [True]}, "b": b"\1", "none": None},
        events=(SpanEvent("went", 12, {"n": 1}),),
        links=(SpanLink(f"{1:032x}", f"{2:016x}", "a=1", {"why": "retry"}),),
        resource={"service.name": "shop"},
        scope_name="scope",
        scope_version="1.2",
        journal="{}",
    )
    assert from_readable(done[1]).resource is data.resource
