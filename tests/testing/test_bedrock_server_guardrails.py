"""The Bedrock test server's guardrails: the same intervention in the shape of every operation."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from spanloom.testing.bedrock_server import BedrockServer

ID = "gr1234567890"
NO = "That is not allowed."
EMAIL = r"[\w.]+@[\w.]+\w"


@pytest.fixture(autouse=True)
def _guardrail(bedrock: BedrockServer) -> None:
    bedrock.guardrail(
        ID,
        "1",
        blocked_words=["dynamite"],
        masked={EMAIL: "{EMAIL}", r"\bSL-\d+\b": "{TICKET}"},
        topics={"Investing": ["stocks", "bonds"]},
        filters={"VIOLENCE": ["attack"]},
        blocked_message=NO,
        blocked_output_message="The answer was not allowed.",
    )


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": [{"text": text}]}]


def guarded(trace: str = "enabled") -> dict[str, Any]:
    return {"guardrailIdentifier": ID, "guardrailVersion": "1", "trace": trace}


def converse(runtime: Any, text: str, **config: Any) -> Any:
    return runtime.converse(modelId="any", messages=user(text), guardrailConfig={**guarded(), **config})


def invoke(runtime: Any, text: str, **more: Any) -> Any:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": text}],
    }
    settings = {"guardrailIdentifier": ID, "guardrailVersion": "1", "trace": "ENABLED", **more}
    return {"modelId": "anthropic.claude-3-haiku", "body": json.dumps(body), **settings}


def test_blocked_input_never_reaches_the_model(runtime: Any) -> None:
    """The message stands for the answer; every policy that found something is assessed."""
    answer = converse(runtime, "Should dynamite attack my stocks?")
    assert answer["stopReason"] == "guardrail_intervened"
    assert answer["output"]["message"]["content"] == [{"text": NO}]
    assert answer["usage"]["outputTokens"] == 0
    trace = answer["trace"]["guardrail"]
    assert (trace["actionReason"], trace["modelOutput"]) == ("Guardrail blocked.", [])
    assert "outputAssessments" not in trace
    found = trace["inputAssessment"][ID]
    blocked = {"action": "BLOCKED", "detected": True}
    assert found["wordPolicy"]["customWords"] == [{"match": "dynamite", **blocked}]
    assert found["topicPolicy"]["topics"] == [{"name": "Investing", "type": "DENY", **blocked}]
    assert found["contentPolicy"]["filters"][0]["type"] == "VIOLENCE"
    assert found["invocationMetrics"]["guardrailProcessingLatency"] == 7
    assert found["invocationMetrics"]["usage"]["wordPolicyUnits"] == 1


def test_blocked_output_is_replaced_and_told_in_the_trace(bedrock: BedrockServer, runtime: Any) -> None:
    """What the model had said is in the trace alone."""
    bedrock.script("converse", {"text": "Use dynamite."})
    answer = converse(runtime, "How do I dig?")
    assert answer["output"]["message"]["content"] == [{"text": "The answer was not allowed."}]
    trace = answer["trace"]["guardrail"]
    assert trace["modelOutput"] == ["Use dynamite."]
    assert trace["outputAssessments"][ID][0]["wordPolicy"]["customWords"][0]["match"] == "dynamite"
    assert "wordPolicy" not in trace["inputAssessment"][ID]


def test_sensitive_text_is_masked_on_both_ways(bedrock: BedrockServer, runtime: Any) -> None:
    """Known kinds of personal data are entities, other patterns are named expressions."""
    bedrock.script("converse", {"text": "Write to a@b.org about SL-7."})
    answer = converse(runtime, "How do I reach you?")
    assert answer["output"]["message"]["content"] == [{"text": "Write to {EMAIL} about {TICKET}."}]
    assert answer["stopReason"] == "guardrail_intervened"
    trace = answer["trace"]["guardrail"]
    assert trace["actionReason"] == "Guardrail masked."
    policy = trace["outputAssessments"][ID][0]["sensitiveInformationPolicy"]
    masked = {"action": "ANONYMIZED", "detected": True}
    assert policy["piiEntities"] == [{"match": "a@b.org", "type": "EMAIL", **masked}]
    assert policy["regexes"] == [{"name": "TICKET", "match": "SL-7", "regex": r"\bSL-\d+\b", **masked}]
    echoed = converse(runtime, "Who owns a@b.org?")
    assert "a@b.org" not in json.dumps(echoed["output"])
    assert echoed["stopReason"] == "end_turn"
    assert echoed["trace"]["guardrail"]["actionReason"] == "Guardrail masked."


def test_what_passes_is_told_as_no_action_and_only_in_the_trace(runtime: Any) -> None:
    """No trace unless asked for, though the guardrail works all the same."""
    passed = converse(runtime, "How do I dig?")
    assert passed["stopReason"] == "end_turn"
    assert passed["trace"]["guardrail"]["actionReason"] == "No action."
    quiet = converse(runtime, "Sell dynamite", trace="disabled")
    assert quiet["stopReason"] == "guardrail_intervened"
    assert "trace" not in quiet


def test_only_guard_content_is_looked_at_when_there_is_some(runtime: Any) -> None:
    """Other texts of the request pass."""
    blocks = [{"text": "dynamite"}, {"guardContent": {"text": {"text": "a flower"}}}]
    talk = [{"role": "user", "content": blocks}]
    assert runtime.converse(modelId="any", messages=talk, guardrailConfig=guarded())["stopReason"] == "end_turn"
    blocks[1] = {"guardContent": {"text": {"text": "dynamite"}}}
    answer = runtime.converse(modelId="any", messages=talk, guardrailConfig=guarded())
    assert answer["stopReason"] == "guardrail_intervened"


def test_a_stream_tells_the_intervention_in_its_last_events(runtime: Any) -> None:
    """The stop reason in messageStop, the trace in metadata."""
    events = list(
        runtime.converse_stream(modelId="any", messages=user("Sell dynamite"), guardrailConfig=guarded())["stream"]
    )
    said = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
    assert said == NO
    assert events[-2]["messageStop"]["stopReason"] == "guardrail_intervened"
    assert events[-1]["metadata"]["trace"]["guardrail"]["actionReason"] == "Guardrail blocked."


def test_invoke_model_adds_its_keys_to_the_providers_body(runtime: Any) -> None:
    """The action always, the trace when asked for; without a guardrail neither."""
    body = json.loads(runtime.invoke_model(**invoke(runtime, "Sell dynamite"))["body"].read())
    assert body["content"] == [{"type": "text", "text": NO}]
    assert body["stop_reason"] == "guardrail_intervened"
    assert "stop_sequence" not in body
    assert body["amazon-bedrock-guardrailAction"] == "INTERVENED"
    trace = body["amazon-bedrock-trace"]["guardrail"]
    assert trace["input"][ID]["wordPolicy"]["customWords"][0]["match"] == "dynamite"
    calm = json.loads(runtime.invoke_model(**invoke(runtime, "Sell flowers", trace="DISABLED"))["body"].read())
    assert calm["amazon-bedrock-guardrailAction"] == "NONE"
    assert "amazon-bedrock-trace" not in calm
    plain = invoke(runtime, "Sell dynamite")
    del plain["guardrailIdentifier"], plain["guardrailVersion"]
    assert not any(key.startswith("amazon-bedrock") for key in json.loads(runtime.invoke_model(**plain)["body"].read()))


def test_the_last_chunk_of_an_invoke_stream_tells_the_intervention(bedrock: BedrockServer, runtime: Any) -> None:
    """Beside the metrics."""
    bedrock.script("invoke_model_with_response_stream", {"text": "Use dynamite."})
    stream = runtime.invoke_model_with_response_stream(**invoke(runtime, "How do I dig?"))["body"]
    documents = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert "".join(d["delta"].get("text", "") for d in documents if d["type"] == "content_block_delta").startswith(
        "The answer"
    )
    last = documents[-1]
    assert last["amazon-bedrock-guardrailAction"] == "INTERVENED"
    assert last["amazon-bedrock-trace"]["guardrail"]["modelOutput"] == ["Use dynamite."]
    assert "wordPolicy" in last["amazon-bedrock-trace"]["guardrail"]["outputs"][0][ID]
    assert "amazon-bedrock-invocationMetrics" in last


def test_tagged_passages_alone_are_looked_at(runtime: Any) -> None:
    """When the body names the tag's suffix."""
    tag = "amazon-bedrock-guardrails-guardContent_xyz"
    for inside, outside, action in (("roses", "dynamite", "NONE"), ("dynamite", "roses", "INTERVENED")):
        call = invoke(runtime, f"{outside} <{tag}>{inside}</{tag}>")
        body = {**json.loads(call["body"]), "amazon-bedrock-guardrailConfig": {"tagSuffix": "xyz"}}
        answer = json.loads(runtime.invoke_model(**{**call, "body": json.dumps(body)})["body"].read())
        assert answer["amazon-bedrock-trace"]["guardrail"]["input"][ID].get("wordPolicy") == (
            None
            if action == "NONE"
            else {"customWords": [{"match": "dynamite", "action": "BLOCKED", "detected": True}], "managedWordLists": []}
        )


