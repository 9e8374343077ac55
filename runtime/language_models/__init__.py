"""Language models: the bases that providers build on, and models that follow a script."""

from .base import BaseLanguageModel, LangSmithParams, LanguageModelInput, LanguageModelLike, LanguageModelOutput
from .chat_models import BaseChatModel, SimpleChatModel
from .fake import FakeListLLM, FakeStreamingListLLM
from .fake_chat_models import (
    FakeChatModel,
    FakeListChatModel,
    FakeMessagesListChatModel,
    GenericFakeChatModel,
    ParrotFakeChatModel,
    ScriptedChatModel,
)
from .llms import LLM, BaseLLM

__all__ = [
    "LLM",
    "BaseChatModel",
    "BaseLLM",
    "BaseLanguageModel",
    "FakeChatModel",
    "FakeListChatModel",
    "FakeListLLM",
    "FakeMessagesListChatModel",
    "FakeStreamingListLLM",
    "GenericFakeChatModel",
    "LangSmithParams",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
    "ParrotFakeChatModel",
    "ScriptedChatModel",
    "SimpleChatModel",
]
