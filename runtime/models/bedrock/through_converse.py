"""A chat model by InvokeModel, asked through Converse instead: the same settings in the other API's words."""

from __future__ import annotations

from typing import Any

from .base import BedrockBase
from .chat_converse import ChatBedrockConverse
from .converse.settings import ADDITIONAL_FIELDS
from .guardrails import GuardrailSettings

__all__ = ["through_converse"]

_NAMES = {"guardrails": "guardrail_config"}


def through_converse(model: BedrockBase) -> ChatBedrockConverse:
    """Return the model that asks the same through Converse; it shares connections with the one given.

    What stands in `model_kwargs` under the name of a parameter of Converse becomes that parameter, `system` also as the
    one text that Anthropic takes; the rest goes to the model as it is.

    Args:
        model: The model.
    """
    taken = ChatBedrockConverse.model_fields
    named = {_NAMES.get(name, name): getattr(model, name) for name in type(model).model_fields}
    said = {name: value for name, value in named.items() if name in taken and value is not None}
    if GuardrailSettings.read(model.guardrails) is None:
        said.pop("guardrail_config", None)
    if "disable_streaming" not in model.model_fields_set:
        said.pop("disable_streaming", None)
    own: dict[str, Any] = {}
    for name, value in (model.model_kwargs or {}).items():
        (said if name in taken else own)[name] = value
    system = said.pop("system", None) or ()
    texts = [getattr(model, "system_prompt_with_tools", ""), *([system] if isinstance(system, str) else system)]
    said["system"] = [text for text in texts if text] or None
    said[ADDITIONAL_FIELDS] = {**(said.get(ADDITIONAL_FIELDS) or {}), **own} or None
    return ChatBedrockConverse(**said)
