"""Making a ChatBedrockConverse: names of its arguments, what is checked, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse

from .sending import CLAUDE

ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc"
KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "aws_session_token": "t"}


@pytest.mark.row("C.02")
@pytest.mark.row("C.04")
@pytest.mark.row("C.06")
@pytest.mark.row("C.08")
@pytest.mark.row("C.11")
@pytest.mark.row("C.21")
def test_arguments_have_two_names() -> None:
    """The short names and the fields' own make the same model."""
    guardrail = {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    by_field = ChatBedrockConverse(
        model_id=CLAUDE,
        base_model_id="b",
        stop_sequences=["x"],
        guardrail_config=guardrail,
        endpoint_url="http://h",
        bedrock_api_key="k",
    )
    by_alias = ChatBedrockConverse(
        model=CLAUDE, base_model="b", stop=["x"], guardrails=guardrail, base_url="http://h", api_key="k"
    )
    assert by_field == by_alias
    assert by_alias.bedrock_api_key is not None
    assert (by_alias.model_id, by_alias.stop_sequences, by_alias.endpoint_url) == (CLAUDE, ["x"], "http://h")


@pytest.mark.row("C.12")
@pytest.mark.row("C.21")
def test_unknown_arguments_go_to_the_model_with_a_warning() -> None:
    """They are laid over the request fields that were given, and neither mapping is changed."""
    own = {"a": 1}
    with pytest.warns(UserWarning, match="no parameter top_k, foo"):
        model = ChatBedrockConverse(model=CLAUDE, additional_model_request_fields=own, top_k=5, foo=1)
    assert (model.additional_model_request_fields, own) == ({"a": 1, "top_k": 5, "foo": 1}, {"a": 1})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({}, "model"),
    "ARN without provider": ({"model": ARN}, "provider='anthropic'"),
    "half a pair of keys": ({"model": CLAUDE, "aws_access_key_id": "k"}, "aws_secret_access_key"),
    "a session token alone": ({"model": CLAUDE, "aws_session_token": "t"}, "aws_access_key_id"),
    "guarding without a guardrail": ({"model": CLAUDE, "guard_last_turn_only": True}, "guardrail_config="),
    "half a guardrail": ({"model": CLAUDE, "guardrails": {"guardrailIdentifier": "g"}}, "guardrailVersion"),
    "an unknown tier": ({"model": CLAUDE, "service_tier": "gold"}, "'priority', 'default', 'flex' or 'reserved'"),
}


@pytest.mark.row("C.05")
@pytest.mark.row("C.07")
@pytest.mark.row("C.16")
@pytest.mark.row("C.19")
@pytest.mark.row("C.25")
@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_advice(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal is a ValueError that names what to give."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    arguments, told = REFUSED[case]
    with pytest.raises(ValidationError, match=told) as caught:
        ChatBedrockConverse(**arguments)
    assert isinstance(caught.value, ValueError)


@pytest.mark.row("C.05")
@pytest.mark.row("C.07")
def test_an_arn_with_its_provider_is_taken() -> None:
    """Its provider's current models are assumed."""
    model = ChatBedrockConverse(model=ARN, provider="Anthropic", region_name="us-east-1", **KEYS)
    assert (model.maker, model.supports_tool_choice_values) == ("anthropic", ("auto", "any", "tool"))
    assert (model.region_name, model.provider_name(), model.request_model()) == ("us-east-1", "aws.bedrock", ARN)


def test_a_cache_of_answers_is_not_split_by_how_the_service_is_reached() -> None:
    """Keys and addresses are no part of a cache's key; parameters are."""
    first = ChatBedrockConverse(model=CLAUDE, temperature=0.5, endpoint_url="http://a", **KEYS)
    second = ChatBedrockConverse(model=CLAUDE, temperature=0.5, timeout=3)
    assert first.cache_fields() == second.cache_fields()
    assert first.cache_fields() != ChatBedrockConverse(model=CLAUDE).cache_fields()
