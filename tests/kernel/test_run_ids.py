"""Run ids: given, minted, reused, and how span and trace ids follow them."""

import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from spanloom.runtime.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import otel

CHAIN = RunnablePassthrough() | RunnableLambda(lambda value: value, name="step")
LOW = (1 << 64) - 1


@pytest.mark.parametrize("form", [UUID, str, lambda text: text.upper(), lambda text: "{" + text + "}"])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream", "astream_events"])
async def test_a_given_run_id_is_the_roots_id_and_its_trace_id(way: str, form: Any, spans: SpanRecorder) -> None:
    """As a UUID or in any text form of one; its span id is random, and its children's ids are minted."""
    given = uuid4()
    config: Any = {"run_id": form(str(given))}
    if way == "invoke":
        CHAIN.invoke(1, config)
    elif way == "stream":
        list(CHAIN.stream(1, config))
    elif way == "ainvoke":
        await CHAIN.ainvoke(1, config)
    elif way == "astream":
        assert [chunk async for chunk in CHAIN.astream(1, config)] == [1]
    else:
        records = [record async for record in CHAIN.astream_events(1, config, version="v2")]
        assert records[0]["run_id"] == records[-1]["run_id"] == str(given)
    root, step = spans.one("RunnableSequence"), spans.one("step")
    assert root.attributes["spanloom.run.id"] == str(given)
    assert root.trace_id == step.trace_id == given.int
    assert root.span_id != given.int & LOW
    assert step.attributes["spanloom.run.parent_id"] == str(given)
    assert step.span_id == UUID(step.attributes["spanloom.run.id"]).int & LOW


def test_minted_ids_are_version_7_and_found_in_the_spans_ids(spans: SpanRecorder) -> None:
    """A root's trace id is its run id; every span id is the end of a run id."""
    for _ in range(50):
        CHAIN.invoke(1)
    ids = [UUID(span.attributes["spanloom.run.id"]) for span in spans]
    assert len(set(ids)) == len({span.span_id for span in spans}) == 150
    for span, run_id in zip(spans, ids, strict=True):
        assert (run_id.version, run_id.variant) == (7, "specified in RFC 4122")
        assert span.span_id == run_id.int & LOW
        if span.parent_id is None:
            assert span.trace_id == run_id.int
    starts = sorted(spans, key=lambda span: span.span.start_time or 0)
    roots = [span.attributes["spanloom.run.id"] for span in starts if span.parent_id is None]
    assert roots == sorted(roots)


def test_the_nil_uuid_is_a_run_id_but_no_trace_id(spans: SpanRecorder) -> None:
    """OpenTelemetry forbids a trace id of zeros: the trace gets a random one."""
    CHAIN.invoke(1, {"run_id": UUID(int=0)})
    root = spans.one("RunnableSequence")
    assert root.attributes["spanloom.run.id"] == str(UUID(int=0))
    assert root.trace_id != 0
    assert root.span_id != 0
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert [r["run_id"] for r in spans.records(root_run_id=UUID(int=0))][0] == str(UUID(int=0))


@pytest.mark.parametrize("wrong", ["no id", "", 7, "1234", b"0" * 16, ["a"]], ids=repr)
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream", "astream_events"])
async def test_what_is_no_run_id_is_refused_before_the_run(way: str, wrong: Any, spans: SpanRecorder) -> None:
    """With a ValueError that says what to give."""
    config: Any = {"run_id": wrong}
    with pytest.raises(ValueError, match=r"give a uuid\.UUID or its text form"):
        if way == "invoke":
            CHAIN.invoke(1, config)
        elif way == "stream":
            list(CHAIN.stream(1, config))
        elif way == "ainvoke":
            await CHAIN.ainvoke(1, config)
        elif way == "astream":
            [chunk async for chunk in CHAIN.astream(1, config)]
        else:
            [record async for record in CHAIN.astream_events(1, config, version="v2")]
    assert spans.started == 0


