"""Models that follow a script: for tests, examples and benchmarks. No network, always the same answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...tracing.callbacks.run_managers import CallbackManagerForLLMRun
from ..messages import AIMessage, AIMessageChunk, BaseMessage
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from .chat_models import BaseChatModel, SimpleChatModel
from .llms import LLM

__all__ = ["FakeListChatModel", "FakeListLLM", "GenericFakeChatModel", "ParrotFakeChatModel", "ScriptedChatModel"]


class FakeListLLM(LLM):
    """A text model that gives its responses in turn, round and round.

    Args:
        responses: The responses.
        i: Which one comes next.
    """

    responses: list[str]
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-list"

    def cache_fields(self) -> Mapping[str, Any]:
        """Return the responses: which one comes next is no part of what is asked."""
        return {"responses": self.responses}

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return response


class FakeListChatModel(SimpleChatModel):
    """A chat model that gives its responses in turn, round and round; it streams letter by letter.

    Args:
        responses: The responses.
        i: Which one comes next.
    """

    responses: list[str]
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-list-chat-model"

    def cache_fields(self) -> Mapping[str, Any]:
        """Return the responses: which one comes next is no part of what is asked."""
        return {"responses": self.responses}

    def _next(self) -> str:
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return response

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return self._next()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for letter in self._next():
            yield ChatGenerationChunk(message=AIMessageChunk(content=letter))


class GenericFakeChatModel(BaseChatModel):
    """A chat model that gives messages from an iterator; it streams word by word, spaces apart.

    Args:
        messages: An iterator of messages or texts.
    """

    messages: Any

    @property
    def _llm_type(self) -> str:
        return "generic-fake-chat-model"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = next(self.messages)
        answer = AIMessage(content=message) if isinstance(message, str) else message
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._generate(messages, stop, run_manager, **kwargs).generations[0].message
        for word in re.split(r"(\s)", str(message.content)):
            if word:
                yield ChatGenerationChunk(message=AIMessageChunk(content=word, id=message.id))


class ParrotFakeChatModel(BaseChatModel):
    """A chat model that gives the last message back."""

    @property
    def _llm_type(self) -> str:
        return "parrot-fake-chat-model"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=messages[-1].model_copy())])


class ScriptedChatModel(BaseChatModel):
    """A chat model that gives the same tokens on every call.

    Args:
        tokens: The tokens of its answer.
        fail_after: Raise a RuntimeError after so many tokens.
    """

    tokens: Sequence[str]
    fail_after: int | None = None

    @property
    def _llm_type(self) -> str:
        return "scripted-chat-model"

    def _tokens_given(self) -> Iterator[str]:
        for place, token in enumerate(self.tokens):
            if place == self.fail_after:
                raise RuntimeError(f"The scripted model fails after {place} tokens, as it was told to.")
            yield token

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="".join(self._tokens_given())))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for token in self._tokens_given():
            yield ChatGenerationChunk(message=AIMessageChunk(content=token))
