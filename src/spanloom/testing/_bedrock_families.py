"""Which body format of InvokeModel a model takes.

A family is told by the model's id (a geographic prefix such as `us.` and an ARN before it do not matter), and where one
provider has several, or the id says nothing, by the body.
"""

from collections.abc import Mapping
from typing import Any

from ._bedrock_chat_families import CHAT_FAMILIES
from ._bedrock_family import Family
from ._bedrock_script import Refusal
from ._bedrock_text_families import TEXT_FAMILIES

__all__ = ["family_of"]

_FAMILIES = {family.name: family for family in (*CHAT_FAMILIES, *TEXT_FAMILIES)}


def family_of(model_id: str, body: Any) -> Family:
    """Return the family of a model.

    Args:
        model_id: The model's id, inference profile or ARN.
        body: The request's body; it tells where a provider has several formats.

    Raises:
        Refusal: If no family fits.
    """
    keys = body if isinstance(body, dict) else {}
    name = _name_of(model_id.lower().rpartition("/")[2], keys)
    if name is None:
        raise Refusal("ValidationException", "The provided model identifier is invalid.")
    return _FAMILIES[name]


_BY_ID = (
    ("nova", "nova"),
    ("titan", "titan"),
    ("command-r", "command-r"),
    ("cohere", "cohere"),
    ("jamba", "chat"),
    ("ai21", "j2"),
    ("meta", "meta"),
    ("llama", "meta"),
)


def _name_of(model_id: str, keys: Mapping[str, Any]) -> str | None:
    if "anthropic" in model_id or "claude" in model_id:
        return "anthropic" if "messages" in keys or "prompt" not in keys else "anthropic-text"
    for part, name in _BY_ID:
        if part in model_id:
            return name
    is_chat = "messages" in keys or "prompt" not in keys
    if "mistral" in model_id:
        return "mistral-chat" if is_chat else "mistral"
    if "writer" in model_id or "palmyra" in model_id:
        return "writer-chat" if is_chat else "writer"
    if any(part in model_id for part in ("deepseek", "qwen", "openai", "gpt")):
        return "chat" if is_chat else "completion"
    return _by_body(keys)


def _by_body(keys: Mapping[str, Any]) -> str | None:
    """Return the family of an imported or provisioned model, whose ARN tells nothing."""
    if "anthropic_version" in keys:
        return "anthropic"
    if "inputText" in keys:
        return "titan"
    if "max_tokens_to_sample" in keys:
        return "anthropic-text"
    if "max_gen_len" in keys:
        return "meta"
    if "messages" in keys:
        is_nova = (
            any(isinstance(message.get("content"), list) for message in keys["messages"]) and "inferenceConfig" in keys
        )
        return "nova" if is_nova or "schemaVersion" in keys else "chat"
    return "completion" if "prompt" in keys else None
