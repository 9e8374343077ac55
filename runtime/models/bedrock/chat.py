"""ChatBedrock: chat models of Bedrock by InvokeModel.

Models that take messages are given them in their own form (Anthropic, Nova, Jamba, Mistral, Command R, OpenAI-like);
for the others a conversation is written as a prompt. Content is a text, or a list of blocks in the provider's form
where tools, thinking or citations were asked for. What is known of an answer stands in `response_metadata`; of a
stream, on the last chunk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from warnings import warn

from pydantic import Field, PrivateAttr, model_validator

from ....tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ...exceptions import InvalidInputError
from ...language_models.chat_models import BaseChatModel
from ...messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, UsageMetadata
from ...outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from ...runnables.base import Runnable
from ...runnables.config import RunnableConfig
from ...runnables.io import Io
from ...tools.convert import convert_to_openai_tool
from .base import BedrockBase
from .chat_converse import ChatBedrockConverse
from .converse.profiles import ProfileLookup
from .converse.tools import is_thinking
from .invoke.asking import Answer, Piece
from .through_converse import through_converse

__all__ = ["ChatBedrock"]

_PROVIDER: Mapping[str, Any] = {"model_provider": "bedrock"}


class ChatBedrock(BedrockBase, BaseChatModel):
    """A chat model of Bedrock; the arguments are those of `BedrockBase`, and these.

    Args:
        stop_sequences: Texts at which answers end, also `stop`; those of a call are used in their place.
        system_prompt_with_tools: What the model is told before the system messages of a conversation.
        beta_use_converse_api: Ask through Converse in place of InvokeModel; see `ChatBedrockConverse`.

    Unknown arguments are put into `model_kwargs`.
    """

    takes_conversations: ClassVar[bool] = True

    stop_sequences: list[str] | None = Field(default=None, alias="stop")
    system_prompt_with_tools: str = ""
    beta_use_converse_api: bool = False

    _profile: ProfileLookup | None = PrivateAttr(default=None)

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def build_extra(cls, values: Any) -> Any:
        """Move unknown arguments into a copy of `model_kwargs`.

        Args:
            values: The constructor's arguments.
        """
        if not isinstance(values, dict):
            return values
        known = {name for key, field in cls.model_fields.items() for name in (key, field.alias)}
        unknown = {key: value for key, value in values.items() if key not in known}
        if not unknown:
            return values
        rest = {key: value for key, value in values.items() if key in known}
        return {**rest, "model_kwargs": {**unknown, **(rest.get("model_kwargs") or {})}}

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of chat models of Bedrock by InvokeModel."""
        return ["langchain", "chat_models", "bedrock"]

    @property
    def _llm_type(self) -> str:
        return "amazon_bedrock_chat"

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        """Return the model's answer to an input.

        Args:
            input: A text, messages, or a prompt value.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: `stop`, and what else the provider takes.
        """
        answer: AIMessage = BaseChatModel.invoke(self, input, config, **kwargs)
        return answer

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: Any = None, strict: bool | None = None, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Return the model with tools that it may ask to be called.

        Args:
            tools: Pydantic classes, functions, tool objects, schemas, or tools in the provider's own form.
            tool_choice: `auto`, `any`, `none`, a tool's name, True for the only tool, or the provider's own form.
            strict: Whether arguments must fit the schema exactly; left to the provider when None.
            kwargs: Further arguments of each call.

        Raises:
            NotImplementedError: If the model takes no tools through InvokeModel.
            InvalidInputError: If `tool_choice` names no tool among them.
        """
        if self.beta_use_converse_api:
            return self._by_converse().bind_tools(tools, tool_choice=tool_choice, strict=strict, **kwargs)
        family = self._family()
        if not family.takes_tools:
            raise NotImplementedError(
                f"{self.model_id} takes no tools through InvokeModel; ChatBedrockConverse may offer them."
            )
        offered = [family.tool(_described(tool, strict)) for tool in tools]
        choice = _checked(tool_choice, [_name(tool) for tool in offered])
        if choice not in (None, "auto", "none") and is_thinking(self.model_kwargs):
            warn(
                f"The model cannot be made to call a tool while it thinks; 'auto' is sent for tool_choice={choice!r}, "
                "and it may answer without a call.",
                UserWarning,
                stacklevel=2,
            )
            choice = "auto"
        chosen = {} if choice is None else {"tool_choice": family.tool_choice(choice)}
        return self.bind(tools=offered, **chosen, **kwargs)

    def _can_stream(self, io: Io, kwargs: Mapping[str, Any]) -> bool:
        return super()._can_stream(io, kwargs) and (self.beta_use_converse_api or self._family().can_stream)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.beta_use_converse_api:
            return self._by_converse()._generate(messages, stop, run_manager, **kwargs)
        return _result(*self._answer(self._told(messages), self._stops(stop), kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.beta_use_converse_api:
            return await self._by_converse()._agenerate(messages, stop, run_manager, **kwargs)
        return _result(*await self._aanswer(self._told(messages), self._stops(stop), kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if self.beta_use_converse_api:
            yield from self._by_converse()._stream(messages, stop, run_manager, **kwargs)
            return
        own_ids = _OneId()
        pieces = self._pieces(self._told(messages), self._stops(stop), kwargs)
        try:
            for piece, reading, known in pieces:
                yield _chunk(piece, known, own_ids.of(reading.response_id))
        finally:
            pieces.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.beta_use_converse_api:
            chunks = self._by_converse()._astream(messages, stop, run_manager, **kwargs)
            try:
                async for chunk in chunks:
                    yield chunk
            finally:
                await chunks.aclose()
            return
        own_ids = _OneId()
        pieces = self._apieces(self._told(messages), self._stops(stop), kwargs)
        try:
            async for piece, reading, known in pieces:
                yield _chunk(piece, known, own_ids.of(reading.response_id))
        finally:
            await pieces.aclose()

    def _by_converse(self) -> ChatBedrockConverse:
        """Return the model that asks through Converse; what it finds out of a profile stays known here."""
        model = through_converse(self)
        if self._profile is None or self._profile != model._profile:
            self._profile = model._profile
        model._profile = self._profile
        return model

    def _told(self, messages: list[BaseMessage]) -> list[BaseMessage]:
        return [SystemMessage(self.system_prompt_with_tools), *messages] if self.system_prompt_with_tools else messages

    def _stops(self, stop: list[str] | None) -> list[str] | None:
        return self.stop_sequences if stop is None else stop


class _OneId:
    """The id of a streamed message: the provider's if it is known from the first chunk on, else none."""

    def __init__(self) -> None:
        self._ids: list[str | None] = []

    def of(self, response_id: str | None) -> str | None:
        if not self._ids:
            self._ids.append(response_id)
        return self._ids[0]


