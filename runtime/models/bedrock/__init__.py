"""Amazon Bedrock: models, guardrails and retrieval.

Importing this loads nothing else; a name loads what it needs when it is first used, and no name loads an AWS library:
a model's first call does.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .apply_guardrail import ApplyGuardrail
    from .base import BedrockBase
    from .chat import ChatBedrock
    from .chat_converse import ChatBedrockConverse
    from .llm import BedrockLLM
    from .retriever import AmazonKnowledgeBasesRetriever

__all__ = [
    "AmazonKnowledgeBasesRetriever",
    "ApplyGuardrail",
    "BedrockBase",
    "BedrockLLM",
    "ChatBedrock",
    "ChatBedrockConverse",
]

_ROOM_OF = {
    "AmazonKnowledgeBasesRetriever": "retriever",
    "ApplyGuardrail": "apply_guardrail",
    "BedrockBase": "base",
    "BedrockLLM": "llm",
    "ChatBedrock": "chat",
    "ChatBedrockConverse": "chat_converse",
}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{room}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
