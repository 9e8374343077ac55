"""What model ids say of the model, of its maker, and why models stop."""

import pytest

from spanloom.runtime.models.bedrock.identity import GEO_PREFIXES, base_id, is_arn, provider_of
from spanloom.runtime.models.bedrock.reasons import normal_reason

ARN = "arn:aws:bedrock:us-east-1:123456789012:"


@pytest.mark.parametrize("geo", sorted(GEO_PREFIXES))
@pytest.mark.row("B1.16")
def test_the_maker_is_read_behind_every_geography(geo: str) -> None:
    """An inference profile's id names the geography before the maker."""
    assert provider_of(f"{geo}.anthropic.claude-3-haiku-20240307-v1:0") == "anthropic"
    assert base_id(f"{geo}.meta.llama3-1-8b-instruct-v1:0") == "meta.llama3-1-8b-instruct-v1:0"


@pytest.mark.parametrize(
    ("model_id", "provider"),
    [
        ("amazon.titan-text-express-v1", "amazon"),
        ("deepseek.v3-v1:0", "deepseek"),
        ("mx.anthropic.claude-v2", "anthropic"),
        ("somebody.model.v1", "somebody"),
    ],
)
def test_a_geography_that_is_new_is_known_by_the_maker_behind_it(model_id: str, provider: str) -> None:
    """Only a known maker in second place makes the first word a geography."""
    assert provider_of(model_id) == provider


@pytest.mark.parametrize("kind", ["custom-model/a/b", "imported-model/x", "application-inference-profile/y"])
@pytest.mark.row("B1.14")
@pytest.mark.row("B1.16")
def test_an_arn_needs_the_provider(kind: str) -> None:
    """An ARN does not say whose body the model takes, so the maker must be given."""
    with pytest.raises(ValueError, match="give the provider too"):
        provider_of(ARN + kind)
    assert provider_of(ARN + kind, "Meta") == "meta"
    assert base_id(ARN + kind) == ARN + kind
    assert is_arn(ARN + kind)


def test_an_arn_that_holds_a_models_id_gives_it() -> None:
    """Foundation models and geographic profiles are named in their ARN."""
    assert base_id("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2") == "anthropic.claude-v2"
    assert base_id(f"{ARN}inference-profile/us.amazon.nova-lite-v1:0") == "amazon.nova-lite-v1:0"


@pytest.mark.parametrize(
    ("native", "normal"),
    [
        ("end_turn", "stop"),
        ("FINISH", "stop"),
        ("COMPLETE", "stop"),
        ("endoftext", "stop"),
        ("LENGTH", "length"),
        ("MAX_TOKENS", "length"),
        ("tool_use", "tool_call"),
        ("tool_calls", "tool_call"),
        ("guardrail_intervened", "content_filter"),
        ("CONTENT_FILTERED", "content_filter"),
        ("ERROR", "error"),
        ("a word of tomorrow", None),
        (None, None),
    ],
)
def test_reasons_have_one_vocabulary(native: str | None, normal: str | None) -> None:
    """Words that are not known stay without a normal one."""
    assert normal_reason(native) == normal
