"""Chat models: messages in, a message out, token by token where the provider streams.

A provider writes `_generate`, and `_stream` or `_astream` where it can stream; async twins default to a worker thread.
Every chunk of a call carries the id `run-<run id>`. A call made while somebody reads events streams inside, so that
the tokens are seen; its answer is the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, manager_of
from ...tracing.scope import RunScope, SpanFacts
from ..messages import AIMessage, BaseMessage, BaseMessageChunk, message_chunk_to_message
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from ..runnables.io import Io, fold
from .base import BaseLanguageModel, aware_of_streams, give_token, tell_usage

__all__ = ["BaseChatModel", "SimpleChatModel"]


class BaseChatModel(BaseLanguageModel):
    """The base of chat models."""

    run_type: ClassVar[str] = "chat_model"

    @abstractmethod
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the model's answer to the messages."""

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the model's answer to the messages, on an event loop."""
        raise NotImplementedError

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        """Yield the model's answer as it comes."""
        raise NotImplementedError

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """Yield the model's answer as it comes, on an event loop."""
        raise NotImplementedError

    def span_facts(self) -> SpanFacts:
        """Return what the span of a call says."""
        return self.facts("chat")

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the messages as records show them.

        Args:
            value: The input.
            scope: The run.
            kwargs: What the caller passed on.
        """
        messages = self.prompt_of(value).to_messages()
        scope.details = {
            "messages": messages,
            "start": ([messages],),
            "serialized": {"name": type(self).__name__, "id": [*type(self).__module__.split("."), type(self).__name__]},
            "start_kwargs": {"invocation_params": {"_type": self._llm_type, **self._identifying_params}},
        }
        return {"messages": [messages]}

    async def body(self, value: Any, io: Io, /, *, stop: list[str] | None = None, **kwargs: Any) -> Any:
        """Return the model's answer.

        Args:
            value: The input.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.
        """
        messages = io.scope.details["messages"]
        if aware_of_streams(io) and self._can_stream(io):
            chunks = [chunk async for chunk in self._tokens(messages, stop, io, kwargs)]
            total = fold(chunks)
            generation = ChatGeneration(
                message=message_chunk_to_message(total.message), generation_info=total.generation_info
            )
            return ChatResult(generations=[generation])
        result = await self._answered(messages, stop, io, kwargs)
        for place, generation in enumerate(result.generations):
            message = generation.message
            if message.id is None:
                message.id = f"run-{io.scope.run.id}-{place}"
            if generation.generation_info:
                message.response_metadata = {**generation.generation_info, **message.response_metadata}
        return result

    async def _answered(
        self, messages: list[BaseMessage], stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> ChatResult:
        if not io.blocking and _writes(self, "_agenerate", BaseChatModel):
            return await self._agenerate(messages, stop=stop, run_manager=io.manager, **kwargs)  # type: ignore[arg-type]
        manager = manager_of(io.scope, blocking=True)
        result: ChatResult = await io.call(self._generate, messages, stop=stop, run_manager=manager, **kwargs)
        return result

    def _can_stream(self, io: Io) -> bool:
        return _writes(self, "_stream", BaseChatModel) or (not io.blocking and _writes(self, "_astream", BaseChatModel))

    async def flow(
        self, chunks: AsyncIterator[Any], io: Io, /, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Yield the model's message chunks as they come; its whole message where it cannot stream.

        Args:
            chunks: The input, in one chunk.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.
        """
        messages = io.scope.details["messages"]
        if not self._can_stream(io):
            result = await self._answered(messages, stop, io, kwargs)
            message = result.generations[0].message
            if message.id is None:
                message.id = f"run-{io.scope.run.id}-0"
            yield message
            return
        tokens = self._tokens(messages, stop, io, kwargs)
        try:
            async for chunk in tokens:
                yield chunk.message
        finally:
            await io.close(tokens)

    async def _tokens(
        self, messages: list[BaseMessage], stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> AsyncIterator[ChatGenerationChunk]:
        run_id = f"run-{io.scope.run.id}"
        source: AsyncIterator[ChatGenerationChunk]
        if not io.blocking and _writes(self, "_astream", BaseChatModel):
            source = self._astream(messages, stop=stop, **kwargs)
        else:
            source = io.iterate(lambda: self._stream(messages, stop=stop, **kwargs))
        try:
            async for chunk in source:
                message = chunk.message
                if message.id is None:
                    message.id = run_id
                if chunk.generation_info:
                    message.response_metadata = {**chunk.generation_info, **message.response_metadata}
                await give_token(io, chunk.text, chunk, message)
                yield chunk
        finally:
            await io.close(source)

    def shown_output(self, value: ChatResult, scope: RunScope) -> Any:
        """Return the first message of the answer, as records show it.

        Args:
            value: The answer.
            scope: The run.
        """
        message = value.generations[0].message
        self._ended(message, list(value.generations), value.llm_output, scope)
        return message

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the sum of the streamed chunks.

        Args:
            chunks: The message chunks.
            scope: The run.
        """
        message = fold(chunks) if chunks else AIMessage(content="")
        wrap = ChatGenerationChunk if isinstance(message, BaseMessageChunk) else ChatGeneration
        self._ended(message, [wrap(message=message)], None, scope)
        return message

    def _ended(self, message: BaseMessage, generations: list[Any], llm_output: Any, scope: RunScope) -> None:
        scope.details["end"] = LLMResult(generations=[generations], llm_output=llm_output)
        tell_usage(scope, getattr(message, "usage_metadata", None), message.response_metadata)

    def answer(self, value: ChatResult, scope: RunScope) -> Any:
        """Return the message that the caller gets.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0].message


class SimpleChatModel(BaseChatModel):
    """A chat model that answers with a text: write `_call`."""

    @abstractmethod
    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the text of the answer."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        text = self._call(messages, stop=stop, run_manager=run_manager, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def _writes(model: BaseLanguageModel, method: str, base: type[Any]) -> bool:
    """Return whether the model's class has a method of its own in place of the base's."""
    return getattr(type(model), method) is not getattr(base, method)
