"""Model ids of Bedrock: what they say of the model and of who made it.

An id is a foundation model (`anthropic.claude-v2`), an inference profile of a geography (`us.anthropic.claude-...`) or
an ARN. The ARN of a foundation model or of a geographic profile holds the model's id; those of custom, imported and
provisioned models and of application profiles do not. A geography that is not known yet is recognised where a known
maker follows it.
"""

from __future__ import annotations

__all__ = ["GEO_PREFIXES", "base_id", "is_arn", "provider_of"]

GEO_PREFIXES = frozenset({"us", "eu", "us-gov", "apac", "sa", "amer", "global", "jp", "au", "ca"})
"""What inference profiles put before a model's id: where in the world the call may be served."""

_MAKERS = frozenset(
    {
        "ai21",
        "amazon",
        "anthropic",
        "cohere",
        "deepseek",
        "google",
        "luma",
        "meta",
        "minimax",
        "mistral",
        "moonshot",
        "moonshotai",
        "nvidia",
        "openai",
        "qwen",
        "stability",
        "twelvelabs",
        "writer",
        "zai",
    }
)
_NAMING_RESOURCES = ("foundation-model/", "inference-profile/")


def is_arn(model_id: str) -> bool:
    """Return whether the id is an Amazon resource name.

    Args:
        model_id: The id.
    """
    return model_id.startswith("arn:")


def base_id(model_id: str) -> str:
    """Return the id of the foundation model, without geography; an ARN that does not hold one is returned as it is.

    Args:
        model_id: The id, with or without geography, or an ARN.
    """
    if is_arn(model_id):
        resource = model_id.split(":", 5)[-1]
        held = next((resource[len(kind) :] for kind in _NAMING_RESOURCES if resource.startswith(kind)), "")
        return base_id(held) if "." in held else model_id
    first, _, rest = model_id.partition(".")
    is_geo = first in GEO_PREFIXES or (first not in _MAKERS and rest.partition(".")[0] in _MAKERS)
    return rest if rest and is_geo else model_id


def provider_of(model_id: str, provider: str | None = None) -> str:
    """Return who made the model, in lower case: `anthropic`, `amazon`, `meta`, ...

    Args:
        model_id: The id.
        provider: The maker where the caller knows it; returned then.

    Raises:
        ValueError: If the id is an ARN and no provider is given.
    """
    if provider:
        return provider.lower()
    if is_arn(model_id):
        raise ValueError(
            f"The model id {model_id!r} is an ARN, which does not say in which form the model takes its input; "
            "give the provider too, such as provider='anthropic'."
        )
    return base_id(model_id).partition(".")[0].lower()
