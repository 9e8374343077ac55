"""Chat models: messages in, a message out, token by token where the provider streams.

A provider writes `_generate`, or `_stream` or `_astream` where it can stream; what it leaves out follows from what it
wrote, on an event loop by a worker thread. Every chunk of a call carries the id `run-<run id>`, or the provider's own;
what the provider yields and returns is not changed. A call made while somebody reads events streams inside, so that
the tokens are seen; its answer is the same. So does every call of a model whose class has a field `streaming` that is
set. `disable_streaming` forbids both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, manager_of
from ...tracing.lineage import SpanFacts
from ...tracing.scope import RunScope
from ..exceptions import ModelError
from ..messages import AIMessage, BaseMessage, BaseMessageChunk, message_chunk_to_message
from ..messages.merge import merge_dicts
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult, LLMResult
from ..rate_limiters import BaseRateLimiter
from ..runnables.base import Runnable
from ..runnables.io import Io, fold, folded
from ..runnables.io_loop import ThreadedIteration, in_thread
from ..runnables.serializable import is_async_nearest
from .answers import agenerate_from_stream, copied, generate_from_stream, named, told, without_run_id
from .base import FORMAT
from .caching import cache_entry
from .generating import GeneratingChats
from .notices import tell_last_notices
from .spans import (
    admitted,
    give_token,
    keep_partial,
    log_answer,
    tell_answer,
    tell_first,
    tell_pace,
    tell_streaming,
    wants_tokens,
)
from .writing import managers, nothing_written, writes

__all__ = ["BaseChatModel", "SimpleChatModel", "agenerate_from_stream", "generate_from_stream"]


class BaseChatModel(GeneratingChats):
    """The base of chat models.

    Args:
        disable_streaming: True: the provider is never asked to stream, so that a stream has one chunk; tool_calling:
            not where the call has `tools`.
        rate_limiter: What each request to the provider waits for.
    """

    run_type: ClassVar[str] = "chat_model"

    disable_streaming: bool | Literal["tool_calling"] = False
    rate_limiter: BaseRateLimiter | None = Field(default=None, exclude=True)

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
        return generate_from_stream(self._stream(messages, stop=stop, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Return the model's answer to the messages, on an event loop; here `_generate` in a worker thread."""
        if writes(self, "_astream", BaseChatModel) and not writes(self, "_generate", BaseChatModel):
            return await agenerate_from_stream(self._astream(messages, stop=stop, **kwargs))
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

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Runnable[Any, Any]:
        """Return the model with tools that it may ask to be called, where it can; here it cannot.

        Args:
            tools: The tools.
            tool_choice: Which tool it must call; `any` for whichever it likes.
            kwargs: By model.

        Raises:
            NotImplementedError: Always; models that can override this.
        """
        raise NotImplementedError(f"{type(self).__name__} takes no tools.")

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> Runnable[Any, Any]:
        """Return a runnable that answers in the shape of the schema; for models that write `bind_tools`.

        A pydantic class gives its objects, any other schema dicts; None where the model called no tool.

        Args:
            schema: A pydantic class, a typed dict, a JSON schema with a title, or an OpenAI function.
            include_raw: Give a dict of `raw`, `parsed` and `parsing_error` instead, and raise nothing where the answer
                cannot be parsed.
            kwargs: `method` and `strict`, which mean nothing here: models override this that know them.

        Raises:
            ValueError: If other arguments are given, or the schema is none.
            NotImplementedError: If the model writes no `bind_tools`.
        """
        unknown = {key: value for key, value in kwargs.items() if key not in ("method", "strict")}
        if unknown:
            raise ValueError(f"with_structured_output was given {unknown!r}; it takes schema and include_raw.")
        if not writes(self, "bind_tools", BaseChatModel):
            raise NotImplementedError(
                f"{type(self).__name__} takes no tools, so it has no structured output; parse its answer instead."
            )
        from .structured import shaped, with_raw  # loaded when used: it needs all of tools and parsers

        arguments, parser = shaped(schema)
        model = self.bind_tools([schema], **arguments)
        return with_raw(model, parser) if include_raw else model | parser

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
        kwargs.pop(FORMAT, None)
        entry = cache_entry(self, messages, stop, kwargs)
        kept = None if entry is None else await entry.found(io, ChatGeneration)
        if kept is not None:
            return self._ended(ChatResult(generations=kept), io.scope)
        if wants_tokens(self, io) and self._can_stream(io, kwargs):
            total = fold([message async for message in self._tokens(messages, stop, io, kwargs)])
            info = io.scope.details.get("info")
            whole = ChatGeneration(message=message_chunk_to_message(total), generation_info=info)
            result = self._ended(ChatResult(generations=[whole]), io.scope)
        else:
            result = self._ended(await self._answered(messages, stop, io, kwargs), io.scope)
        if entry is not None:
            await entry.keep(io, [without_run_id(generation) for generation in result.generations])
        return result

    async def _answered(
        self, messages: list[BaseMessage], stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> ChatResult:
        own = list(messages)
        given: list[Any] = []
        try:
            if self.rate_limiter is not None:
                await admitted(io, self.rate_limiter)
            if not io.blocking and is_async_nearest(type(self), "_agenerate", "_generate"):
                managed = managers(self, "_agenerate", io.manager)
                result = await self._agenerate(own, stop=stop, **managed, **kwargs)
            else:
                managed = managers(self, "_generate", manager_of(io.scope, blocking=True))
                result = await io.call(self._generate, own, stop=stop, **managed, **kwargs)
            given = result.generations
            await tell_last_notices(io)
        except BaseException:
            await keep_partial(io, [given])
            raise
        return result

    def _can_stream(self, io: Io, kwargs: Mapping[str, Any]) -> bool:
        if self.disable_streaming and (self.disable_streaming is True or kwargs.get("tools")):
            return False
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
        kwargs.pop(FORMAT, None)
        if not self._can_stream(io, kwargs):
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
        if self.rate_limiter is not None:
            await admitted(io, self.rate_limiter)
        source: AsyncIterator[ChatGenerationChunk]
        if not io.blocking and is_async_nearest(type(self), "_astream", "_stream"):
            source = self._astream(own, stop=stop, **kwargs)
        else:
            source = io.iterate(lambda: self._stream(own, stop=stop, **kwargs))
        tell_streaming(scope)
        said: list[Any] = []
        known: Mapping[str, Any] = {}
        infos: list[dict[str, Any]] = []
        kept: list[BaseMessageChunk] = []
        now_ns = scope.timeline.now_ns
        first_ns = last_ns = longest_ns = 0
        try:
            async for chunk in source:
                given, info, came_ns = chunk.message, chunk.generation_info, now_ns()
                message = named(given, info, run_id)
                if info:
                    infos.append(info)
                metadata = message.response_metadata
                if (
                    (metadata and metadata != known)
                    or getattr(message, "usage_metadata", None)
                    or (given.id and not kept)
                ):
                    said.append(message)
                    known = metadata
                if not kept:
                    first_ns = came_ns
                    tell_first(scope, first_ns)
                elif came_ns - last_ns > longest_ns:
                    longest_ns = came_ns - last_ns
                last_ns = came_ns
                kept.append(message)
                if scope.handlers and message is not given:
                    chunk = copied(chunk, {"message": message})
                await give_token(io, chunk.text, chunk, message)
                yield message
            await tell_last_notices(io)
            if not kept:
                raise ModelError(f"{type(self).__name__} streamed no chunk at all; no generation chunks were returned.")
        except BaseException:
            if scope.handlers:
                await keep_partial(io, [[ChatGenerationChunk(message=folded(kept))] if kept else []])
            raise
        finally:
            tell_pace(scope, len(kept), last_ns - first_ns, longest_ns)
            if infos:
                scope.details["info"] = merge_dicts(*infos)
            if said:
                _tell(scope, fold(said))
            await io.close(source)

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
        generations = [told(g, shared, f"{run_id}-{place}") for place, g in enumerate(result.generations)]
        scope.details["end"] = LLMResult(generations=[list(generations)], llm_output=result.llm_output)
        _tell(scope, generations[0].message)
        if self.verbose:
            log_answer(self.get_name(), generations[0].text)
        return copied(result, {"generations": generations})

    def answer(self, value: ChatResult, scope: RunScope) -> Any:
        """Return the message that the caller gets.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0].message


def _tell(scope: RunScope, message: BaseMessage) -> None:
    tell_answer(scope, message.response_metadata, getattr(message, "usage_metadata", None), message.id)


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
