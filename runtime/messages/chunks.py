"""Chunks: messages in pieces. `a + b` joins two, `add_chunks` a whole stream in linear time.

The sum has the first chunk's class. Its id is the first one of the highest rank: a provider's own, then one made for a
run ("run-...", then "lc_run-..."), then an automatic one ("lc_..."). Its name is the first that is set.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, Field

from ..exceptions import InvalidInputError
from .merge import merge_content, merge_dicts, merge_lists, merge_values
from .message import (
    AIMessage,
    BaseMessage,
    Blocks,
    ChatMessage,
    Content,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from .tool_calls import ToolCallChunk, read_tool_call_chunks, tool_call_chunk, tool_call_chunks_of
from .usage import UsageMetadata, add_usage

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


class BaseMessageChunk(BaseMessage):
    """A piece of a message, which can be added to others."""

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)

    def __add__(self, other: Any) -> Self:
        """Return this chunk joined with another, or with each of a list.

        Raises:
            TypeError: If `other` is no chunk, or fields hold values that cannot be joined.
            ValueError: If the chunks belong to different roles, names or tool calls.
        """
        others = list(other) if isinstance(other, list | tuple) else [other]
        for chunk in others:
            if not isinstance(chunk, BaseMessageChunk):
                raise TypeError(
                    f"Cannot add {type(chunk).__name__} to {type(self).__name__}: only message chunks can be added."
                )
        return type(self)(**self.sum_fields(others)) if others else self

    @classmethod
    def __fold__(cls, chunks: Sequence[Any]) -> Any:
        return add_chunks(chunks)

    def sum_fields(self, others: Sequence["BaseMessageChunk"]) -> dict[str, Any]:
        """Return the arguments of the sum of this chunk and `others`, in time linear in their total size.

        Raises:
            TypeError: If fields hold values that cannot be joined.
        """
        chunks = [self, *others]
        extra = [c.additional_kwargs for c in chunks if c.additional_kwargs]
        metadata = [c.response_metadata for c in chunks if c.response_metadata]
        return {
            "content": merge_content(self.content, *(c.content for c in others)),
            "additional_kwargs": merge_dicts(*extra) if extra else {},
            "response_metadata": merge_dicts(*metadata) if metadata else {},
            "name": next((c.name for c in chunks if c.name is not None), None),
            "id": min(dict.fromkeys(c.id for c in chunks if c.id), key=_id_rank, default=self.id),
        }


ChunkT = TypeVar("ChunkT", bound=BaseMessageChunk)


def add_chunks(chunks: Sequence[ChunkT]) -> ChunkT:
    """Return the sum of a stream's chunks, equal to adding them one by one, in time linear in their total size.

    Raises:
        InvalidInputError: If there are no chunks.
        TypeError: If one is no chunk, or fields hold values that cannot be joined.
        ValueError: If the chunks belong to different roles, names or tool calls.
    """
    if not chunks:
        raise InvalidInputError("There is nothing to add: give at least one message chunk.")
    return chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]


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


class AIMessageChunk(AIMessage, BaseMessageChunk):
    """A piece of what a model says.

    Args:
        tool_call_chunks: Pieces of tool calls. `tool_calls` and `invalid_tool_calls` are read from them; calls given
            without pieces become pieces.
        chunk_position: "last" on the last chunk of a stream, else None.

    Raises:
        pydantic.ValidationError: If a value does not fit its field; a malformed tool call chunk is such a value.
    """

    tool_call_chunks: list[ToolCallChunk] = Field(default_factory=list)
    chunk_position: Literal["last"] | None = None
    type: Literal["AIMessageChunk"] = "AIMessageChunk"  # type: ignore[assignment]  # documented wire name

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        if content_blocks is None and _NEEDS_CARE.isdisjoint(kwargs):  # the hot path of streams
            if content is not None:
                kwargs["content"] = content
            BaseModel.__init__(self, **kwargs)
            return
        chunks = kwargs.get("tool_call_chunks")
        if chunks:
            kwargs["tool_call_chunks"] = [_whole_chunk(chunk) for chunk in chunks]
        elif kwargs.get("additional_kwargs") and not (kwargs.get("tool_calls") or kwargs.get("invalid_tool_calls")):
            raw = kwargs["additional_kwargs"].get("tool_calls")
            if raw:
                kwargs["tool_call_chunks"] = _raw_chunks(raw)
        super().__init__(content, content_blocks, **kwargs)
        if self.tool_call_chunks or self.tool_calls or self.invalid_tool_calls:
            self.init_tool_calls()
        if self.chunk_position == "last" and isinstance(self.content, list):
            self.init_server_tool_calls()

    @classmethod
    def fast(cls, content: str, id: str | None = None) -> Self:
        """Return a chunk of text without validating it; for streams, where the caller vouches for the types."""
        chunk = cls.__new__(cls)
        values: dict[str, Any] = {
            "content": content,
            "additional_kwargs": {},
            "response_metadata": {},
            "type": "AIMessageChunk",
            "name": None,
            "id": id,
            "tool_calls": [],
            "invalid_tool_calls": [],
            "usage_metadata": None,
            "tool_call_chunks": [],
            "chunk_position": None,
        }
        _set(chunk, "__dict__", values)
        _set(chunk, "__pydantic_fields_set__", {"content", "id"})
        _set(chunk, "__pydantic_extra__", {})
        _set(chunk, "__pydantic_private__", None)
        return chunk

    def init_tool_calls(self) -> Self:
        """Read `tool_calls` and `invalid_tool_calls` from the pieces, or make pieces of calls that have none.

        On the last chunk of a stream in output version "v1", content blocks that stand for pieces become whole calls.
        """
        if not self.tool_call_chunks:
            self.tool_call_chunks = tool_call_chunks_of(self.tool_calls, self.invalid_tool_calls)
            return self
        self.tool_calls, self.invalid_tool_calls = read_tool_call_chunks(self.tool_call_chunks)
        if self._is_last_v1() and isinstance(self.content, list):
            by_id = {call["id"]: {"type": "tool_call", **call} for call in self.tool_calls}
            self.content = [
                dict(by_id[block.get("id")])
                if isinstance(block, dict) and block.get("type") == "tool_call_chunk" and block.get("id") in by_id
                else block
                for block in self.content
            ]
        return self

    def init_server_tool_calls(self) -> Self:
        """Read the pieces of calls that the provider runs itself, on the last chunk of a stream in version "v1".

        Pieces that are no JSON object stay as they are.
        """
        if self._is_last_v1() and isinstance(self.content, list):
            self.content = [_whole_server_call(block) for block in self.content]
        return self

    def sum_fields(self, others: Sequence[BaseMessageChunk]) -> dict[str, Any]:
        """Return the arguments of the sum; usage is added, pieces of tool calls with the same index join.

        Raises:
            TypeError: If fields hold values that cannot be joined.
            ValueError: If usages cannot be added.
        """
        fields = super().sum_fields(others)
        own = [self, *(c for c in others if isinstance(c, AIMessageChunk))]
        usage: UsageMetadata | None = None
        for chunk in own:
            if chunk.usage_metadata is not None:
                usage = add_usage(usage, chunk.usage_metadata)
        pieces = [c.tool_call_chunks for c in own if c.tool_call_chunks]
        return {
            **fields,
            "usage_metadata": usage,
            "tool_call_chunks": (merge_lists(*pieces) or []) if pieces else [],
            "chunk_position": "last" if any(c.chunk_position == "last" for c in own) else None,
        }

    def _is_last_v1(self) -> bool:
        return self.chunk_position == "last" and self.response_metadata.get("output_version") == "v1"


def message_chunk_to_message(chunk: BaseMessage) -> BaseMessage:
    """Return the message that a chunk is a piece of, with what chunks alone have left out; other messages unchanged."""
    if not isinstance(chunk, BaseMessageChunk):
        return chunk
    whole = next(c for c in type(chunk).__mro__ if issubclass(c, BaseMessage) and not issubclass(c, BaseMessageChunk))
    fields = {key: value for key, value in chunk.__dict__.items() if key in whole.model_fields and key != "type"}
    return whole(**fields, **(chunk.__pydantic_extra__ or {}))


_NEEDS_CARE = frozenset({"additional_kwargs", "chunk_position", "invalid_tool_calls", "tool_call_chunks", "tool_calls"})
_MADE_IDS = ("run-", "lc_run-", "lc_")
_set = object.__setattr__


def _id_rank(message_id: str) -> int:
    return next((rank for rank, prefix in enumerate(_MADE_IDS, 1) if message_id.startswith(prefix)), 0)


def _require_same(what: str, own: str, others: Sequence[str]) -> None:
    for other in others:
        if other != own:
            raise ValueError(f"Cannot add chunks of different {what}: {own!r} and {other!r}.")


def _whole_chunk(chunk: Any) -> Any:
    if not isinstance(chunk, dict):
        return chunk
    return tool_call_chunk(name=chunk.get("name"), args=chunk.get("args"), id=chunk.get("id"), index=chunk.get("index"))


def _raw_chunks(raw: Sequence[dict[str, Any]]) -> list[ToolCallChunk]:
    """Return pieces in OpenAI's form as ours."""
    return [
        tool_call_chunk(
            name=entry["function"].get("name"),
            args=entry["function"].get("arguments"),
            id=entry.get("id"),
            index=entry.get("index"),
        )
        for entry in raw
        if isinstance(entry.get("function"), dict)
    ]


def _whole_server_call(block: str | dict[Any, Any]) -> str | dict[Any, Any]:
    if not isinstance(block, dict) or block.get("type") not in ("server_tool_call", "server_tool_call_chunk"):
        return block
    text = block.get("args")
    if not isinstance(text, str):
        return block
    try:
        args = json.loads(text, strict=False)
    except ValueError:
        return block
    return {**block, "type": "server_tool_call", "args": args} if isinstance(args, dict) else block
