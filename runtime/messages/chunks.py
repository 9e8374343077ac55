"""Pieces of messages, a class per speaker, and the way back from a piece to its message."""

from collections.abc import Sequence
from typing import Any, Literal

from .ai_chunk import AIMessageChunk
from .chunk import BaseMessageChunk, add_chunks
from .merge import merge_values
from .message import (
    BaseMessage,
    Blocks,
    ChatMessage,
    Content,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

__all__ = [
    "AIMessageChunk",
    "BaseMessageChunk",
    "ChatMessageChunk",
    "FunctionMessageChunk",
    "HumanMessageChunk",
    "SystemMessageChunk",
    "ToolMessageChunk",
    "add_chunks",
    "message_chunk_to_message",
]


class HumanMessageChunk(HumanMessage, BaseMessageChunk):
    """A piece of what a user says."""

    type: Literal["HumanMessageChunk"] = "HumanMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class SystemMessageChunk(SystemMessage, BaseMessageChunk):
    """A piece of what a model is told."""

    type: Literal["SystemMessageChunk"] = "SystemMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class ChatMessageChunk(ChatMessage, BaseMessageChunk):
    """A piece of what a speaker of any role says; only chunks of one role can be added."""

    type: Literal["ChatMessageChunk"] = "ChatMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)

    def sum_fields(self, others: Sequence[BaseMessageChunk]) -> dict[str, Any]:
        """Return the arguments of the sum.

        Raises:
            ValueError: If the roles differ.
            TypeError: If fields hold values that cannot be joined.
        """
        _require_same("role", self.role, [c.role for c in others if isinstance(c, ChatMessageChunk)])
        return {**super().sum_fields(others), "role": self.role}


class FunctionMessageChunk(FunctionMessage, BaseMessageChunk):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A piece of a function's answer; only chunks of one name can be added."""

    type: Literal["FunctionMessageChunk"] = "FunctionMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)

    def sum_fields(self, others: Sequence[BaseMessageChunk]) -> dict[str, Any]:
        """Return the arguments of the sum.

        Raises:
            ValueError: If the names differ.
            TypeError: If fields hold values that cannot be joined.
        """
        _require_same("name", self.name, [c.name for c in others if isinstance(c, FunctionMessageChunk)])
        return super().sum_fields(others)


class ToolMessageChunk(ToolMessage, BaseMessageChunk):
    """A piece of a tool's answer; only chunks of one call can be added. One error makes the sum an error."""

    type: Literal["ToolMessageChunk"] = "ToolMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Any = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)

    def sum_fields(self, others: Sequence[BaseMessageChunk]) -> dict[str, Any]:
        """Return the arguments of the sum.

        Raises:
            ValueError: If the call ids differ, or the artifacts cannot be joined.
            TypeError: If fields hold values that cannot be joined.
        """
        same = [c for c in others if isinstance(c, ToolMessageChunk)]
        _require_same("tool_call_id", self.tool_call_id, [c.tool_call_id for c in same])
        artifact, status = self.artifact, self.status
        for chunk in same:
            artifact = merge_values(artifact, chunk.artifact)
            status = chunk.status if status == "success" else status
        own = {"tool_call_id": self.tool_call_id, "artifact": artifact, "status": status}
        return {**super().sum_fields(others), **own}


def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage:
    """Return the message that a chunk is a piece of, with what chunks alone have left out; other messages unchanged."""
    if not isinstance(chunk, BaseMessageChunk):
        return chunk
    whole = next(c for c in type(chunk).__mro__ if issubclass(c, BaseMessage) and not issubclass(c, BaseMessageChunk))
    fields = {key: value for key, value in chunk.__dict__.items() if key in whole.model_fields and key != "type"}
    return whole(**fields, **(chunk.__pydantic_extra__ or {}))


def _require_same(what: str, own: str, others: Sequence[str]) -> None:
    for other in others:
        if other != own:
            raise ValueError(f"Cannot add chunks of different {what}: {own!r} and {other!r}.")
