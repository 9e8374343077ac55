"""What answers tell of guardrails, in each operation's spelling, becomes the same interventions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloom.runtime.models.bedrock.guardrails import (
    assessments_of,
    interventions_from_apply,
    interventions_from_converse,
    interventions_from_invoke,
    interventions_from_retrieve,
)
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import interventions
from spanloom.tracing.interventions import Assessment, Intervention
from spanloom.tracing.scope import CURRENT

BLOCKED: dict[str, Any] = {
    "topicPolicy": {"topics": [{"name": "money", "type": "DENY", "action": "BLOCKED", "detected": True}]},
    "invocationMetrics": {
        "guardrailProcessingLatency": 120,
        "usage": {"topicPolicyUnits": 1, "wordPolicyUnits": 0},
        "guardrailCoverage": {"textCharacters": {"guarded": 10, "total": 20}},
    },
}
MASKED: dict[str, Any] = {
    "sensitiveInformationPolicy": {
        "piiEntities": [{"match": "jane@example.org", "type": "EMAIL", "action": "ANONYMIZED"}],
        "regexes": [{"name": "ticket", "match": "T-1", "regex": "T-[0-9]", "action": "NONE", "detected": True}],
    }
}
QUIET: dict[str, Any] = {"invocationMetrics": {"guardrailProcessingLatency": 30, "usage": {"topicPolicyUnits": 1}}}
MONEY = Assessment(policy="topic", rule="money", action="BLOCKED", detected=True)
EMAIL = Assessment(policy="sensitive_information", rule="EMAIL", action="ANONYMIZED", match="jane@example.org")
TICKET = Assessment(policy="sensitive_information", rule="ticket", action="NONE", detected=True, match="T-1")


def test_every_policy_is_read() -> None:
    """Names, kinds, actions, confidence, scores and matches of all documented policies, and of ones not known yet."""
    told = {
        **BLOCKED,
        **MASKED,
        "contentPolicy": {
            "filters": [{"type": "HATE", "confidence": "HIGH", "filterStrength": "LOW", "action": "NONE"}]
        },
        "wordPolicy": {
            "customWords": [{"match": "darn", "action": "BLOCKED"}],
            "managedWordLists": [{"match": "argh", "type": "PROFANITY", "action": "BLOCKED"}],
        },
        "contextualGroundingPolicy": {
            "filters": [{"type": "GROUNDING", "threshold": 0.8, "score": 0.25, "action": "BLOCKED"}]
        },
        "automatedReasoningPolicy": {
            "findings": [{"invalid": {"logicWarning": {}}}, {"SDK_UNKNOWN_MEMBER": {"name": "new"}}]
        },
        "videoPolicy": {"scenes": [{"type": "GORE", "action": "BLOCKED"}]},
    }
    assert assessments_of(told) == [
        MONEY,
        EMAIL,
        TICKET,
        Assessment(policy="content", rule="HATE", action="NONE", confidence="HIGH"),
        Assessment(policy="word", rule="customWords", action="BLOCKED", match="darn"),
        Assessment(policy="word", rule="PROFANITY", action="BLOCKED", match="argh"),
        Assessment(policy="contextual_grounding", rule="GROUNDING", action="BLOCKED", score=0.25, threshold=0.8),
        Assessment(policy="automated_reasoning", rule="invalid"),
        Assessment(policy="automated_reasoning", rule="new"),
        Assessment(policy="video", rule="GORE", action="BLOCKED"),
    ]


@pytest.mark.parametrize("key", ["guardrail", "guardrails"])
def test_an_invoked_model_tells_of_each_side_that_acted(key: str) -> None:
    """Input and outputs are interventions of their own; a side on which nothing acted is none."""
    trace = {"actionReason": "Guardrail blocked.", "input": {"g1": BLOCKED}, "outputs": [{"g1": QUIET}, {"g1": MASKED}]}
    body = {"amazon-bedrock-guardrailAction": "INTERVENED", "amazon-bedrock-trace": {key: trace}}
    first, second = interventions_from_invoke(body, guardrail_id="g1", guardrail_version="3")
    assert first == Intervention(
        component="Amazon Bedrock Guardrails",
        action="INTERVENED",
        guardrail_id="g1",
        guardrail_version="3",
        origin="REQUEST",
        source="INPUT",
        action_reason="Guardrail blocked.",
        assessments=(MONEY,),
        latency_ms=120,
        units={"topicPolicyUnits": 1, "wordPolicyUnits": 0},
        coverage={"textCharacters": {"guarded": 10, "total": 20}},
        trace={"guardrail": trace},
    )
    assert (second.source, second.assessments, second.latency_ms) == ("OUTPUT", (EMAIL, TICKET), 30)
    (first,) = interventions_from_invoke(
        {**body, "amazon-bedrock-trace": {key: {"input": {"g1": BLOCKED}, "outputs": [{"g1": QUIET}]}}}
    )
    assert first.source == "INPUT"


def test_an_invoked_model_without_a_trace_tells_of_the_intervention_all_the_same() -> None:
    """The flag alone is one intervention of the guardrail that was asked for; no flag, or NONE, is none."""
    body = {"amazon-bedrock-guardrailAction": "INTERVENED"}
    (found,) = interventions_from_invoke(body, guardrail_id="g1", guardrail_version="DRAFT")
    assert (found.action, found.guardrail_id, found.guardrail_version) == ("INTERVENED", "g1", "DRAFT")
    assert (found.source, found.assessments, found.trace) == (None, (), None)
    for quiet in ({}, {"amazon-bedrock-guardrailAction": "NONE"}, {"amazon-bedrock-guardrailAction": None}):
        assert interventions_from_invoke(quiet) == []


def test_a_turn_of_converse_that_was_blocked_tells_of_it_streamed_or_not() -> None:
    """The whole answer, and a stream's metadata with the reason from its messageStop, tell the same."""
    trace = {"guardrail": {"inputAssessment": {"g1": BLOCKED}, "outputAssessments": {"g1": [QUIET]}}}
    config = {"guardrailIdentifier": "arn:aws:bedrock:us-east-1:1:guardrail/g1", "guardrailVersion": "3"}
    whole = interventions_from_converse({"stopReason": "guardrail_intervened", "trace": trace}, config=config)
    streamed = interventions_from_converse({"trace": trace}, stop_reason="guardrail_intervened", config=config)
    assert whole == streamed
    (found,) = whole
    assert (found.action, found.source, found.guardrail_id) == ("guardrail_intervened", "INPUT", "g1")
    assert (found.guardrail_version, found.origin, found.assessments) == ("3", "REQUEST", (MONEY,))


