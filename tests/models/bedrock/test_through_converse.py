"""ChatBedrock asked to go through Converse: the same settings in Converse's words, in every way to call it."""

from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage
from spanloom.runtime.models.bedrock.chat import ChatBedrock
from spanloom.testing.bedrock_server import BedrockServer

from .driving import CLAUDE, Hooks, Mode, asked, both, made, streamed

GUARDRAIL = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": True}


def through(server: BedrockServer, **kwargs: Any) -> ChatBedrock:
    """A model that goes through Converse."""
    return made(ChatBedrock, server, CLAUDE, beta_use_converse_api=True, **kwargs)


def ask(mode: Mode, model: Any, value: Any, is_streamed: bool, **kwargs: Any) -> Any:
    """The answer, also as the sum of a stream."""
    if not is_streamed:
        return asked(mode, model, value, **kwargs)
    first, *rest = streamed(mode, model, value, **kwargs)
    return sum(rest, start=first)


@both
@pytest.mark.parametrize("is_streamed", [False, True])
def test_settings_go_in_the_words_of_converse(bedrock: BedrockServer, mode: Mode, is_streamed: bool) -> None:
    """Limits, stop strings, guardrail and tier have places of their own; what is the model's own goes to the model."""
    bedrock.guardrail("gr1", "2")
    model = through(
        bedrock,
        model_kwargs={"temperature": 0, "top_k": 4, "top_p": 0.5, "additional_model_request_fields": {"seed": 1}},
        max_tokens=20,
        stop=["END"],
        guardrails=GUARDRAIL,
        service_tier="flex",
        request_metadata={"team": "a"},
        system_prompt_with_tools="Be brief.",
    )
    answer = ask(mode, model, "the sky is blue", is_streamed)
    assert "sky" in answer.text
    assert answer.usage_metadata["output_tokens"] > 0
    (seen,) = bedrock.requests()
    assert seen.operation == ("converse_stream" if is_streamed else "converse")
    assert seen.json == {
        "messages": [{"role": "user", "content": [{"text": "the sky is blue"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 20, "temperature": 0, "topP": 0.5, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"seed": 1, "top_k": 4},
        "guardrailConfig": {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": "enabled"},
        "serviceTier": {"type": "flex"},
        "requestMetadata": {"team": "a"},
    }


@both
def test_arguments_of_a_call_and_handlers_count_as_ever(bedrock: BedrockServer, mode: Mode) -> None:
    """Stop strings of the call win, and the run is told once."""
    hooks = Hooks()
    asked(mode, through(bedrock, stop=["A"]), "the sky", {"callbacks": [hooks]}, stop=["B"])
    assert bedrock.requests()[0].json["inferenceConfig"] == {"stopSequences": ["B"]}
    assert [name for name in hooks.names() if name != "token"] == ["start", "end"]


@both
def test_tools_are_offered_in_the_form_of_converse(bedrock: BedrockServer, mode: Mode) -> None:
    """Tools are bound to the model behind."""
    tool = {"name": "weather", "description": "The weather.", "parameters": {"type": "object", "properties": {}}}
    answer = asked(mode, through(bedrock).bind_tools([tool], tool_choice="any"), "call weather now")
    assert isinstance(answer, AIMessage)
    assert [call["name"] for call in answer.tool_calls] == ["weather"]
    assert bedrock.requests()[0].json["toolConfig"]["toolChoice"] == {"any": {}}


@both
def test_a_system_prompt_for_tools_goes_with_tools(bedrock: BedrockServer, mode: Mode) -> None:
    """It stands before the system texts of the model and of the messages."""
    tool = {"name": "weather", "description": "The weather.", "parameters": {"type": "object", "properties": {}}}
    model = through(bedrock, system_prompt_with_tools="Use tools.", model_kwargs={"system": "Be kind."})
    asked(mode, model.bind_tools([tool]), [("system", "Be brief."), ("human", "the sky")])
    assert bedrock.requests()[0].json["system"] == [{"text": "Use tools."}, {"text": "Be kind."}, {"text": "Be brief."}]


@both
def test_a_system_prompt_for_tools_comes_first(bedrock: BedrockServer, mode: Mode) -> None:
    """By InvokeModel too, and it stays out of the body's own keys."""
    model = made(ChatBedrock, bedrock, CLAUDE, system_prompt_with_tools="Use tools.")
    asked(mode, model, [("system", "Be brief."), ("human", "the sky")])
    body = bedrock.requests()[0].json
    assert str(body["system"]).index("Use tools.") < str(body["system"]).index("Be brief.")
    assert "system_prompt_with_tools" not in body


@both
@pytest.mark.row("C.02")
def test_a_profile_is_looked_up_once(bedrock: BedrockServer, mode: Mode) -> None:
    """What is found out of it stays known for the calls that follow."""
    profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    arn = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
    bedrock.answer("get_inference_profile", {"models": [{"modelArn": arn}]}, times=None)
    model = made(ChatBedrock, bedrock, profile, provider="anthropic", beta_use_converse_api=True)
    for _ in range(2):
        said = asked(mode, model, "the sky").response_metadata
        assert said["model_name"] == "anthropic.claude-3-haiku-20240307-v1:0"
    assert [seen.operation for seen in bedrock.requests()] == ["get_inference_profile", "converse", "converse"]