def _chunk(piece: Piece, known: dict[str, Any], own_id: str | None) -> ChatGenerationChunk:
    message = AIMessageChunk(
        content=piece.text if piece.content is None else piece.content,
        id=own_id,
        additional_kwargs=dict(piece.beside),
        tool_call_chunks=piece.tool_call_chunks,
        usage_metadata=piece.usage,
        response_metadata={**known, **_counted(piece.usage)} if piece.is_last else dict(_PROVIDER),
        chunk_position="last" if piece.is_last else None,
    )
    return ChatGenerationChunk(message=message)


def _result(answer: Answer, known: dict[str, Any]) -> ChatResult:
    message = AIMessage(
        content=answer.content,
        id=answer.response_id,
        additional_kwargs=dict(answer.beside),
        tool_calls=answer.tool_calls,
        invalid_tool_calls=answer.invalid_tool_calls,
        usage_metadata=answer.usage,
        response_metadata={**known, **_counted(answer.usage)},
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _counted(usage: UsageMetadata | None) -> dict[str, Any]:
    """Return the usage in the words that programs look for in `response_metadata`."""
    if usage is None:
        return {}
    details: Mapping[str, Any] = usage.get("input_token_details") or {}
    cached = {"cache_read_input_tokens": "cache_read", "cache_write_input_tokens": "cache_creation"}
    return {
        "usage": {
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
            **{name: details[key] for name, key in cached.items() if key in details},
        }
    }


def _described(tool: Any, strict: bool | None) -> Mapping[str, Any]:
    """Return a tool in OpenAI's form; one in a provider's own form as it is."""
    is_foreign = isinstance(tool, Mapping) and (
        {"input_schema", "toolSpec"} & tool.keys() or tool.get("type", "function") not in ("function", "object")
    )
    return dict(tool) if is_foreign else convert_to_openai_tool(tool, strict=strict)


def _name(tool: Mapping[str, Any]) -> str | None:
    inner = tool.get("function") or tool.get("toolSpec") or tool
    return inner.get("name") if isinstance(inner, Mapping) else None


def _checked(choice: Any, names: Sequence[str | None]) -> Any:
    if choice is True:
        if len(names) != 1:
            raise InvalidInputError(
                f"tool_choice=True means the only tool, but there are {len(names)}; name one, or use 'any'."
            )
        return names[0]
    if choice is False:
        return None
    if choice == "required":
        return "any"
    if isinstance(choice, str) and choice not in ("auto", "any", "none", *names):
        raise InvalidInputError(f"tool_choice is {choice!r}, but the tools are {names!r}; name one of them.")
    return choice
