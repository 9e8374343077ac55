"""ChatBedrockConverse: any chat model of Bedrock through the Converse API.

Requests, answers and events are mapped in `converse`; connections, retries and errors are the transport's. An
answer's content is a list of blocks, also for a single text, so that invoking and streaming give the same;
`message.text` is the text alone. Nothing is asked of AWS when a model is made: which model stands behind an
application inference profile is looked up at the first call, once, to know what it can do.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import model_validator

from ....tracing import log
from ....tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ....tracing.interventions import Intervention
from ...language_models.base import FORMAT
from ...language_models.chat_models import BaseChatModel
from ...language_models.structured import with_raw
from ...messages import AIMessageChunk, BaseMessage, convert_to_messages
from ...outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from ...runnables.base import Runnable
from .calls import Call, Event
from .converse.answer import parse_answer
from .converse.cache_points import cache_point
from .converse.request import build_count_request, build_request, tool_config
from .converse.settings import ConverseSettings
from .converse.stream import ConverseDecoder, is_output
from .converse.structured import schema_name, text_format, text_parser, tool_parser
from .converse.tools import is_thinking
from .errors import AccessDeniedError, NotFoundError, RequestInvalidError
from .guardrails import interventions_from_converse

__all__ = ["ChatBedrockConverse"]


class ChatBedrockConverse(ConverseSettings, BaseChatModel):
    """A chat model of Bedrock, through Converse; its arguments are those of `ConverseSettings`.

    Raises:
        pydantic.ValidationError: If an argument does not fit; a ValueError.
    """

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    @model_validator(mode="after")
    def set_disable_streaming(self) -> Self:
        """Fill in whether the model streams, where the caller does not say."""
        if "disable_streaming" not in self.model_fields_set:
            vars(self)["disable_streaming"] = self.capabilities().disable_streaming
        return self

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of chat models of Bedrock."""
        return ["langchain_aws", "chat_models"]

    @property
    def _llm_type(self) -> str:
        return "amazon_bedrock_converse_chat"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        said = {"model_id": self.model_id, "provider": self.maker, **self.parameters()}
        return {name: value for name, value in said.items() if value}

    @staticmethod
    def create_cache_point(cache_type: str = "default") -> dict[str, Any]:
        """Return a block that marks the prompt up to here for caching; for system, messages and tools.

        Args:
            cache_type: The kind of cache.
        """
        return cache_point(cache_type)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, strict: bool | None = None, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Return the model with tools that it may ask to be called.

        Args:
            tools: Pydantic classes, functions, tool objects, mappings in OpenAI's, Anthropic's or Bedrock's form, cache
                points, and names of system tools, which the service runs.
            tool_choice: "auto", "any", the name of the tool that must be called, or a mapping in Bedrock's form.
            strict: Whether arguments must fit a tool's schema exactly.
            kwargs: Further arguments of each call.

        Raises:
            ValueError: If something is no tool, or the model does not take the choice.
        """
        asked = self.asked({"tools": list(tools), "tool_choice": tool_choice, "strict": strict})
        config = tool_config(asked) or {}
        bound = {"tools": config.get("tools", [])}
        if "toolChoice" in config:
            bound["tool_choice"] = config["toolChoice"]
        return self.bind(**bound, **kwargs)

    def with_structured_output(
        self,
        schema: Any,
        *,
        include_raw: bool = False,
        method: Literal["function_calling", "json_schema"] = "function_calling",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[Any, Any]:
        """Return a runnable that answers in the shape of the schema: objects of a pydantic class, else dicts.

        Args:
            schema: A pydantic class, a typed dict, or a JSON schema with a title.
            include_raw: Give a dict of `raw`, `parsed` and `parsing_error` instead, and raise nothing where the answer
                cannot be parsed.
            method: "function_calling" makes the schema a tool that the model must call, or, where it cannot be made to,
                may: the answer is then None if it does not. "json_schema" has the service hold the text to the schema.
            strict: Whether the tool's arguments must fit the schema exactly.
            kwargs: Further arguments of each call.

        Raises:
            ValueError: If the method is unknown, or the schema is none.
        """
        told = {FORMAT: {"kwargs": {"method": method}, "schema": schema}}
        if method == "json_schema":
            model = self.bind(output_config=text_format(schema), **told, **kwargs)
            parser = text_parser(schema)
        elif method == "function_calling":
            name = schema_name(schema)
            model = self.bind_tools([schema], tool_choice=self._way_to_force(name), strict=strict, **told, **kwargs)
            parser = tool_parser(schema, name)
        else:
            raise ValueError(f"method={method!r} is unknown; use 'function_calling' or 'json_schema'.")
        return with_raw(model, parser) if include_raw else model | parser

    def _way_to_force(self, name: str) -> str | None:
        """Return the tool choice that comes closest to making the model call this tool."""
        asked = self.asked({})
        if asked.can.thinks_with_auto_only and is_thinking(self.additional_model_request_fields):
            return None
        return name if "tool" in asked.tool_choices else "any" if "any" in asked.tool_choices else None

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return how many tokens a request with these messages has.

        The service counts, for models that it counts for; for others, and where it refuses to, it is an estimate.

        Args:
            messages: The messages.
            tools: The tools that the request offers; an estimate does not count them.

        Raises:
            BedrockError: If the service cannot be reached.
        """
        conversation = convert_to_messages(messages)
        asked = self.asked({"tools": tools and list(tools)})
        if self.custom_get_token_ids is None and asked.can.counts_tokens:
            try:
                answer = self.transport.call(Call("count_tokens", build_count_request(conversation, asked)))
                return int(answer["inputTokens"])
            except (AccessDeniedError, NotFoundError, RequestInvalidError) as exc:
                log.get("models").warning("tokens are estimated", model=self.model_id, error=str(exc))
        return super().get_num_tokens_from_messages(conversation, tools)

    def _reader(self, request: Mapping[str, Any], head: Mapping[str, Any]) -> _Reader:
        return _Reader(ConverseDecoder(*self._names(), head=head), lambda told: self._notify(_acted(told, request)))

    def _names(self) -> tuple[str, str | None]:
        """Return the model's name for answers, and the profile through which it is asked, if any."""
        return (self._profile.model, self.model_id) if self._profile.model else (self.model_id, None)

    def _read(self, answer: Mapping[str, Any], request: Mapping[str, Any]) -> ChatResult:
        self._notify(_acted(answer, request))
        return ChatResult(generations=[ChatGeneration(message=parse_answer(answer, *self._names()))])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self._profile.ask(self.transport)
        request = build_request(messages, self.asked(kwargs, stop))
        return self._read(self.transport.call(Call("converse", request)), request)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await self._profile.aask(self.transport)
        request = build_request(messages, self.asked(kwargs, stop))
        return self._read(await self.transport.acall(Call("converse", request)), request)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._profile.ask(self.transport)
        request = build_request(messages, self.asked(kwargs, stop), streaming=True)
        stream = self.transport.open(Call("converse_stream", request), is_output)
        reader = self._reader(request, stream.head)
        try:
            for event in stream:
                yield from reader.chunks(event)
            yield from reader.rest()
        finally:
            reader.tell()
            stream.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncGenerator[ChatGenerationChunk]:
        await self._profile.aask(self.transport)
        request = build_request(messages, self.asked(kwargs, stop), streaming=True)
        stream = await self.transport.aopen(Call("converse_stream", request), is_output)
        reader = self._reader(request, stream.head)
        try:
            async for event in stream:
                for chunk in reader.chunks(event):
                    yield chunk
            for chunk in reader.rest():
                yield chunk
        finally:
            reader.tell()
            await stream.aclose()


def _acted(told: Mapping[str, Any], request: Mapping[str, Any]) -> list[Intervention]:
    return interventions_from_converse(told, config=request.get("guardrailConfig"))


class _Reader:
    """Chunks for the model's base from a stream's events, and notices of what a guardrail did."""

    def __init__(self, decoder: ConverseDecoder, notify: Callable[[Mapping[str, Any]], None]) -> None:
        self._decoder, self._notify = decoder, notify
        self._was_told = False

    def chunks(self, event: Event) -> list[ChatGenerationChunk]:
        """Return the chunks that an event gives."""
        return self._given(self._decoder.feed(event))

    def rest(self) -> list[ChatGenerationChunk]:
        """Return the chunks still due at the stream's end."""
        return self._given(self._decoder.finish())

    def tell(self) -> None:
        """Tell once what a guardrail did, as far as the stream has come."""
        if not self._was_told:
            self._was_told = True
            self._notify(self._decoder.told())

    def _given(self, messages: Sequence[AIMessageChunk]) -> list[ChatGenerationChunk]:
        if self._decoder.is_done:
            self.tell()
        return [ChatGenerationChunk.fast(message) for message in messages]