def test_a_turn_of_converse_that_was_masked_ends_as_usual_and_tells_of_it() -> None:
    """Masking leaves the stop reason alone; the findings tell of it."""
    trace = {"guardrail": {"outputAssessments": {"g1": [MASKED, MASKED]}}}
    (found,) = interventions_from_converse({"stopReason": "end_turn", "trace": trace})
    assert (found.action, found.source, found.assessments) == ("ANONYMIZED", "OUTPUT", (EMAIL, TICKET) * 2)
    assert interventions_from_converse({"stopReason": "end_turn"}) == []
    watching = {
        "guardrail": {"inputAssessment": {"g1": {"contentPolicy": {"filters": [{"type": "HATE", "action": "NONE"}]}}}}
    }
    assert interventions_from_converse({"stopReason": "end_turn", "trace": watching}) == []


def test_a_turn_of_converse_without_a_trace_tells_of_it_by_its_stop_reason() -> None:
    """The stop reason alone is one intervention of the guardrail that was asked for."""
    config = {"guardrailIdentifier": "g1", "guardrailVersion": "3"}
    (found,) = interventions_from_converse({"stopReason": "guardrail_intervened"}, config=config)
    assert (found.guardrail_id, found.origin, found.source, found.assessments) == ("g1", "REQUEST", None, ())
    (found,) = interventions_from_converse({"stopReason": "guardrail_intervened"})
    assert (found.guardrail_id, found.origin) == (None, None)


def test_an_enforced_guardrail_is_told_with_its_origin_where_the_request_named_none() -> None:
    """Id, version, ARN and origin come from the answer, beside a guardrail that the request asked for."""
    details = {
        "guardrailId": "org",
        "guardrailVersion": "9",
        "guardrailArn": "arn:org",
        "guardrailOrigin": ["ORGANIZATION_ENFORCED"],
        "guardrailOwnership": "CROSS_ACCOUNT",
    }
    trace = {"guardrail": {"inputAssessment": {"org": {**BLOCKED, "appliedGuardrailDetails": details}, "own": MASKED}}}
    answer = {"stopReason": "guardrail_intervened", "trace": trace}
    config = {"guardrailIdentifier": "own", "guardrailVersion": "1"}
    for given_config, own_origin in ((None, None), (config, "REQUEST")):
        enforced, own = interventions_from_converse(answer, config=given_config)
        assert (enforced.guardrail_id, enforced.guardrail_version, enforced.arn) == ("org", "9", "arn:org")
        assert enforced.origin == "ORGANIZATION_ENFORCED"
        assert (own.guardrail_id, own.origin) == ("own", own_origin)


