import random
from uuid import UUID

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_OFF, DEFAULT_ON, ParentBased

from spanloom.exporters import (
    ConfigurationError,
    RunIdGenerator,
    RunRatioSampler,
    parent_based_ratio,
    sampler_from_environment,
)
from spanloom.tracing.ids import WANTED, new_id


@pytest.fixture
def tracer():
    provider = TracerProvider(id_generator=RunIdGenerator(), shutdown_on_exit=False)
    yield provider.get_tracer("t")
    provider.shutdown()


def test_a_root_gets_the_ids_it_wants_and_the_next_span_random_ones(tracer):
    WANTED.set((77, 88))
    context = tracer.start_span("a").get_span_context()
    assert (context.trace_id, context.span_id) == (77, 88)
    other = tracer.start_span("b").get_span_context()
    assert other.trace_id not in (0, 77)
    assert other.span_id not in (0, 88)


def test_a_child_takes_its_parents_trace_and_the_span_id_it_wants(tracer):
    parent = tracer.start_span("a")
    WANTED.set((77, 88))
    child = tracer.start_span("b", trace.set_span_in_context(parent)).get_span_context()
    assert (child.trace_id, child.span_id) == (parent.get_span_context().trace_id, 88)
    assert WANTED.get() is None


def test_zero_stands_for_any_id(tracer):
    WANTED.set((0, 0))
    context = tracer.start_span("a").get_span_context()
    assert context.is_valid


def test_a_program_that_seeds_random_gets_new_ids_all_the_same(tracer):
    random.seed(1)
    one = tracer.start_span("a").get_span_context()
    random.seed(1)
    other = tracer.start_span("a").get_span_context()
    assert one.trace_id != other.trace_id
    assert one.span_id != other.span_id


@pytest.mark.parametrize(("wanted", "random_bits"), [(new_id(), True), (UUID(int=5).int, False), (0, True)])
def test_a_trace_id_is_marked_random_only_when_its_low_bits_are(tracer, wanted, random_bits):
    WANTED.set((wanted, 1))
    assert tracer.start_span("a").get_span_context().trace_flags.random_trace_id is random_bits


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.5, 0.9])
def test_the_ratio_sampler_keeps_its_share_of_traces_named_after_runs(ratio):
    draw = random.Random(f"{ratio}")
    sampler = RunRatioSampler(ratio)
    ids = [(n << 80) | 0x7000 << 64 | 0x8000 << 48 | draw.getrandbits(62) for n in range(20_000)]
    kept = sum(sampler.should_sample(None, trace_id, "x").decision.is_sampled() for trace_id in ids)
    assert kept / len(ids) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_the_ratio_sampler_keeps_its_share_of_new_run_ids(ratio):
    sampler = RunRatioSampler(ratio)
    kept = sum(sampler.should_sample(None, new_id(), "x").decision.is_sampled() for _ in range(20_000))
    assert kept / 20_000 == pytest.approx(ratio, abs=0.02)


def test_nothing_and_everything_are_ratios_too():
    ids = [0, 1, (1 << 56) - 1, (1 << 128) - 1]
    assert not any(RunRatioSampler(0).should_sample(None, i, "x").decision.is_sampled() for i in ids)
    assert all(RunRatioSampler(1).should_sample(None, i, "x").decision.is_sampled() for i in ids)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_a_ratio_outside_its_range_is_refused(ratio):
    with pytest.raises(ConfigurationError, match="0 to 1"):
        RunRatioSampler(ratio)


def test_a_sampled_span_keeps_its_attributes_and_a_dropped_one_none():
    assert RunRatioSampler(1).should_sample(None, 1, "x", attributes={"a": 1}).attributes == {"a": 1}
    assert RunRatioSampler(0).should_sample(None, 1, "x", attributes={"a": 1}).attributes == {}


def test_the_parent_based_ratio_follows_the_parent():
    provider = TracerProvider(sampler=parent_based_ratio(0), shutdown_on_exit=False)
    sampled = trace.SpanContext(1, 2, True, trace.TraceFlags(1))
    child = provider.get_tracer("t").start_span("a", trace.set_span_in_context(trace.NonRecordingSpan(sampled)))
    assert child.is_recording()
    assert not provider.get_tracer("t").start_span("b").is_recording()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", DEFAULT_ON),
        ("always_on", ALWAYS_ON),
        ("always_off", ALWAYS_OFF),
        ("parentbased_always_on", DEFAULT_ON),
        ("PARENTBASED_ALWAYS_OFF", DEFAULT_OFF),
    ],
)
def test_the_standard_samplers_are_those_of_the_sdk(name, expected):
    assert sampler_from_environment({"OTEL_TRACES_SAMPLER": name}) is expected


def test_the_ratio_samplers_of_the_environment_are_ours():
    plain = sampler_from_environment({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"})
    based = sampler_from_environment({"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"})
    assert plain.get_description() == "RunRatioSampler{0.25}"
    assert isinstance(based, ParentBased)
    assert "root:RunRatioSampler{1.0}" in based.get_description()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OTEL_TRACES_SAMPLER": "jaeger_remote"}, "OTEL_TRACES_SAMPLER "),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"}, "OTEL_TRACES_SAMPLER_ARG"),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "OTEL_TRACES_SAMPLER_ARG"),
    ],
)
def test_a_bad_sampler_variable_is_named(variables, named):
    with pytest.raises(ConfigurationError, match=named):
        sampler_from_environment(variables)
