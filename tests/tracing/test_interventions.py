"""What a guardrail's intervention leaves: span events, a log record, measurements; and what it must not leave."""

import json
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from spanloom.runtime.exceptions import GuardrailInterventionError
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import encode, interventions, names
from spanloom.tracing.interventions import Assessment, Intervention
from spanloom.tracing.scope import CURRENT

from .measuring import points

SECRET = "jane@example.org"

MASKED = Intervention(
    component="Some Guardrail",
    action="INTERVENED",
    guardrail_id="gr-1",
    guardrail_version="7",
    arn="arn:gr-1",
    origin="REQUEST",
    source="INPUT",
    action_reason="Guardrail masked.",
    assessments=(
        Assessment(policy="sensitive_information", rule="EMAIL", action="ANONYMIZED", detected=True, match=SECRET),
        Assessment(policy="sensitive_information", rule="EMAIL", action="ANONYMIZED", detected=True, match="b@c.de"),
        Assessment(policy="content", rule="HATE", action="BLOCKED", confidence="HIGH"),
        Assessment(policy="contextual_grounding", rule="GROUNDING", action="NONE", score=0.9, threshold=0.5),
    ),
    latency_ms=250,
    units={"contentPolicyUnits": 2, "topicPolicyUnits": 0},
    trace={"raw": SECRET},
)

SHARED = {
    "gen_ai.guardrail.component.name": "Some Guardrail",
    "gen_ai.guardrail.policy.id": "gr-1",
    "gen_ai.guardrail.policy.version": "7",
    "gen_ai.guardrail.source": "INPUT",
    "gen_ai.guardrail.result.reason": "Guardrail masked.",
    "spanloom.guardrail.action": "INTERVENED",
    "spanloom.guardrail.arn": "arn:gr-1",
    "spanloom.guardrail.origin": "REQUEST",
}


def recorded(intervention: Intervention, level: str = "structure") -> Any:
    """Return the span of a run in which the intervention happened.

    Args:
        intervention: The intervention.
        level: The capture level.
    """
    with SpanRecorder(level) as spans:
        model: Any = RunnableLambda(lambda _: interventions.record(CURRENT.get(), intervention))
        model.with_config(run_name="model").invoke(1)
        return spans.one("model").span


def test_each_finding_is_an_event_of_the_span_and_findings_that_look_alike_are_one() -> None:
    """The events tell the provider's own words; two masked addresses are one event with their number."""
    span = recorded(MASKED)
    assert [event.name for event in span.events] == ["gen_ai.guardrail.result"] * 3
    assert [dict(event.attributes or {}) for event in span.events] == [
        {
            **SHARED,
            "spanloom.guardrail.policy.kind": "sensitive_information",
            "gen_ai.guardrail.policy.rule.id": "EMAIL",
            "gen_ai.guardrail.result.type": "action",
            "gen_ai.guardrail.result.value": "ANONYMIZED",
            "spanloom.guardrail.detected": True,
            "spanloom.guardrail.count": 2,
        },
        {
            **SHARED,
            "spanloom.guardrail.policy.kind": "content",
            "gen_ai.guardrail.policy.rule.id": "HATE",
            "gen_ai.guardrail.result.type": "action",
            "gen_ai.guardrail.result.value": "BLOCKED",
            "spanloom.guardrail.confidence": "HIGH",
        },
        {
            **SHARED,
            "spanloom.guardrail.policy.kind": "contextual_grounding",
            "gen_ai.guardrail.policy.rule.id": "GROUNDING",
            "gen_ai.guardrail.result.type": "action",
            "gen_ai.guardrail.result.value": "NONE",
            "spanloom.guardrail.score": 0.9,
            "spanloom.guardrail.threshold": 0.5,
        },
    ]
    assert span.status.is_ok or span.status.is_unset
    assert span.attributes[names.OUTCOME] == "ok"


def test_an_intervention_without_findings_is_one_event() -> None:
    """With the provider's trace off there is still an event that says what was done."""
    span = recorded(Intervention(component="Some Guardrail", action="INTERVENED", guardrail_id="gr-1"))
    assert [dict(event.attributes or {}) for event in span.events] == [
        {
            "gen_ai.guardrail.component.name": "Some Guardrail",
            "gen_ai.guardrail.policy.id": "gr-1",
            "spanloom.guardrail.action": "INTERVENED",
            "gen_ai.guardrail.result.type": "action",
            "gen_ai.guardrail.result.value": "INTERVENED",
        }
    ]


def test_the_log_record_names_the_runs_span_and_warns(records: InMemoryLogRecordExporter) -> None:
    """One record per intervention, with the ids of the run's span, severity WARN and every finding once."""
    span = recorded(MASKED)
    (record,) = [data.log_record for data in records.get_finished_logs()]
    assert (record.event_name, record.severity_text) == ("gen_ai.guardrail.result", "WARN")
    assert record.severity_number is not None
    assert record.severity_number.value == 13
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert {
        key: list(value) if isinstance(value, tuple) else value for key, value in (record.attributes or {}).items()
    } == {
        **SHARED,
        "gen_ai.guardrail.result.type": "action",
        "gen_ai.guardrail.result.value": "INTERVENED",
        "spanloom.guardrail.findings": [
            "content:HATE:BLOCKED",
            "contextual_grounding:GROUNDING:NONE",
            "sensitive_information:EMAIL:ANONYMIZED",
        ],
        "spanloom.guardrail.latency_s": 0.25,
    }


