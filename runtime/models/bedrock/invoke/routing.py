"""Which family a model belongs to, by its maker and its id."""

from __future__ import annotations

from ..identity import base_id, provider_of
from .anthropic_messages import AnthropicMessages
from .command_r import CohereCommandR
from .families import Family
from .nova import Nova
from .openai_like import Jamba, MistralChat, OpenAiLike, OpenAiModels
from .text_families import (
    AnthropicText,
    CohereCommand,
    DeepseekText,
    Jurassic,
    Llama,
    MistralText,
    Titan,
    Unknown,
)

__all__ = ["OPENAI_LIKE", "family_of"]

OPENAI_LIKE = frozenset({"google", "minimax", "moonshot", "moonshotai", "nvidia", "qwen", "writer", "zai"})
"""Makers whose models all take OpenAI's messages."""

_TEXT_CLAUDE = ("claude-v1", "claude-v2", "claude-instant")
_TEXT_MISTRAL = ("mistral-7b", "mixtral")
_BOTH_MISTRAL = ("-2402",)


def family_of(model_id: str, provider: str | None = None, *, for_messages: bool = False) -> Family:
    """Return the family whose body a model takes.

    Args:
        model_id: The model; an ARN too, when the provider is given.
        provider: Who made it; read from the id when not given.
        for_messages: Whether it is to be given a conversation: older Claude and Mistral models take both forms.

    Raises:
        ValueError: If the id is an ARN and no provider is given.
    """
    maker, model = provider_of(model_id, provider), base_id(model_id).lower()
    if maker == "anthropic":
        is_text = not for_messages and any(part in model for part in _TEXT_CLAUDE)
        return AnthropicText() if is_text else AnthropicMessages()
    if maker == "amazon":
        return Nova() if "nova" in model else Titan()
    if maker == "cohere":
        return CohereCommandR() if "command-r" in model else CohereCommand()
    if maker == "ai21":
        return Jamba() if "jamba" in model else Jurassic()
    if maker == "mistral":
        return _mistral(model, for_messages=for_messages)
    if maker == "meta":
        return Llama()
    if maker == "deepseek":
        return OpenAiLike() if ".v" in model else DeepseekText()
    if maker == "openai":
        return OpenAiModels()
    return OpenAiLike() if maker in OPENAI_LIKE else Unknown()


def _mistral(model: str, *, for_messages: bool) -> Family:
    is_known = model.startswith("mistral.")
    is_text = not is_known or any(part in model for part in _TEXT_MISTRAL)
    takes_both = any(part in model for part in _BOTH_MISTRAL)
    return MistralText() if is_text or (takes_both and not for_messages) else MistralChat()