def test_a_reused_run_id_is_several_runs_replayed_in_the_order_of_their_starts(spans: SpanRecorder) -> None:
    """Each with its own children."""
    given = uuid4()
    for value in ("first", "second"):
        CHAIN.invoke(value, {"run_id": given})
    records = spans.records(root_run_id=given)
    one = ["on_chain_start"] * 2 + ["on_chain_end", "on_chain_start", "on_chain_end", "on_chain_end"]
    assert [record["event"] for record in records] == one * 2
    assert [r["data"]["input"] for r in records if r["event"] == "on_chain_start"] == ["first"] * 3 + ["second"] * 3
    assert spans.records() == records
    roots = [span for span in spans if span.name == "RunnableSequence"]
    assert roots[0].span_id != roots[1].span_id


def test_a_root_inside_a_foreign_span_keeps_that_trace(spans: SpanRecorder) -> None:
    """Also when the foreign span is remote, or is not recorded; a span that is none changes nothing."""
    tracer = spans.provider.get_tracer("foreign")
    with tracer.start_as_current_span("foreign") as around:
        CHAIN.invoke(1)
    root = spans.one("RunnableSequence")
    assert root.trace_id == around.get_span_context().trace_id
    assert root.parent_id == around.get_span_context().span_id
    assert root.span_id == UUID(root.attributes["spanloom.run.id"]).int & LOW
    assert "spanloom.run.parent_id" not in root.attributes
    spans.clear()
    remote = trace.SpanContext(0xABC, 0xDEF, True, trace.TraceFlags(1))
    none = trace.NonRecordingSpan(trace.SpanContext(0, 0, False))
    for context, wanted in ((remote, 0xABC), (none.get_span_context(), None)):
        token = otel_context.attach(trace.set_span_in_context(trace.NonRecordingSpan(context)))
        CHAIN.invoke(1)
        otel_context.detach(token)
        root = spans.one("RunnableSequence")
        assert root.trace_id == (wanted or UUID(root.attributes["spanloom.run.id"]).int)
        spans.clear()


class Counting(IdGenerator):
    """A foreign generator: 1, 2, 3, ..."""

    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        return 1 << 100 | self.generate_span_id()


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_a_foreign_providers_id_generator_is_left_alone(way: str) -> None:
    """The run id is an attribute then; replay finds the run all the same."""
    generator = Counting()
    with SpanRecorder() as spans:
        provider = TracerProvider(id_generator=generator)
        provider.add_span_processor(spans)
        otel.use_provider(provider)
        if way == "invoke":
            CHAIN.invoke(1)
        elif way == "ainvoke":
            await CHAIN.ainvoke(1)
        elif way == "stream":
            list(CHAIN.stream(1))
        else:
            assert [chunk async for chunk in CHAIN.astream(1)] == [1]
        assert provider.id_generator is generator
        assert {span.span_id for span in spans} == {2, 3, 4}
        run_id = spans.one("RunnableSequence").attributes["spanloom.run.id"]
        assert spans.records(root_run_id=run_id)[0]["run_id"] == run_id


@pytest.mark.parametrize("kind", ["no SDK", "nothing sampled"])
async def test_runs_without_recorded_spans_work_and_stream(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Events are live all the same; there is nothing to replay, and no log line."""
    caplog.set_level(logging.INFO)
    with SpanRecorder(sampler=ALWAYS_OFF) as spans:
        if kind == "no SDK":
            otel.use_provider(trace.NoOpTracerProvider())
        assert CHAIN.invoke(1) == 1
        assert list(CHAIN.stream(1)) == [1]
        records = [record async for record in CHAIN.astream_events(1, version="v2")]
        assert len(records) == 9
        async for _ in RunnableGenerator(_many).astream("x"):
            break
        assert spans.records() == []
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert caplog.records == []


async def _many(chunks: Any) -> Any:
    async for chunk in chunks:
        for _ in range(50):
            yield chunk
