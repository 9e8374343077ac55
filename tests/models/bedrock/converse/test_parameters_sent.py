"""Parameters of a model and of a call on Converse's wire."""

import copy
from typing import Any

import pytest

from spanloom.runtime.messages import HumanMessage
from spanloom.runtime.models.bedrock.converse.request import build_count_request, build_request

from .sending import ADD, CLAUDE, asked, sent

HI = [HumanMessage("hi")]
PLAIN = {"modelId": CLAUDE, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
SCHEMA = {"text_format": {"type": "json_schema", "structure": {"json_schema": {"schema": '{"a_b": 1}', "name": "n"}}}}
SPELT = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"a_b": 1}', "name": "n"}}}}
OWN: dict[str, tuple[Any, dict[str, Any]]] = {
    "max_tokens": (5, {"inferenceConfig": {"maxTokens": 5}}),
    "temperature": (0.0, {"inferenceConfig": {"temperature": 0.0}}),
    "top_p": (0.5, {"inferenceConfig": {"topP": 0.5}}),
    "stop_sequences": (["x"], {"inferenceConfig": {"stopSequences": ["x"]}}),
    "performance_config": ({"latency": "optimized"}, {"performanceConfig": {"latency": "optimized"}}),
    "service_tier": ("flex", {"serviceTier": {"type": "flex"}}),
    "request_metadata": ({"my_key": "v"}, {"requestMetadata": {"my_key": "v"}}),
    "output_config": (SCHEMA, {"outputConfig": SPELT}),
    "additional_model_request_fields": (
        {"top_k": {"sub_key": 1}},
        {"additionalModelRequestFields": {"top_k": {"sub_key": 1}}},
    ),
    "additional_model_response_field_paths": (["/a"], {"additionalModelResponseFieldPaths": ["/a"]}),
    "prompt_variables": ({"my_name": {"text": "b"}}, {"promptVariables": {"my_name": {"text": "b"}}}),
}


@pytest.mark.row("C.04")
@pytest.mark.row("C.12")
@pytest.mark.row("C.13")
@pytest.mark.row("C.15")
@pytest.mark.row("C.16")
@pytest.mark.row("C.17")
@pytest.mark.row("C.18")
@pytest.mark.parametrize("name", OWN)
def test_a_parameter_is_sent_under_the_wires_name(name: str) -> None:
    """Said of the model or of the call, it goes on the wire alike; None is not sent."""
    value, wanted = OWN[name]
    assert sent(HI, {name: value}) == {**PLAIN, **wanted}
    assert sent(HI, **{name: value}) == {**PLAIN, **wanted}
    assert sent(HI, {name: None}) == PLAIN


@pytest.mark.row("C.04")
@pytest.mark.row("X.11")
def test_what_a_call_says_wins_and_changes_nothing() -> None:
    """Every spelling of the call's arguments counts, its stop strings most; the model's settings stay."""
    own = {"max_tokens": 5, "temperature": 0.9, "stop_sequences": ["own"]}
    before = copy.deepcopy(own)
    call = {"maxTokens": 9, "temperature": 0, "stop_sequences": ["call"]}
    found = build_request(HI, asked(own, call, stop=["last"]))["inferenceConfig"]
    assert found == {"maxTokens": 9, "temperature": 0, "stopSequences": ["last"]}
    assert (own, call["stop_sequences"]) == (before, ["call"])
    assert sent(HI, own, inference_config={"maxTokens": 3, "topP": 0.1})["inferenceConfig"] == {
        "maxTokens": 3,
        "temperature": 0.9,
        "topP": 0.1,
        "stopSequences": ["own"],
    }
    assert sent(HI, own, stop=[])["inferenceConfig"] == {"maxTokens": 5, "temperature": 0.9}


@pytest.mark.row("C.12")
@pytest.mark.row("X.11")
def test_request_fields_of_a_call_are_laid_over_the_models_key_by_key() -> None:
    """Keys keep their spelling, and neither mapping is changed."""
    own = {"additional_model_request_fields": {"top_k": 1, "keep_me": {"b": 1}}}
    call = {"top_k": 3}
    found = sent(HI, own, additional_model_request_fields=call)
    assert found["additionalModelRequestFields"] == {"top_k": 3, "keep_me": {"b": 1}}
    assert (own["additional_model_request_fields"]["top_k"], call) == (1, {"top_k": 3})


@pytest.mark.row("C.11")
@pytest.mark.row("X.03")
@pytest.mark.parametrize(
    "config",
    [
        {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled", "streamProcessingMode": "async"},
        {"guardrail_identifier": "g", "guardrail_version": "1", "trace": "enabled", "stream_processing_mode": "async"},
    ],
)
def test_a_guardrail_is_sent_and_its_stream_mode_only_with_streams(config: dict[str, Any]) -> None:
    """Either spelling is taken; `converse` does not know the stream's mode and would refuse it."""
    wire = {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"}
    guarded = asked({"guardrail_config": config})
    assert build_request(HI, guarded)["guardrailConfig"] == wire
    assert build_request(HI, guarded, streaming=True)["guardrailConfig"] == {**wire, "streamProcessingMode": "async"}
    other = {"guardrailIdentifier": "h", "guardrailVersion": "2"}
    assert sent(HI, {"guardrail_config": config}, guardrails=other)["guardrailConfig"] == other


@pytest.mark.row("C.16")
def test_an_unknown_tier_is_refused() -> None:
    """The refusal lists the tiers."""
    with pytest.raises(ValueError, match="priority, default, flex, reserved"):
        sent(HI, service_tier="gold")


def test_an_unknown_argument_of_a_call_is_refused_with_advice() -> None:
    """It is told where parameters of the model itself belong."""
    with pytest.raises(ValueError, match=r"'top_k'.*additional_model_request_fields=\{'top_k'"):
        sent(HI, top_k=3)


@pytest.mark.row("C.30")
def test_a_count_is_asked_of_the_foundation_model_with_all_that_is_counted() -> None:
    """Messages, system, tools and further fields count; settings of the answer do not."""
    own = {"system": ["s"], "tools": [ADD], "max_tokens": 5, "additional_model_request_fields": {"k": 1}}
    request = build_count_request(HI, asked(own, model="us.anthropic.claude-sonnet-4-20250514-v1:0"))
    assert request == {
        "modelId": "anthropic.claude-sonnet-4-20250514-v1:0",
        "input": {
            "converse": {
                "messages": PLAIN["messages"],
                "system": [{"text": "s"}],
                "toolConfig": {"tools": [ADD]},
                "additionalModelRequestFields": {"k": 1},
            }
        },
    }
