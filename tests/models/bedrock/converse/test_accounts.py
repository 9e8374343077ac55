"""ChatBedrockConverse and an AWS account: profiles, keys, clients, and what the service counts."""

import os
from typing import Any

import pytest

from spanloom.runtime.load import dumps
from spanloom.runtime.messages import HumanMessage, SystemMessage
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.testing.bedrock_server import BedrockServer

from .asking import Mode, bodies, both, message, model_of, streamed
from .sending import ADD, CLAUDE


@pytest.mark.row("C.30")
def test_tokens_are_counted_by_the_service_where_it_can(server: BedrockServer) -> None:
    """With system and tools; other models, refusals and own counters are counted here."""
    server.answer("count_tokens", {"inputTokens": 77})
    messages: list[Any] = [SystemMessage("s"), HumanMessage("hi")]
    assert model_of(server).get_num_tokens_from_messages(messages, tools=[ADD]) == 77
    (body,) = bodies(server)
    assert body["input"]["converse"]["toolConfig"] == {"tools": [ADD]}
    server.fail("count_tokens", code="ValidationException", times=None)
    estimate = model_of(server, model="cohere.command-r-plus-v1:0").get_num_tokens_from_messages(messages)
    assert model_of(server).get_num_tokens_from_messages(messages) == estimate > 0
    own = model_of(server, custom_get_token_ids=lambda text: [1])
    assert (own.get_num_tokens_from_messages(messages), len(server.requests())) == (2, 2)


PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
FOUND = {"models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/openai.gpt-oss-120b-1:0"}]}


@both
@pytest.mark.row("C.02")
def test_a_profile_is_looked_up_once_at_the_first_call(server: BedrockServer, mode: Mode) -> None:
    """Making the model asks nobody; what was found decides what is sent and how the answer is named."""
    server.answer("get_inference_profile", FOUND, times=None)
    model = model_of(server, model=PROFILE, provider="openai")
    model.bind_tools([ADD])
    assert server.requests() == []
    thought = {"type": "reasoning_content", "reasoning_content": {"text": "t"}}
    history: list[Any] = [("human", "a"), ("ai", [thought, "x"]), ("human", "b")]
    said = message(mode, model, history).response_metadata
    streamed(mode, model, history)
    assert [seen.operation for seen in server.requests()] == ["get_inference_profile", "converse", "converse_stream"]
    assert (said["model_name"], said["inference_profile_id"]) == ("openai.gpt-oss-120b-1:0", PROFILE)
    assert bodies(server)[1]["messages"][1]["content"][0] == {"reasoningContent": {"reasoningText": {"text": "t"}}}


@both
@pytest.mark.row("C.02")
def test_a_profile_that_cannot_be_looked_up_does_not_stop_the_call(server: BedrockServer, mode: Mode) -> None:
    """It is asked for once, then the provider's current models are assumed."""
    server.fail("get_inference_profile", code="AccessDeniedException", times=None)
    model = model_of(server, model=PROFILE, provider="anthropic")
    assert message(mode, model).text == message(mode, model).text
    assert [seen.operation for seen in server.requests()] == ["get_inference_profile", "converse", "converse"]


@pytest.mark.row("C.02")
@pytest.mark.row("C.07")
def test_a_given_base_model_spares_the_look_up(server: BedrockServer) -> None:
    """The model behind the ARN is known then, whatever geography it is named with."""
    model = model_of(server, model=PROFILE, base_model="eu.mistral.mistral-large-2407-v1:0", provider="mistral")
    assert model.supports_tool_choice_values == ("auto", "any")
    model.invoke("x")
    assert [seen.operation for seen in server.requests()] == ["converse"]


@pytest.mark.row("C.01")
def test_an_injected_client_is_used_as_it_is() -> None:
    """Every call goes to it and to no other."""

    class Client:
        asked: list[dict[str, Any]] = []

        def converse(self, **kwargs: Any) -> dict[str, Any]:
            self.asked.append(kwargs)
            return {"output": {"message": {"role": "assistant", "content": [{"text": "x"}]}}, "stopReason": "end_turn"}

    client = Client()
    assert ChatBedrockConverse(model=CLAUDE, client=client).invoke("hi").text == "x"
    assert client.asked == [{"modelId": CLAUDE, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}]


@pytest.mark.row("C.22")
@pytest.mark.row("C.29")
def test_a_dump_names_secrets_and_holds_none(server: BedrockServer) -> None:
    """The environment's names stand for the four secrets."""
    model = model_of(server, aws_session_token="token-value")
    text = dumps(model)
    assert not any(secret in text for secret in (server.credentials["aws_secret_access_key"], "token-value"))
    assert "AWS_SECRET_ACCESS_KEY" in text
    assert model.lc_secrets == {
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
        "bedrock_api_key": "AWS_BEARER_TOKEN_BEDROCK",
    }
    assert (model.is_lc_serializable(), model.get_lc_namespace()) == (True, ["langchain_aws", "chat_models"])


@both
@pytest.mark.row("C.06")
def test_a_bedrock_api_key_is_of_one_model_alone(server: BedrockServer, mode: Mode) -> None:
    """Each model sends its own; the environment is left as it was."""
    server.accept(bearer="one")
    server.accept(bearer="two")
    before = dict(os.environ)
    more = {"base_url": server.url, "region_name": "us-east-1"}
    models = [ChatBedrockConverse(model=CLAUDE, api_key=k, **more) for k in ("one", "two")]
    for model in (*models, *models):
        message(mode, model)
    assert [seen.headers["authorization"] for seen in server.requests()] == ["Bearer one", "Bearer two"] * 2
    assert dict(os.environ) == before


@pytest.mark.row("C.12")
def test_the_warning_of_an_unknown_argument_points_at_its_caller() -> None:
    """Whoever wrote the argument finds the line."""
    with pytest.warns(UserWarning, match="no parameter foo") as caught:
        ChatBedrockConverse(model=CLAUDE, foo=1)  # type: ignore[call-arg]
    assert [each.filename for each in caught] == [__file__]
