"""Guardrails of Amazon Bedrock: what a request says of them, and what answers tell, as interventions. Pure.

Four operations spell the same things four ways. InvokeModel flags an intervention in the body and names the findings
`input` and `outputs`; Converse says `guardrail_intervened` as stop reason and names them `inputAssessment` and
`outputAssessments`; ApplyGuardrail and Retrieve flag an action. InvokeModel's findings are documented under
`guardrails`, recorded traffic has `guardrail`: both are read, and handlers get either as `guardrail`. A guardrail
that only masks lets Converse end its turn as usual, so findings count too; and a guardrail may be enforced by the
account or the organisation, so answers tell of one that the request never named.

Policies and kinds of findings not known here are read by their shape: `somePolicy` with lists of findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from ....tracing.interventions import Assessment, Intervention
from .shapes import object_of, objects_of

__all__ = [
    "COMPONENT",
    "GuardrailSettings",
    "assessments_of",
    "interventions_from_apply",
    "interventions_from_converse",
    "interventions_from_invoke",
    "interventions_from_retrieve",
]

COMPONENT: Final = "Amazon Bedrock Guardrails"
"""The service, as records name it."""

_ACTION = "amazon-bedrock-guardrailAction"
_TRACE = "amazon-bedrock-trace"
_SPELLINGS: Final = {
    "guardrailidentifier": "guardrail_id",
    "guardrailid": "guardrail_id",
    "guardrailversion": "version",
    "trace": "trace",
    "streamprocessingmode": "stream_mode",
}
_Sides = dict[tuple[str | None, str | None], list[Mapping[str, Any]]]
_TRACES: Final = {"ENABLED": "ENABLED", "ENABLED_FULL": "ENABLED_FULL", "DISABLED": None}


@dataclass(frozen=True, slots=True)
class GuardrailSettings:
    """The guardrail that a request asks for.

    Args:
        guardrail_id: Its id or ARN.
        version: Its version, digits or DRAFT.
        trace: ENABLED, ENABLED_FULL, or None: whether answers tell what it found.
        stream_mode: sync or async, or None: whether a stream waits for the guardrail. Converse only.
    """

    guardrail_id: str
    version: str
    trace: str | None = None
    stream_mode: str | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any] | None) -> GuardrailSettings | None:
        """Return the settings in a user's mapping, or None when it names no guardrail.

        Names may be written as the APIs do (`guardrailIdentifier`, `guardrailId`, `guardrailVersion`, `trace`,
        `streamProcessingMode`) or in snake case. Values that are None count as not given.

        Args:
            given: The mapping, or None.

        Raises:
            ValueError: If a name or value is not known, or one of id and version is given without the other.
        """
        if given is not None and not isinstance(given, Mapping):
            raise ValueError(f"The guardrail settings are {given!r}; give a mapping with an identifier and a version.")
        read: dict[str, Any] = {}
        for name, value in (given or {}).items():
            known = _SPELLINGS.get(str(name).replace("_", "").lower())
            if known is None:
                raise ValueError(
                    f"The guardrail settings name {name!r}; they take guardrailIdentifier (or guardrailId), "
                    "guardrailVersion, trace and streamProcessingMode."
                )
            if value is not None and read.setdefault(known, value) != value:
                raise ValueError(f"The guardrail settings give {known} twice, as {read[known]!r} and {value!r}.")
        if given and not {"guardrail_id", "version"} & read.keys() and not _names_guardrail(given):
            raise ValueError(
                f"The guardrail settings {dict(given)!r} name no guardrail; "
                "give guardrailIdentifier and guardrailVersion."
            )
        guardrail_id, version = str(read.get("guardrail_id", "")), str(read.get("version", ""))
        if not guardrail_id and not version:
            return None
        if not guardrail_id or not version:
            missing = "guardrailVersion" if guardrail_id else "guardrailIdentifier"
            raise ValueError(f"A guardrail needs an identifier and a version, but {missing} is missing; give both.")
        return cls(guardrail_id, version, _trace(read.get("trace")), _stream_mode(read.get("stream_mode")))

    def invoke_arguments(self) -> dict[str, str]:
        """Return the arguments for InvokeModel."""
        made = {"guardrailIdentifier": self.guardrail_id, "guardrailVersion": self.version}
        return made if self.trace is None else {**made, "trace": self.trace}

    def converse_config(self, *, streaming: bool = False) -> dict[str, str]:
        """Return the `guardrailConfig` of Converse.

        Args:
            streaming: Whether it is for ConverseStream, which alone takes the stream's mode.
        """
        made = {"guardrailIdentifier": self.guardrail_id, "guardrailVersion": self.version}
        if self.trace is not None:
            made["trace"] = self.trace.lower()
        if streaming and self.stream_mode is not None:
            made["streamProcessingMode"] = self.stream_mode
        return made


def _names_guardrail(given: Mapping[str, Any]) -> bool:
    """Return whether the mapping has the names of a guardrail, be they None: the default mapping does."""
    names = {_SPELLINGS.get(str(name).replace("_", "").lower()) for name in given}
    return {"guardrail_id", "version"} <= names


def _trace(given: Any) -> str | None:
    if given is None or given is False:
        return None
    known = "ENABLED" if given is True else str(given).upper()
    if known not in _TRACES:
        raise ValueError(
            f"The guardrail's trace is {given!r}; use True, False, 'ENABLED', 'ENABLED_FULL' or 'DISABLED'."
        )
    return _TRACES[known]


def _stream_mode(given: Any) -> str | None:
    if given is None:
        return None
    known = str(given).lower()
    if known not in ("sync", "async"):
        raise ValueError(f"The guardrail's stream mode is {given!r}; use 'sync' or 'async'.")
    return known


def interventions_from_invoke(
    body: Mapping[str, Any], *, guardrail_id: str | None = None, guardrail_version: str | None = None
) -> list[Intervention]:
    """Return the interventions that an answer of InvokeModel tells of, or a chunk of its stream.

    Args:
        body: The answer's body, or the chunk's, as JSON.
        guardrail_id: The guardrail that the request asked for.
        guardrail_version: Its version.
    """
    raw = object_of(body.get(_TRACE))
    told = object_of(raw.get("guardrail") or raw.get("guardrails"))
    flag, trace = _acted(body.get(_ACTION)), {"guardrail": told} if told else None
    return _interventions(_sides(told), flag, told.get("actionReason"), guardrail_id, guardrail_version, trace)


def interventions_from_converse(
    answer: Mapping[str, Any], *, stop_reason: str | None = None, config: Mapping[str, Any] | None = None
) -> list[Intervention]:
    """Return the interventions that an answer of Converse tells of, or the `metadata` of its stream.

    Args:
        answer: The answer, or the metadata event.
        stop_reason: Why the turn ended; a stream tells it in `messageStop`. Taken from the answer when not given.
        config: The `guardrailConfig` of the request.
    """
    told = object_of(object_of(answer.get("trace")).get("guardrail"))
    asked = object_of(config)
    guardrail_id, version = asked.get("guardrailIdentifier"), asked.get("guardrailVersion")
    stopped = stop_reason or answer.get("stopReason")
    flag = stopped if stopped == "guardrail_intervened" else None
    trace = {"guardrail": told} if told else None
    return _interventions(_sides(told), flag, told.get("actionReason"), guardrail_id, version, trace)


def interventions_from_apply(
    answer: Mapping[str, Any],
    *,
    source: str | None = None,
    guardrail_id: str | None = None,
    guardrail_version: str | None = None,
) -> list[Intervention]:
    """Return the interventions that an answer of ApplyGuardrail tells of.

    Args:
        answer: The answer.
        source: INPUT or OUTPUT, as the request said.
        guardrail_id: The guardrail that the request asked for.
        guardrail_version: Its version.
    """
    sides: _Sides = {}
    for each in objects_of(answer.get("assessments")):
        sides.setdefault((source, None), []).append(each)
    told = {name: answer[name] for name in ("action", "actionReason", "assessments") if name in answer}
    flag = _acted(answer.get("action"))
    found = _interventions(sides, flag, answer.get("actionReason"), guardrail_id, guardrail_version, told)
    return [replace(each, source=source) for each in found]


def interventions_from_retrieve(
    answer: Mapping[str, Any], *, guardrail_id: str | None = None, guardrail_version: str | None = None
) -> list[Intervention]:
    """Return the interventions that an answer of Retrieve tells of; it tells no findings.

    Args:
        answer: The answer.
        guardrail_id: The guardrail that the request asked for.
        guardrail_version: Its version.
    """
    flag = _acted(answer.get("guardrailAction"))
    return _interventions({}, flag, None, guardrail_id, guardrail_version, None)


def _acted(flag: Any) -> str | None:
    return None if flag in (None, "NONE") else str(flag)


def _sides(told: Mapping[str, Any]) -> _Sides:
    """Return what a trace tells by source and guardrail; InvokeModel's names and Converse's are both read."""
    sides: _Sides = {}
    for source, names in (("INPUT", ("input", "inputAssessment")), ("OUTPUT", ("outputs", "outputAssessments"))):
        for name in names:
            given = told.get(name)
            for by_guardrail in [given] if isinstance(given, Mapping) else objects_of(given):
                for guardrail_id, those in by_guardrail.items():
                    for each in [those] if isinstance(those, Mapping) else objects_of(those):
                        sides.setdefault((source, str(guardrail_id)), []).append(each)
    return sides


def _interventions(
    sides: _Sides, flag: str | None, reason: Any, asked_id: str | None, asked_version: str | None, trace: Any
) -> list[Intervention]:
    """Return one intervention for each source and guardrail that acted; one in all when only a flag tells of it."""
    asked = _Asked(flag, None if reason is None else str(reason), asked_id, asked_version, trace)
    found = [
        asked.intervention(source, guardrail_id, those)
        for (source, guardrail_id), those in sides.items()
        if any(each.acted for one in those for each in assessments_of(one))
    ]
    if found or flag is None:
        return found
    sources = {source for source, _ in sides}
    ids = {guardrail_id for _, guardrail_id in sides}
    every = [one for those in sides.values() for one in those]
    return [
        asked.intervention(sources.pop() if len(sources) == 1 else None, ids.pop() if len(ids) == 1 else None, every)
    ]


class _Asked(NamedTuple):
    """What is known of an answer besides its findings."""

    flag: str | None
    reason: str | None
    guardrail_id: str | None
    version: str | None
    trace: Any

    def intervention(self, source: str | None, guardrail_id: str | None, told: list[Mapping[str, Any]]) -> Intervention:
        assessments = tuple(each for one in told for each in assessments_of(one))
        actions = [str(each.action) for each in assessments if each.acted]
        details = next((d for one in told if (d := object_of(one.get("appliedGuardrailDetails")))), {})
        metrics = [object_of(one.get("invocationMetrics")) for one in told]
        latencies = [
            m["guardrailProcessingLatency"] for m in metrics if _is_number(m.get("guardrailProcessingLatency"))
        ]
        found_id = details.get("guardrailId") or guardrail_id or self.guardrail_id
        is_asked = self.guardrail_id is not None and _same(found_id, self.guardrail_id)
        return Intervention(
            component=COMPONENT,
            action=self.flag or ("BLOCKED" if "BLOCKED" in actions else actions[0]),
            guardrail_id=found_id,
            guardrail_version=details.get("guardrailVersion") or (self.version if is_asked else None),
            arn=details.get("guardrailArn"),
            origin=_origin(details.get("guardrailOrigin")) or ("REQUEST" if is_asked else None),
            source=source,
            action_reason=self.reason,
            assessments=assessments,
            latency_ms=sum(latencies) if latencies else None,
            units=_summed(object_of(m.get("usage")) for m in metrics),
            coverage=_coverage(metrics),
            trace=self.trace,
        )


def _same(found: Any, asked: str) -> bool:
    """Return whether both name the same guardrail: a request may give its ARN, an answer tells its id."""
    return str(found).rsplit("/", 1)[-1] == asked.rsplit("/", 1)[-1]


def _origin(given: Any) -> str | None:
    origins = [given] if isinstance(given, str) else [str(each) for each in given or ()]
    return "+".join(origins) or None


def _summed(usages: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    made: dict[str, int] = {}
    for usage in usages:
        for unit, amount in usage.items():
            if _is_number(amount):
                made[unit] = made.get(unit, 0) + int(amount)
    return made


def _coverage(metrics: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for each in metrics:
        for what, told in object_of(each.get("guardrailCoverage")).items():
            made[what] = _summed([made.get(what, {}), object_of(told)])
    return made


def assessments_of(told: Mapping[str, Any]) -> list[Assessment]:
    """Return what one assessment of the service found, policy by policy, in its order.

    Args:
        told: The assessment, as any of the operations tells it.
    """
    made: list[Assessment] = []
    for name, policy in told.items():
        if not name.endswith("Policy"):
            continue
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Policy")).lower()
        for listed, items in object_of(policy).items():
            made += [_assessment(kind, listed, item) for item in objects_of(items)]
    return made


def _assessment(kind: str, listed: str, item: Mapping[str, Any]) -> Assessment:
    if "action" not in item and len(item) == 1:  # a finding that only reports, under the name of its result
        (result, what), *_ = item.items()
        named = what.get("name") if result == "SDK_UNKNOWN_MEMBER" and isinstance(what, Mapping) else result
        return Assessment(policy=kind, rule=str(named))
    detected, match = item.get("detected"), item.get("match")
    return Assessment(
        policy=kind,
        rule=str(item.get("name") or item.get("type") or listed),
        action=_text(item.get("action")),
        detected=detected if isinstance(detected, bool) else None,
        confidence=_text(item.get("confidence")),
        score=_number(item.get("score")),
        threshold=_number(item.get("threshold")),
        match=_text(match),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) else None
