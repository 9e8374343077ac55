"""Chat models: messages in, a message out, token by token where the provider streams.

A provider writes `_generate`, or `_stream` or `_astream` where it can stream; what it leaves out follows from what it
wrote, on an event loop by a worker thread. Every chunk of a call carries the id `run-<run id>`, or the provider's own;
what the provider yields and returns is not changed. A call made while somebody reads events streams inside, so that
the tokens are seen; its answer is the same.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, manager_of
from ...tracing.lineage import SpanFacts
from ...tracing.scope import RunScope
from ..exceptions import ModelError
from ..messages import AIMessage, BaseMessage, BaseMessageChunk, message_chunk_to_message
from ..messages.merge import merge_dicts
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from ..runnables.base import Runnable
from ..runnables.io import Io, fold
from ..runnables.io_loop import ThreadedIteration, in_thread
from ..runnables.serializable import is_async_nearest
from .base import BaseLanguageModel
from .caching import cache_entry
from .spans import aware_of_streams, give_token, log_answer, tell_answer, tell_streaming
from .writing import managers, nothing_written, writes

__all__ = ["BaseChatModel", "SimpleChatModel"]

_set = object.__setattr__
_Model = TypeVar("_Model", bound=BaseModel)


class BaseChatModel(BaseLanguageModel):
    """The base of chat models."""

    run_type: ClassVar[str] = "chat_model"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the model's answer to the messages; here the sum of `_stream`."""
        if not writes(self, "_stream", BaseChatModel):
            raise nothing_written(self, writes(self, "_astream", BaseChatModel))
        return _summed(list(self._stream(messages, stop=stop, **kwargs)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the model's answer to the messages, on an event loop; here `_generate` in a worker thread."""
        if writes(self, "_astream", BaseChatModel) and not writes(self, "_generate", BaseChatModel):
            return _summed([chunk async for chunk in self._astream(messages, stop=stop, **kwargs)])
        managed = managers(self, "_generate", run_manager.get_sync() if run_manager else None)
        result: ChatResult = await in_thread(self._generate, messages, stop=stop, **managed, **kwargs)
        return result

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
        """Yield the model's answer as it comes, on an event loop; here `_stream`, read by a worker thread."""
        return ThreadedIteration(lambda: self._stream(messages, stop=stop, **kwargs))

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, Any]:
        """Return the model with tools that it may ask to be called, where it can; here it cannot.

        Args:
            tools: The tools.
            kwargs: By model.

        Raises:
            NotImplementedError: Always; models that can override this.
        """
        raise NotImplementedError(f"{type(self).__name__} takes no tools.")

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
        details: dict[str, Any] = {"messages": messages}
        scope.details = details
        if scope.handlers:
            rest = {key: item for key, item in kwargs.items() if key != "stop"}
            details["start"] = ([list(messages)],)
            details["serialized"] = self.serialized()
            details["start_kwargs"] = self.start_details(kwargs.get("stop"), rest)
        return {"messages": [messages]}

    async def body(self, value: Any, io: Io, /, *, stop: list[str] | None = None, **kwargs: Any) -> Any:
        """Return the model's answer, from its cache where it has one.

        Args:
            value: The input.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If the model is to use the global cache and none is set.
            ModelError: If the provider gives no answer at all.
        """
        messages = io.scope.details["messages"]
        entry = cache_entry(self, messages, stop, kwargs)
        kept = None if entry is None else await entry.found(io, ChatGeneration)
        if kept is not None:
            return self._ended(ChatResult(generations=kept), io.scope)
        if aware_of_streams(io) and self._can_stream(io):
            total = fold([message async for message in self._tokens(messages, stop, io, kwargs)])
            info = io.scope.details.get("info")
            whole = ChatGeneration(message=message_chunk_to_message(total), generation_info=info)
            result = self._ended(ChatResult(generations=[whole]), io.scope)
        else:
            result = self._ended(await self._answered(messages, stop, io, kwargs), io.scope)
        if entry is not None:
            await entry.keep(io, [_without_run_id(generation) for generation in result.generations])
        return result

    async def _answered(
        self, messages: list[BaseMessage], stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> ChatResult:
        own = list(messages)
        if not io.blocking and is_async_nearest(type(self), "_agenerate", "_generate"):
            managed = managers(self, "_agenerate", io.manager)
            return await self._agenerate(own, stop=stop, **managed, **kwargs)
        managed = managers(self, "_generate", manager_of(io.scope, blocking=True))
        result: ChatResult = await io.call(self._generate, own, stop=stop, **managed, **kwargs)
        return result

    def _can_stream(self, io: Io) -> bool:
        return writes(self, "_stream", BaseChatModel) or (not io.blocking and writes(self, "_astream", BaseChatModel))

    async def flow(
        self, chunks: AsyncIterator[Any], io: Io, /, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Yield the model's message chunks as they come; its whole message where it cannot stream.

        Args:
            chunks: The input, in one chunk.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.

        Raises:
            ModelError: If the provider gives no answer at all.
        """
        messages = io.scope.details["messages"]
        if not self._can_stream(io):
            result = self._ended(await self._answered(messages, stop, io, kwargs), io.scope)
            yield result.generations[0].message
            return
        tokens = self._tokens(messages, stop, io, kwargs)
        shown: list[str] = []
        try:
            async for message in tokens:
                if self.verbose:
                    shown.append(str(message.text))
                yield message
        finally:
            await io.close(tokens)
        if self.verbose:
            log_answer(self.get_name(), "".join(shown))

    async def _tokens(
        self, messages: list[BaseMessage], stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> AsyncIterator[BaseMessageChunk]:
        scope, run_id = io.scope, f"run-{io.scope.run.id}"
        own = list(messages)
        source: AsyncIterator[ChatGenerationChunk]
        if not io.blocking and is_async_nearest(type(self), "_astream", "_stream"):
            source = self._astream(own, stop=stop, **kwargs)
        else:
            source = io.iterate(lambda: self._stream(own, stop=stop, **kwargs))
        tell_streaming(scope)
        said: list[Any] = []
        infos: list[dict[str, Any]] = []
        message: Any = None
        try:
            async for chunk in source:
                given, info, is_first = chunk.message, chunk.generation_info, message is None
                message = _named(given, info, run_id)
                if info:
                    infos.append(info)
                if message.response_metadata or getattr(message, "usage_metadata", None) or (is_first and given.id):
                    said.append(message)
                if scope.handlers and message is not given:
                    chunk = _copied(chunk, {"message": message})
                await give_token(io, chunk.text, chunk, message)
                yield message
        finally:
            if infos:
                scope.details["info"] = merge_dicts(*infos)
            if said:
                _tell(scope, fold(said))
            await io.close(source)
        if message is None:
            raise ModelError(f"{type(self).__name__} streamed no chunk at all; no generation chunks were returned.")

    def shown_output(self, value: ChatResult, scope: RunScope) -> Any:
        """Return the first message of the answer, as records show it.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0].message

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the sum of the streamed chunks.

        Args:
            chunks: The message chunks.
            scope: The run.
        """
        message = fold(chunks)
        if "end" not in scope.details:
            generation = ChatGenerationChunk(message=message, generation_info=scope.details.get("info"))
            scope.details["end"] = LLMResult(generations=[[generation]])
        return message

    def _ended(self, result: ChatResult, scope: RunScope) -> ChatResult:
        """Return the answer with ids and metadata in its messages; the provider's own objects stay as they are."""
        if not result.generations:
            raise ModelError(f"{type(self).__name__} returned no generation; its answer was {result!r}.")
        shared = result.llm_output if len(result.generations) == 1 else None
        run_id = f"run-{scope.run.id}"
        generations = [_told(g, shared, f"{run_id}-{place}") for place, g in enumerate(result.generations)]
        scope.details["end"] = LLMResult(generations=[list(generations)], llm_output=result.llm_output)
        _tell(scope, generations[0].message)
        if self.verbose:
            log_answer(self.get_name(), generations[0].text)
        return _copied(result, {"generations": generations})

    def answer(self, value: ChatResult, scope: RunScope) -> Any:
        """Return the message that the caller gets.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0].message


def _tell(scope: RunScope, message: BaseMessage) -> None:
    tell_answer(scope, message.response_metadata, getattr(message, "usage_metadata", None), message.id)


def _told(generation: ChatGeneration, shared: Mapping[str, Any] | None, name: str) -> ChatGeneration:
    """Return the generation with an id and its metadata in its message, as a copy where anything changes."""
    message = generation.message
    metadata = {**(shared or {}), **(generation.generation_info or {}), **message.response_metadata}
    if message.id is not None and metadata == message.response_metadata:
        return generation
    told = _copied(message, {"id": message.id or name, "response_metadata": metadata})
    return _copied(generation, {"message": told})


def _named(message: BaseMessageChunk, info: Mapping[str, Any] | None, name: str) -> BaseMessageChunk:
    """Return the chunk with an id and its info in its metadata, as a copy where anything changes."""
    if info:
        return _copied(message, {"id": message.id or name, "response_metadata": {**info, **message.response_metadata}})
    return message if message.id is not None else _copied(message, {"id": name})


def _copied(model: _Model, changes: Mapping[str, Any]) -> _Model:
    """Return a copy with other values for some fields; pydantic's own takes twice the time, for every token."""
    made = model.__class__.__new__(model.__class__)
    _set(made, "__dict__", {**model.__dict__, **changes})
    _set(made, "__pydantic_fields_set__", {*model.__pydantic_fields_set__, *changes})
    _set(made, "__pydantic_extra__", model.__pydantic_extra__)
    _set(made, "__pydantic_private__", model.__pydantic_private__)
    return made


def _summed(chunks: list[ChatGenerationChunk]) -> ChatResult:
    """Return streamed chunks as one answer; none for none."""
    if not chunks:
        return ChatResult(generations=[])
    total: ChatGenerationChunk = fold(chunks)
    message = message_chunk_to_message(total.message)
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=total.generation_info)])


def _without_run_id(generation: ChatGeneration) -> ChatGeneration:
    """Return the generation without an id that names this run: the next run that gets it has its own."""
    if not (generation.message.id or "").startswith("run-"):
        return generation
    return _copied(generation, {"message": _copied(generation.message, {"id": None})})


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