def test_apply_guardrail_answers_for_texts(runtime: Any) -> None:
    """Blocked, masked and passed; in full the passed text comes back."""

    def apply(text: str, source: str = "INPUT", **more: Any) -> Any:
        content = [{"text": {"text": text}}]
        return runtime.apply_guardrail(
            guardrailIdentifier=ID, guardrailVersion="1", source=source, content=content, **more
        )

    blocked = apply("dynamite")
    assert (blocked["action"], blocked["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": NO}])
    assert blocked["actionReason"] == "Guardrail blocked."
    assert blocked["guardrailCoverage"] == {"textCharacters": {"guarded": 8, "total": 8}}
    assert apply("dynamite", "OUTPUT")["outputs"] == [{"text": "The answer was not allowed."}]
    assert apply("mail a@b.org")["outputs"] == [{"text": "mail {EMAIL}"}]
    passed = apply("roses")
    assert (passed["action"], passed["outputs"], passed["actionReason"]) == ("NONE", [], "No action.")
    assert apply("roses", outputScope="FULL")["outputs"] == [{"text": "roses"}]


def test_retrieval_is_guarded_too(client_of: Any) -> None:
    """By the third spelling of the guardrail's id."""
    agent = client_of("bedrock-agent-runtime")
    config = {"guardrailConfiguration": {"guardrailId": ID, "guardrailVersion": "1"}, "knowledgeBaseId": "KB12345678"}
    blocked = agent.retrieve(retrievalQuery={"text": "dynamite"}, **config)
    assert (blocked["guardrailAction"], blocked["retrievalResults"]) == ("INTERVENED", [])
    passed = agent.retrieve(retrievalQuery={"text": "cheese"}, **config)
    assert passed["guardrailAction"] == "NONE"
    assert passed["retrievalResults"]


def test_an_unknown_guardrail_is_refused(bedrock: BedrockServer, runtime: Any) -> None:
    """In every operation, as is a pattern that is none."""
    for version in ("2", "DRAFT"):
        with pytest.raises(ClientError, match="guardrail identifier or version"):
            converse(runtime, "hello", guardrailVersion=version)
    with pytest.raises(runtime.exceptions.ResourceNotFoundException):
        runtime.apply_guardrail(guardrailIdentifier="none", guardrailVersion="1", source="INPUT", content=[])
    call = invoke(runtime, "x")
    body = {**json.loads(call["body"]), "amazon-bedrock-guardrailConfig": {"tagSuffix": "xyz"}}
    with pytest.raises(ClientError, match="needs a guardrail identifier"):
        runtime.invoke_model(modelId=call["modelId"], body=json.dumps(body))
    with pytest.raises(ValueError, match="guardrail cannot be made"):
        bedrock.guardrail("bad", masked={"(": "{X}"})
