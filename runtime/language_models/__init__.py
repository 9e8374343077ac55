"""Language models: the bases that providers build on, and models that follow a script."""

from .base import BaseLanguageModel, LanguageModelInput
from .chat_models import BaseChatModel, SimpleChatModel
from .fake import FakeListChatModel, FakeListLLM, GenericFakeChatModel, ParrotFakeChatModel, ScriptedChatModel
from .llms import LLM, BaseLLM

__all__ = [
    "LLM",
    "BaseChatModel",
    "BaseLLM",
    "BaseLanguageModel",
    "FakeListChatModel",
    "FakeListLLM",
    "GenericFakeChatModel",
    "LanguageModelInput",
    "ParrotFakeChatModel",
    "ScriptedChatModel",
    "SimpleChatModel",
]
