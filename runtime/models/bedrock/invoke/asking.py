"""What InvokeModel is asked and what it answers, whatever the form of the model's own body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ....messages import BaseMessage, InvalidToolCall, ToolCall, ToolCallChunk, UsageMetadata

__all__ = ["Answer", "Ask", "Piece"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model.

    Args:
        model_id: The id of the foundation model; templates and keys differ between models of a family.
        prompt: A text. Exactly one of `prompt` and `messages` is given.
        messages: A conversation.
        max_tokens: How long the answer may be, in tokens.
        temperature: How far it may stray; 0 is sent as 0.
        stop: Texts at which the answer ends.
        stop_key: The body's key for them where the user says so; else the family's own.
        extra: Laid over the body: what the model and the call were given beside the above.
        tools: The tools the model may ask for, in OpenAI's form, or in the provider's own.
        tool_choice: `auto`, `any`, `none`, the name of a tool, or the provider's own form; None for the default.
        is_stream: Whether the answer is to be streamed.
    """

    model_id: str
    prompt: str | None = None
    messages: Sequence[BaseMessage] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stop: Sequence[str] | None = None
    stop_key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Any = None
    is_stream: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Args:
        text: Its text.
        content: What a message holds: the text, or blocks where there is more than one text.
        tool_calls: The tools that the model wants called.
        invalid_tool_calls: Calls whose arguments could not be read.
        stop_reason: Why the model stopped, in the provider's word.
        usage: Its tokens, where they were told.
        response_id: The provider's id of it.
        model_name: The model that answered, where it was told.
        latency_ms: How long the model took, in milliseconds, where it was told.
        beside: What a message holds beside its content, such as `reasoning_content`.
        more: What else was said of the answer, under the provider's keys.
    """

    text: str
    content: str | list[str | dict[Any, Any]]
    tool_calls: list[ToolCall] = field(default_factory=list)
    invalid_tool_calls: list[InvalidToolCall] = field(default_factory=list)
    stop_reason: str | None = None
    usage: UsageMetadata | None = None
    response_id: str | None = None
    model_name: str | None = None
    latency_ms: int | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed answer; what is told of the whole stands on the last piece alone.

    Args:
        text: Its text.
        content: What a message chunk holds, where that is not just the text: blocks.
        tool_call_chunks: Pieces of tool calls.
        stop_reason: As `Answer`.
        usage: As `Answer`.
        response_id: As `Answer`.
        model_name: As `Answer`.
        latency_ms: As `Answer`.
        first_byte_ms: How long the model took to its first byte, in milliseconds.
        beside: As `Answer`, a piece of it.
        more: As `Answer`.
        is_last: Whether the answer ends here.
    """

    text: str = ""
    content: list[str | dict[Any, Any]] | None = None
    tool_call_chunks: list[ToolCallChunk] = field(default_factory=list)
    stop_reason: str | None = None
    usage: UsageMetadata | None = None
    response_id: str | None = None
    model_name: str | None = None
    latency_ms: int | None = None
    first_byte_ms: int | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    is_last: bool = False
