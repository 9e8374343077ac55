"""Which family's body a model gets."""

import pytest

from spanloom.runtime.models.bedrock.invoke import family_of

ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/x"


@pytest.mark.parametrize(
    ("model_id", "text", "chat"),
    [
        ("anthropic.claude-v2:1", "anthropic text", "anthropic"),
        ("anthropic.claude-instant-v1", "anthropic text", "anthropic"),
        ("eu.anthropic.claude-3-5-sonnet-20240620-v1:0", "anthropic", "anthropic"),
        ("amazon.titan-text-lite-v1", "amazon titan", "amazon titan"),
        ("us.amazon.nova-pro-v1:0", "amazon nova", "amazon nova"),
        ("amazon.nova-2-lite-v1:0", "amazon nova", "amazon nova"),
        ("cohere.command-light-text-v14", "cohere command", "cohere command"),
        ("cohere.command-r-plus-v1:0", "cohere command r", "cohere command r"),
        ("ai21.j2-ultra-v1", "ai21 jurassic", "ai21 jurassic"),
        ("ai21.jamba-instruct-v1:0", "ai21 jamba", "ai21 jamba"),
        ("mistral.mistral-7b-instruct-v0:2", "mistral text", "mistral text"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "mistral text", "mistral text"),
        ("mistral.mistral-large-2402-v1:0", "mistral text", "mistral chat"),
        ("mistral.mistral-large-2407-v1:0", "mistral chat", "mistral chat"),
        ("us.mistral.pixtral-large-2502-v1:0", "mistral chat", "mistral chat"),
        ("meta.llama2-13b-chat-v1", "meta llama", "meta llama"),
        ("us.deepseek.r1-v1:0", "deepseek r1", "deepseek r1"),
        ("deepseek.v3-v1:0", "openai-like", "openai-like"),
        ("us.writer.palmyra-x5-v1:0", "openai-like", "openai-like"),
        ("qwen.qwen3-32b-v1:0", "openai-like", "openai-like"),
        ("openai.gpt-oss-120b-1:0", "openai", "openai"),
        ("newcomer.model-1", "other", "other"),
    ],
)
def test_a_model_gets_the_body_of_its_family(model_id: str, text: str, chat: str) -> None:
    """Older Claude and Mistral models take a prompt or messages, by who asks."""
    assert family_of(model_id).name == text
    assert family_of(model_id, for_messages=True).name == chat


@pytest.mark.parametrize(
    ("provider", "family"),
    [("anthropic", "anthropic"), ("meta", "meta llama"), ("mistral", "mistral text"), ("Qwen", "openai-like")],
)
@pytest.mark.row("B1.16")
def test_an_imported_model_gets_the_body_of_its_provider(provider: str, family: str) -> None:
    """Behind an ARN the provider alone decides."""
    assert family_of(ARN, provider).name == family
