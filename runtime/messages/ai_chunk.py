"""A piece of what a model says.

The pieces of tool calls are read when `tool_calls` or `invalid_tool_calls` is first looked at, not at every addition:
a stream of n pieces has only one reading to do, where reading each sum would be quadratic. Until then the two fields
are absent from the instance's mapping; every way to that mapping (copying, pickling, dumping, comparing, `repr`) reads
the pieces first, so that no one can tell.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, Field

from .chunk import BaseMessageChunk
from .merge import merge_content, merge_lists
from .message import AIMessage, Blocks, Content
from .tool_calls import ToolCallChunk, read_tool_call_chunks, tool_call_chunk, tool_call_chunks_of
from .usage import UsageMetadata, add_usage

__all__ = ["AIMessageChunk"]

_RAW_FIELDS: Any = vars(BaseModel)["__dict__"]


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
        if type(content) is str and not kwargs and content_blocks is None and type(self) is AIMessageChunk:
            _fill(self, content, None, {}, {"content"})  # the hot path of streams: nothing to validate
            return
        if content_blocks is None and _NEEDS_CARE.isdisjoint(kwargs):
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
        if self.tool_call_chunks and not self._is_last_v1():
            self._read_later()
        elif self.tool_call_chunks or self.tool_calls or self.invalid_tool_calls:
            self.init_tool_calls()
        if self.chunk_position == "last" and isinstance(self.content, list):
            self.init_server_tool_calls()

    @classmethod
    def fast(cls, content: Content, id: str | None = None, response_metadata: dict[str, Any] | None = None) -> Self:
        """Return a chunk of content alone without validating it; for streams, where the caller vouches for the types.

        Args:
            content: The content.
            id: The message's id.
            response_metadata: What the provider said; the mapping is kept, not copied.
        """
        chunk = cls.__new__(cls)
        _fill(chunk, content, id, response_metadata or {}, {"content", "id", "response_metadata"})
        return chunk

    def __add__(self, other: Any) -> Self:
        """Return this chunk joined with another, or with each of a list; two of nothing but content the short way.

        Raises:
            TypeError: If `other` is no chunk, or fields hold values that cannot be joined.
            ValueError: If usages cannot be added.
        """
        if type(other) is type(self) is AIMessageChunk:
            left, right = _get_fields(self), _get_fields(other)
            if _is_content(left) and _is_content(right) and (left["id"] == right["id"] or not right["id"]):
                said, more = left["response_metadata"], right["response_metadata"]
                if not more or (said == more and said.keys() == _PROVIDER):
                    return self.fast(merge_content(left["content"], right["content"]), left["id"], dict(said))
        return super().__add__(other)

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

    def call_blocks(self) -> list[Mapping[str, Any]]:
        """Return the calls as blocks: pieces until the stream's last chunk has come, then whole ones."""
        if self.chunk_position == "last" or not self.tool_call_chunks:
            return super().call_blocks()
        return [{**piece, "type": "tool_call_chunk"} for piece in self.tool_call_chunks]

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

    @classmethod
    def of_sum(cls, fields: dict[str, Any]) -> Self:
        """Return the chunk that a sum's arguments make; they came from chunks and are not validated again.

        A subclass, the last chunk of a stream and raw calls of a provider take the way through the constructor.
        """
        raw_calls = not fields["tool_call_chunks"] and "tool_calls" in fields["additional_kwargs"]
        if cls is not AIMessageChunk or fields["chunk_position"] or raw_calls:
            return cls(**fields)
        chunk = cls.__new__(cls)
        values = {"type": "AIMessageChunk", **fields}
        if not fields["tool_call_chunks"]:
            values.update(tool_calls=[], invalid_tool_calls=[])
        _set_fields(chunk, values if fields["tool_call_chunks"] else _in_order(cls, values))
        _set(chunk, "__pydantic_fields_set__", {*fields, "tool_calls", "invalid_tool_calls"})
        _set(chunk, "__pydantic_extra__", {})
        _set(chunk, "__pydantic_private__", None)
        return chunk

    def _is_last_v1(self) -> bool:
        return self.chunk_position == "last" and self.response_metadata.get("output_version") == "v1"

    def _read_later(self) -> None:
        fields = _get_fields(self)
        for name in _READ_LATE:
            fields.pop(name, None)
        self.__pydantic_fields_set__.update(_READ_LATE)

    if not TYPE_CHECKING:  # checkers would take `__getattr__` for leave to read any attribute

        def __getattr__(self, name: str) -> Any:
            if name in _READ_LATE and "tool_call_chunks" in _get_fields(self):
                return _read_fields(self)[name]
            return super().__getattr__(name)

        __dict__ = property(lambda self: _read_fields(self), _RAW_FIELDS.__set__, _RAW_FIELDS.__delete__)  # noqa: PLW0108 - stands below


_NEEDS_CARE = frozenset({"additional_kwargs", "chunk_position", "invalid_tool_calls", "tool_call_chunks", "tool_calls"})
_BESIDE_CONTENT = ("additional_kwargs", "name", "usage_metadata", "tool_call_chunks", "chunk_position")
_PROVIDER = {"model_provider"}
_READ_LATE = ("tool_calls", "invalid_tool_calls")
_set = object.__setattr__
_get_fields = _RAW_FIELDS.__get__
_set_fields = _RAW_FIELDS.__set__


def _fill(
    chunk: AIMessageChunk, content: Content, id: str | None, metadata: dict[str, Any], fields_set: set[str]
) -> None:
    """Set the fields of a chunk that is nothing but content."""
    values: dict[str, Any] = {
        "content": content,
        "additional_kwargs": {},
        "response_metadata": metadata,
        "type": "AIMessageChunk",
        "name": None,
        "id": id,
        "tool_calls": [],
        "invalid_tool_calls": [],
        "usage_metadata": None,
        "tool_call_chunks": [],
        "chunk_position": None,
    }
    _set_fields(chunk, values)
    _set(chunk, "__pydantic_fields_set__", fields_set)
    _set(chunk, "__pydantic_extra__", {})
    _set(chunk, "__pydantic_private__", None)


def _is_content(fields: Mapping[str, Any]) -> bool:
    return not any(fields[name] for name in _BESIDE_CONTENT)


def _read_fields(chunk: AIMessageChunk) -> dict[str, Any]:
    """Return a chunk's fields with its tool calls read."""
    fields: dict[str, Any] = _get_fields(chunk)
    if "tool_calls" in fields or "tool_call_chunks" not in fields:
        return fields
    calls, invalid = read_tool_call_chunks(fields["tool_call_chunks"])
    fields = _in_order(type(chunk), {**fields, "tool_calls": calls, "invalid_tool_calls": invalid})
    _set_fields(chunk, fields)
    return fields


def _in_order(kind: type[AIMessageChunk], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields in the order of their declaration, in which dumps show them."""
    return {name: fields[name] for name in kind.model_fields if name in fields}


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
