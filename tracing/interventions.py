"""Interventions: a guardrail changed or blocked what went into a model or came out of it.

An intervention is recorded the moment it is known, as four things: span events on the run's span, one log record, and
measurements; handlers are told by whoever drives the run. The run itself goes on and ends well.

Values are the provider's own words. What a rule matched is the user's text: it is shown only while content is captured,
through the redaction gate, and never in logs and metrics. Findings that look alike are one span event with their
number, since the SDK keeps 128 events of a span and a guardrail may mask hundreds of addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import journal, logs, metrics, names
from .encode import encode
from .scope import RunScope

__all__ = ["Assessment", "Intervention", "record"]

_MAX_TEXT_BYTES = 1 << 10
_MAX_MATCHES_BYTES = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One finding of one policy.

    Args:
        policy: topic, content, word, sensitive_information, contextual_grounding, automated_reasoning, or a newer kind.
        rule: The name of the topic, filter, entity or pattern; never the user's text.
        action: What the policy did, in the provider's words; None where the policy only reports.
        detected: Whether it found what it looks for; None where that was not told.
        confidence: How sure it is, in the provider's words.
        score: What it measured.
        threshold: The score at which it acts.
        match: The user's text that was found; content.
    """

    policy: str
    rule: str
    action: str | None = None
    detected: bool | None = None
    confidence: str | None = None
    score: float | None = None
    threshold: float | None = None
    match: str | None = field(default=None, repr=False)

    @property
    def acted(self) -> bool:
        """Whether the policy did something to the content."""
        return self.action is not None and self.action != "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What one guardrail did with one input or output.

    Args:
        component: The service, such as "Amazon Bedrock Guardrails".
        action: What was done with the whole content, in the provider's words.
        guardrail_id: The guardrail's id; None where the provider does not tell, nor the request.
        guardrail_version: Its version.
        arn: Its ARN.
        origin: Who asked for it: REQUEST, ACCOUNT_ENFORCED or ORGANIZATION_ENFORCED; several joined by `+`.
        source: INPUT or OUTPUT.
        action_reason: The provider's own sentence on why.
        assessments: What its policies found; empty where the provider was not asked to tell.
        latency_ms: How long it took, in milliseconds.
        units: How many units of which kind it used.
        coverage: How much of the content it looked at.
        model: The model that was asked; taken from the run's span where it is None.
        trace: What the provider told, unchanged; content.
    """

    component: str
    action: str
    guardrail_id: str | None = None
    guardrail_version: str | None = None
    arn: str | None = None
    origin: str | None = None
    source: str | None = None
    action_reason: str | None = None
    assessments: tuple[Assessment, ...] = ()
    latency_ms: float | None = None
    units: Mapping[str, int] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    trace: Any = field(default=None, repr=False)

    @property
    def policies(self) -> str | None:
        """The kinds of the policies that acted, else of all that found something, sorted and joined by `+`."""
        acted = [each for each in self.assessments if each.acted] or self.assessments
        return "+".join(sorted({each.policy for each in acted})) or None

    @property
    def is_blocked(self) -> bool:
        """Whether a policy blocked the content; False where policies only masked, or nothing was told of them."""
        return any(each.action == "BLOCKED" for each in self.assessments)


def record(scope: RunScope | None, intervention: Intervention) -> None:
    """Record an intervention on its run's span, in logs and in metrics; never raises.

    Args:
        scope: The run; without one there is no span to record it on, and the log record names the current one.
        intervention: The intervention.
    """
    shared = _shared(intervention)
    if scope is not None and not scope.ended and scope.span.is_recording():
        for finding in _findings(intervention):
            scope.span.add_event(names.GUARDRAIL_EVENT, {**shared, **finding}, scope.timeline.now_ns())
    context = None if scope is None else scope.otel_context
    told: dict[str, Any] = {
        **shared,
        names.GUARDRAIL_RESULT_TYPE: "action",
        names.GUARDRAIL_RESULT_VALUE: intervention.action,
    }
    if intervention.assessments:
        told[names.GUARDRAIL_FINDINGS] = sorted({_label(each) for each in intervention.assessments})
    if intervention.latency_ms is not None:
        told[names.GUARDRAIL_LATENCY_S] = intervention.latency_ms / 1e3
    logs.warn(names.GUARDRAIL_EVENT, told, context)
    _measure(scope, intervention)


def _shared(intervention: Intervention) -> dict[str, Any]:
    """Return what every event of an intervention tells; texts of the provider pass the redaction gate."""
    told = {
        names.GUARDRAIL_COMPONENT: intervention.component,
        names.GUARDRAIL_ID: intervention.guardrail_id,
        names.GUARDRAIL_VERSION: intervention.guardrail_version,
        names.GUARDRAIL_ARN: intervention.arn,
        names.GUARDRAIL_ORIGIN: intervention.origin,
        names.GUARDRAIL_SOURCE: intervention.source,
        names.GUARDRAIL_ACTION: intervention.action,
        names.GUARDRAIL_RESULT_REASON: _gated(intervention.action_reason),
    }
    return {name: value for name, value in told.items() if value is not None}


def _findings(intervention: Intervention) -> list[dict[str, Any]]:
    """Return what tells the events of an intervention apart: one entry for findings that look alike, or one in all."""
    if not intervention.assessments:
        return [{names.GUARDRAIL_RESULT_TYPE: "action", names.GUARDRAIL_RESULT_VALUE: intervention.action}]
    is_captured = journal.current_level() >= journal.LEVELS["content"]
    alike: dict[tuple[tuple[str, Any], ...], list[Assessment]] = {}
    for each in intervention.assessments:
        alike.setdefault(tuple(_finding(each).items()), []).append(each)
    made: list[dict[str, Any]] = []
    for told, those in alike.items():
        finding = dict(told)
        if len(those) > 1:
            finding[names.GUARDRAIL_COUNT] = len(those)
        matches = [each.match for each in those if each.match is not None]
        if matches and is_captured:
            finding[names.GUARDRAIL_MATCHES] = _shown(matches)
        made.append(finding)
    return made


def _finding(assessment: Assessment) -> dict[str, Any]:
    is_action = assessment.action is not None
    told = {
        names.GUARDRAIL_POLICY_KIND: assessment.policy,
        names.GUARDRAIL_RULE: _gated(assessment.rule),
        names.GUARDRAIL_RESULT_TYPE: "action" if is_action else "finding",
        names.GUARDRAIL_RESULT_VALUE: assessment.action if is_action else _gated(assessment.rule),
        names.GUARDRAIL_DETECTED: assessment.detected,
        names.GUARDRAIL_CONFIDENCE: assessment.confidence,
        names.GUARDRAIL_SCORE: assessment.score,
        names.GUARDRAIL_THRESHOLD: assessment.threshold,
    }
    return {name: value for name, value in told.items() if value is not None}


def _label(assessment: Assessment) -> str:
    return f"{assessment.policy}:{_gated(assessment.rule)}:{assessment.action or 'NONE'}"


def _gated(text: str | None) -> str | None:
    """Return a text after redaction; what is withheld or too long becomes a word that says so."""
    if text is None:
        return None
    shown = encode(text, _MAX_TEXT_BYTES)
    return shown if isinstance(shown, str) else "<withheld>"


def _shown(matches: list[str]) -> list[str]:
    """Return the texts that were found after redaction, as many as fit."""
    made: list[str] = []
    left = _MAX_MATCHES_BYTES
    for match in matches:
        shown = _gated(match) or ""
        left -= len(shown)
        if left < 0:
            break
        made.append(shown)
    return made


def _measure(scope: RunScope | None, intervention: Intervention) -> None:
    context = None if scope is None else scope.otel_context
    where: dict[str, Any] = {
        names.GUARDRAIL_ID: intervention.guardrail_id or "unknown",
        names.GUARDRAIL_SOURCE: intervention.source,
        names.REQUEST_MODEL: intervention.model or _model(scope),
    }
    labels = {
        **where,
        names.GUARDRAIL_POLICY_KIND: intervention.policies,
        names.GUARDRAIL_ACTION: intervention.action,
    }
    metrics.count(names.GUARDRAIL_INTERVENTIONS_METRIC, 1, labels, "{intervention}", context)
    for each in intervention.assessments:
        found = {**where, names.GUARDRAIL_POLICY_KIND: each.policy, names.GUARDRAIL_ACTION: each.action or "NONE"}
        metrics.count(names.GUARDRAIL_ASSESSMENTS_METRIC, 1, found, "{assessment}", context)
    for unit, amount in intervention.units.items():
        if amount:
            used = {**where, names.GUARDRAIL_UNIT: unit}
            metrics.count(names.GUARDRAIL_UNITS_METRIC, amount, used, "{unit}", context)
    if intervention.latency_ms is not None:
        metrics.measure(names.GUARDRAIL_LATENCY_METRIC, intervention.latency_ms / 1e3, where, context)


def _model(scope: RunScope | None) -> str | None:
    """Return the model that the run's span names, where the SDK lets it be read."""
    attributes = None if scope is None else getattr(scope.span, "attributes", None)
    return attributes.get(names.REQUEST_MODEL) if isinstance(attributes, Mapping) else None
