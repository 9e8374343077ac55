"""Content blocks: the pieces that a message's content is made of, in one form for all providers.

A block is a plain mapping told by its `type`. The factories check what they are given and make an id ("lc_" and a
random UUID) where none is given; arguments they do not know become `extras`, where what only one provider has is kept.
"""

from typing import Any, Literal, NotRequired, cast
from uuid import uuid4

from typing_extensions import TypedDict

from .media import AudioContentBlock, FileContentBlock, ImageContentBlock, PlainTextContentBlock, VideoContentBlock
from .tool_calls import (
    InvalidToolCall,
    ServerToolCall,
    ServerToolCallChunk,
    ServerToolResult,
    ToolCall,
    ToolCallChunk,
)

__all__ = [
    "KNOWN_BLOCK_TYPES",
    "LC_AUTO_PREFIX",
    "LC_ID_PREFIX",
    "Annotation",
    "Citation",
    "ContentBlock",
    "DataContentBlock",
    "NonStandardAnnotation",
    "NonStandardContentBlock",
    "ReasoningContentBlock",
    "TextContentBlock",
    "ToolContentBlock",
    "create_citation",
    "create_non_standard_block",
    "create_reasoning_block",
    "create_text_block",
    "create_tool_call",
    "ensure_id",
]

LC_AUTO_PREFIX = "lc_"
"""How ids and indexes begin that were made here and not by a provider."""

LC_ID_PREFIX = "lc_run-"
"""How ids begin that were made for a run."""


class Citation(TypedDict):
    """Where a part of a text comes from.

    `start_index` and `end_index` count characters of the response's text, not of the source, whose
    words are in `cited_text`.
    """

    type: Literal["citation"]
    id: NotRequired[str]
    url: NotRequired[str]
    title: NotRequired[str]
    start_index: NotRequired[int]
    end_index: NotRequired[int]
    cited_text: NotRequired[str]
    extras: NotRequired[dict[str, Any]]


class NonStandardAnnotation(TypedDict):
    """A remark on a text that is no citation, in its provider's form."""

    type: Literal["non_standard_annotation"]
    id: NotRequired[str]
    value: dict[str, Any]


Annotation = Citation | NonStandardAnnotation
"""A remark on a text."""


class TextContentBlock(TypedDict):
    """A text."""

    type: Literal["text"]
    id: NotRequired[str]
    text: str
    annotations: NotRequired[list[Annotation]]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class ReasoningContentBlock(TypedDict):
    """What a model thought before it answered."""

    type: Literal["reasoning"]
    id: NotRequired[str]
    reasoning: NotRequired[str]
    index: NotRequired[int | str]
    extras: NotRequired[dict[str, Any]]


class NonStandardContentBlock(TypedDict):
    """A provider's own block, which no standard block can say; `value` is the block as it came."""

    type: Literal["non_standard"]
    id: NotRequired[str]
    value: dict[str, Any]
    index: NotRequired[int | str]


DataContentBlock = ImageContentBlock | VideoContentBlock | AudioContentBlock | PlainTextContentBlock | FileContentBlock
"""A block that holds or names a file."""

ToolContentBlock = ToolCall | ToolCallChunk | ServerToolCall | ServerToolCallChunk | ServerToolResult
"""A block about a tool that is to run or has run."""

ContentBlock = (
    TextContentBlock
    | InvalidToolCall
    | ReasoningContentBlock
    | NonStandardContentBlock
    | DataContentBlock
    | ToolContentBlock
)
"""Any block."""

KNOWN_BLOCK_TYPES = frozenset(
    {
        "audio",
        "file",
        "image",
        "invalid_tool_call",
        "non_standard",
        "reasoning",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "text",
        "text-plain",
        "tool_call",
        "tool_call_chunk",
        "video",
    }
)
"""The `type` of every standard block."""


def ensure_id(id: str | None) -> str:
    """Return the id, or a new one of "lc_" and a random UUID if it is None."""
    return f"{LC_AUTO_PREFIX}{uuid4()}" if id is None else id


def create_text_block(
    text: str,
    *,
    id: str | None = None,
    annotations: list[Annotation] | None = None,
    index: int | str | None = None,
    **kwargs: Any,
) -> TextContentBlock:
    """Return a block of text.

    Args:
        text: The text.
        id: The block's id; made if absent.
        annotations: Remarks on the text.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.
    """
    known = {"type": "text", "text": text, "id": ensure_id(id), "annotations": annotations, "index": index}
    return cast(TextContentBlock, _block(known, kwargs))


def create_citation(
    *,
    url: str | None = None,
    title: str | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    cited_text: str | None = None,
    id: str | None = None,
    **kwargs: Any,
) -> Citation:
    """Return a citation.

    Args:
        url: Where the source is.
        title: What the source is called.
        start_index: The first character of the response's text that the source backs.
        end_index: The character after the last one.
        cited_text: The source's words.
        id: The citation's id; made if absent.
        **kwargs: What becomes `extras`.
    """
    known = {
        "type": "citation",
        "id": ensure_id(id),
        "url": url,
        "title": title,
        "start_index": start_index,
        "end_index": end_index,
        "cited_text": cited_text,
    }
    return cast(Citation, _block(known, kwargs))


def create_reasoning_block(
    reasoning: str | None = None, id: str | None = None, index: int | str | None = None, **kwargs: Any
) -> ReasoningContentBlock:
    """Return a block of reasoning.

    Args:
        reasoning: The thoughts; an empty text if absent.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
        **kwargs: What becomes `extras`.
    """
    known = {"type": "reasoning", "reasoning": reasoning or "", "id": ensure_id(id), "index": index}
    return cast(ReasoningContentBlock, _block(known, kwargs))


def create_non_standard_block(
    value: dict[str, Any], *, id: str | None = None, index: int | str | None = None
) -> NonStandardContentBlock:
    """Return a block that holds a provider's own block.

    Args:
        value: The provider's block.
        id: The block's id; made if absent.
        index: The block's place in a stream; blocks of one index join.
    """
    known = {"type": "non_standard", "value": value, "id": ensure_id(id), "index": index}
    return cast(NonStandardContentBlock, _block(known, {}))


def create_tool_call(
    name: str, args: dict[str, Any], *, id: str | None = None, index: int | str | None = None, **kwargs: Any
) -> ToolCall:
    """Return a tool call as a content block.

    Args:
        name: The tool's name.
        args: The arguments.
        id: The call's id; made if absent.
        index: The block's place in a stream.
        **kwargs: What becomes `extras`.
    """
    known = {"type": "tool_call", "name": name, "args": args, "id": ensure_id(id), "index": index}
    return cast(ToolCall, _block(known, kwargs))


def _block(known: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    """Return a block of what is known and not None, the rest as extras."""
    block = {key: value for key, value in known.items() if value is not None}
    extras = {**(unknown.pop("extras", None) or {}), **{k: v for k, v in unknown.items() if v is not None}}
    return {**block, "extras": extras} if extras else block