def test_measurements_tell_interventions_findings_units_and_seconds(reader: InMemoryMetricReader) -> None:
    """An intervention counts once; its findings, units and time stand in metrics of their own, in base units."""
    recorded(MASKED)
    where = {"gen_ai.guardrail.policy.id": "gr-1", "gen_ai.guardrail.source": "INPUT"}

    def labels(**more: str) -> tuple[tuple[str, str], ...]:
        keys = {"kind": "spanloom.guardrail.policy.kind", "action": "spanloom.guardrail.action"}
        keys["unit"] = "spanloom.guardrail.unit"
        return tuple(sorted({**where, **{keys[key]: value for key, value in more.items()}}.items()))

    assert points(reader, "spanloom.guardrail.interventions") == {
        labels(kind="content+sensitive_information", action="INTERVENED"): 1
    }
    assert points(reader, "spanloom.guardrail.assessments") == {
        labels(kind="sensitive_information", action="ANONYMIZED"): 2,
        labels(kind="content", action="BLOCKED"): 1,
        labels(kind="contextual_grounding", action="NONE"): 1,
    }
    assert points(reader, "spanloom.guardrail.units") == {labels(unit="contentPolicyUnits"): 2}
    assert points(reader, "spanloom.guardrail.latency") == {labels(): (1, 0.25)}


@pytest.mark.row("X.18")
@pytest.mark.row("B2.05")
@pytest.mark.parametrize("level", ["structure", "content"])
def test_matches_stay_out_unless_content_is_captured(
    level: str, records: InMemoryLogRecordExporter, reader: InMemoryMetricReader
) -> None:
    """What a rule matched is on the span only while content is captured, and never in logs, metrics and messages."""
    span = recorded(MASKED, level)
    matches = [event.attributes.get("spanloom.guardrail.matches") for event in span.events]
    assert matches == ([(SECRET, "b@c.de"), None, None] if level == "content" else [None] * 3)
    everything = [str(dict(data.log_record.attributes or {})) for data in records.get_finished_logs()]
    assert len(everything) == 1
    everything += [str(reader.get_metrics_data()), str(GuardrailInterventionError(MASKED)), repr(MASKED)]
    if level == "structure":
        everything.append(span.to_json())
    assert not [text for text in everything if SECRET in text or "b@c.de" in text]


def test_matches_pass_the_redaction_gate() -> None:
    """A redactor sees every text of the provider's; what it changes is changed on the span."""
    encode.set_redactor(lambda value: json.loads(json.dumps(value).replace(SECRET, "<hidden>")))
    try:
        span = recorded(MASKED, "content")
    finally:
        encode.set_redactor(None)
    assert span.events[0].attributes["spanloom.guardrail.matches"] == ("<hidden>", "b@c.de")


def test_labels_stay_bounded(reader: InMemoryMetricReader) -> None:
    """Hundreds of guardrails cannot flood a store of metrics: the ones beyond the bound are counted together."""
    from spanloom.tracing.metrics import MAX_VALUES

    for number in range(MAX_VALUES + 20):
        interventions.record(None, Intervention(component="G", action="INTERVENED", guardrail_id=f"gr-{number}"))
    counted = points(reader, "spanloom.guardrail.interventions")
    ids = {dict(labels)["gen_ai.guardrail.policy.id"]: value for labels, value in counted.items()}
    assert len(ids) == MAX_VALUES + 1
    assert ids["other"] == 20


def test_a_failing_sdk_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A provider that raises is counted and told once; the run ends well."""
    from spanloom.tracing import logs, metrics

    class Broken:
        def get_meter(self, *args: Any) -> Any:
            raise RuntimeError("no meter")

        def get_logger(self, *args: Any) -> Any:
            raise RuntimeError("no logger")

    broken: Any = Broken()
    before = metrics.counts["metric_errors"], logs.counts["log_errors"]
    metrics.use_meter_provider(broken)
    logs.use_logger_provider(broken)
    try:
        assert len(recorded(MASKED).events) == 3
    finally:
        metrics.use_meter_provider(None)
        logs.use_logger_provider(None)
    assert metrics.counts["metric_errors"] > before[0]
    assert logs.counts["log_errors"] == before[1] + 1


def test_an_intervention_without_a_run_is_logged_and_counted(
    records: InMemoryLogRecordExporter, reader: InMemoryMetricReader
) -> None:
    """Outside of any run nothing is lost but the span's events."""
    interventions.record(None, MASKED)
    assert len(records.get_finished_logs()) == 1
    assert sum(points(reader, "spanloom.guardrail.interventions").values()) == 1


def test_the_error_tells_what_acted_and_survives_pickling() -> None:
    """The message names guardrail, source, action and rules; a worker process may hand it on."""
    import pickle

    error = GuardrailInterventionError(MASKED)
    assert str(error) == (
        "Some Guardrail gr-1 intervened on INPUT: INTERVENED "
        "(content HATE: BLOCKED; sensitive_information EMAIL: ANONYMIZED)."
    )
    assert pickle.loads(pickle.dumps(error)).intervention == MASKED