def test_applying_a_guardrail_tells_of_it_for_the_side_that_was_asked() -> None:
    """Findings of one answer are one intervention, with the action and reason of the answer."""
    answer = {
        "action": "GUARDRAIL_INTERVENED",
        "actionReason": "Guardrail masked.",
        "outputs": [{"text": "{EMAIL}"}],
        "assessments": [MASKED],
        "ResponseMetadata": {},
    }
    (found,) = interventions_from_apply(answer, source="OUTPUT", guardrail_id="g1", guardrail_version="2")
    assert (found.action, found.action_reason, found.source) == ("GUARDRAIL_INTERVENED", "Guardrail masked.", "OUTPUT")
    assert (found.guardrail_id, found.guardrail_version, found.assessments) == ("g1", "2", (EMAIL, TICKET))
    assert found.trace == {key: answer[key] for key in ("action", "actionReason", "assessments")}
    assert interventions_from_apply({"action": "NONE", "outputs": [], "assessments": [QUIET]}) == []


def test_a_retrieval_tells_of_it_by_its_action() -> None:
    """Retrieve tells an action and no findings."""
    (found,) = interventions_from_retrieve({"guardrailAction": "INTERVENED"}, guardrail_id="g1", guardrail_version="2")
    assert (found.action, found.guardrail_id, found.assessments) == ("INTERVENED", "g1", ())
    assert interventions_from_retrieve({"guardrailAction": "NONE", "retrievalResults": []}) == []
    assert interventions_from_retrieve({"retrievalResults": []}) == []


@pytest.mark.parametrize("broken", [None, [], "x", 1, {"g1": None}, {"g1": ["x"]}, [None], {"guardrail": 1}])
def test_answers_of_another_shape_never_raise(broken: Any) -> None:
    """What the service has never sent is read as nothing told; the flag still counts."""
    body = {"amazon-bedrock-guardrailAction": "INTERVENED", "amazon-bedrock-trace": {"guardrail": {"input": broken}}}
    assert len(interventions_from_invoke(body)) == 1
    assert interventions_from_invoke({"amazon-bedrock-trace": broken}) == []
    assert interventions_from_converse({"trace": broken}) == []
    assert interventions_from_converse({"trace": {"guardrail": {"outputAssessments": broken}}}) == []
    assert interventions_from_apply({"action": "NONE", "assessments": broken}) == []


ITEMS = st.fixed_dictionaries(
    {"action": st.sampled_from(["BLOCKED", "ANONYMIZED", "NONE", "NEW_ACTION"])},
    optional={
        "name": st.sampled_from(["a", "b"]),
        "type": st.sampled_from(["EMAIL", "HATE"]),
        "match": st.sampled_from(["x", "y z"]),
    },
)
POLICIES = st.dictionaries(
    st.sampled_from(["topicPolicy", "contentPolicy", "wordPolicy", "sensitiveInformationPolicy", "futurePolicy"]),
    st.dictionaries(st.sampled_from(["topics", "filters", "regexes"]), st.lists(ITEMS, max_size=4), max_size=2),
    max_size=3,
)


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.sampled_from(["g1", "g2"]), POLICIES),
    st.dictionaries(st.just("g1"), st.lists(POLICIES, max_size=3)),
)
def test_every_finding_that_acted_is_in_the_record(input: dict[str, Any], outputs: dict[str, Any]) -> None:
    """Whatever a guardrail did to the content is on the span, with its policy, rule and action."""
    trace = {"guardrail": {"inputAssessment": input, "outputAssessments": outputs}}
    acted = sorted(
        (key, item.get("name") or item.get("type") or listed, item["action"], source)
        for source, told in (
            ("INPUT", list(input.values())),
            ("OUTPUT", [one for each in outputs.values() for one in each]),
        )
        for one in told
        for key, policy in one.items()
        for listed, items in policy.items()
        for item in items
        if item["action"] != "NONE"
    )
    found = interventions_from_converse({"stopReason": "end_turn", "trace": trace})
    with SpanRecorder("structure") as spans:
        step: Any = RunnableLambda(lambda one: interventions.record(CURRENT.get(), one))
        for each in found:
            step.invoke(each)
        events = [event for recorded in spans.spans for event in recorded.span.events]
    kinds = {"topic": "topicPolicy", "content": "contentPolicy", "word": "wordPolicy", "future": "futurePolicy"}
    kinds["sensitive_information"] = "sensitiveInformationPolicy"
    shown = []
    for event in events:
        told = dict(event.attributes or {})
        if told["gen_ai.guardrail.result.value"] != "NONE":
            what = (
                kinds[str(told["spanloom.guardrail.policy.kind"])],
                str(told["gen_ai.guardrail.policy.rule.id"]),
                str(told["gen_ai.guardrail.result.value"]),
                str(told["gen_ai.guardrail.source"]),
            )
            shown += [what] * int(str(told.get("spanloom.guardrail.count", 1)))
    assert sorted(shown) == acted
