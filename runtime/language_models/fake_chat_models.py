"""Chat models that follow a script: for tests, examples and benchmarks. No network, always the same answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ..messages import AIMessage, AIMessageChunk, BaseMessage
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from ..runnables.config import RunnableConfig, get_config_list
from .chat_models import BaseChatModel, SimpleChatModel

__all__ = [
    "FakeChatModel",
    "FakeListChatModel",
    "FakeListChatModelError",
    "FakeMessagesListChatModel",
    "GenericFakeChatModel",
    "ParrotFakeChatModel",
    "ScriptedChatModel",
]


class FakeListChatModelError(Exception):
    """The failure that a script asks for."""


class FakeMessagesListChatModel(BaseChatModel):
    """A chat model that gives its messages in turn, round and round.

    Args:
        responses: The messages.
        sleep: How long it takes for an answer, in seconds.
        i: Which one comes next.
    """

    responses: list[BaseMessage]
    sleep: float | None = None
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-messages-list-chat-model"

    def cache_fields(self) -> Mapping[str, Any]:
        """Return the messages: which one comes next is no part of what is asked."""
        return {"responses": self.responses}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.sleep is not None:
            time.sleep(self.sleep)
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return ChatResult(generations=[ChatGeneration(message=response)])


class FakeListChatModel(SimpleChatModel):
    """A chat model that gives its responses in turn, round and round; it streams letter by letter.

    A batch asks it in order, so that each input gets its own response.

    Args:
        responses: The responses.
        sleep: How long it takes for an answer, and for each letter of a stream, in seconds.
        i: Which one comes next.
        error_on_chunk_number: Raise a FakeListChatModelError in place of this letter of a stream, counted from 0.
    """

    responses: list[str]
    sleep: float | None = None
    i: int = 0
    error_on_chunk_number: int | None = None

    @property
    def _llm_type(self) -> str:
        return "fake-list-chat-model"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"responses": self.responses}

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
        if self.sleep is not None:
            time.sleep(self.sleep)
        return self._next()

    def _chunks(self) -> Iterator[ChatGenerationChunk]:
        response = self._next()
        for place, letter in enumerate(response):
            if place == self.error_on_chunk_number:
                raise FakeListChatModelError(f"The fake model fails at chunk {place}, as it was told to.")
            yield _chunk(letter, is_last=place == len(response) - 1)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._chunks():
            if self.sleep is not None:
                time.sleep(self.sleep)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks():
            if self.sleep is not None:
                await asyncio.sleep(self.sleep)
            yield chunk

    def batch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the answers to several inputs, asked in order.

        Args:
            inputs: The inputs.
            config: One for all, or one each.
            return_exceptions: Whether exceptions are put into the list.
            kwargs: Passed on to the model.
        """
        return super().batch(inputs, _in_order(config, inputs), return_exceptions=return_exceptions, **kwargs)

    async def abatch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """Return the answers to several inputs, asked in order, on an event loop.

        Args:
            inputs: The inputs.
            config: One for all, or one each.
            return_exceptions: Whether exceptions are put into the list.
            kwargs: Passed on to the model.
        """
        return await super().abatch(inputs, _in_order(config, inputs), return_exceptions=return_exceptions, **kwargs)


def _in_order(config: RunnableConfig | Sequence[RunnableConfig] | None, inputs: Sequence[Any]) -> list[RunnableConfig]:
    return [{**one, "max_concurrency": 1} for one in get_config_list(config, len(inputs))]


def _chunk(content: str, *, is_last: bool = False, **fields: Any) -> ChatGenerationChunk:
    position = "last" if is_last else None
    return ChatGenerationChunk(message=AIMessageChunk(content=content, chunk_position=position, **fields))


class FakeChatModel(SimpleChatModel):
    """A chat model that gives "fake response" to everything."""

    @property
    def _llm_type(self) -> str:
        return "fake-chat-model"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"key": "fake"}

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return "fake response"


class GenericFakeChatModel(BaseChatModel):
    """A chat model that gives messages from an iterator; it streams word by word, spaces apart.

    Additional arguments of a message follow its words: a function call at its commas, others in one chunk each.

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
        if not isinstance(message.content, str):
            raise ValueError(  # noqa: TRY004 - documented as a ValueError
                f"The fake model streams texts, but the message's content is {message.content!r}."
            )
        words = [word for word in re.split(r"(\s)", message.content) if word]
        rest = list(_pieces(message.additional_kwargs))
        for place, word in enumerate(words):
            yield _chunk(word, id=message.id, is_last=not rest and place == len(words) - 1)
        for piece in rest:
            yield _chunk("", id=message.id, additional_kwargs=piece)


def _pieces(additional: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in additional.items():
        if name != "function_call":
            yield {name: value}
            continue
        for key, part in value.items():
            for piece in re.split(r"(,)", part) if isinstance(part, str) else (part,):
                yield {name: {key: piece}}


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
