"""Some messages of a conversation, and runs of messages by one speaker as one."""

from collections.abc import Iterable, Sequence
from typing import Any

from .chunks import BaseMessageChunk
from .convert import MessageLikeRepresentation, convert_to_messages
from .forms import HasMessages, runnable_without_messages
from .merge import merge_content, merge_dicts
from .message import AIMessage, BaseMessage, ChatMessage, FunctionMessage, RemoveMessage, ToolMessage
from .usage import add_usage

__all__ = ["MessageKind", "filter_messages", "is_of_kind", "merge_message_runs"]

MessageKind = str | type[BaseMessage]
"""A kind of message: its type ("human") or class."""


def is_of_kind(message: BaseMessage, kinds: MessageKind | Sequence[MessageKind]) -> bool:
    """Return whether a message is of one of these kinds; a chunk is of the kind of its message."""
    several = [kinds] if isinstance(kinds, str | type) else kinds
    names = {kind for kind in several if isinstance(kind, str)}
    classes = tuple(kind for kind in several if isinstance(kind, type))
    if message.type in names or isinstance(message, classes):
        return True
    if not names or not isinstance(message, BaseMessageChunk):
        return False
    return any(base.model_fields["type"].default in names for base in _message_classes(message))


@runnable_without_messages
def filter_messages(
    messages: Iterable[MessageLikeRepresentation] | HasMessages,
    *,
    include_names: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    include_types: Sequence[MessageKind] | None = None,
    exclude_types: Sequence[MessageKind] | None = None,
    include_ids: Sequence[str] | None = None,
    exclude_ids: Sequence[str] | None = None,
    exclude_tool_calls: Sequence[str] | bool | None = None,
) -> list[BaseMessage]:
    """Return the messages that meet one of the including conditions, if there are any, and no excluding one.

    Without messages, return a runnable that takes them.

    Args:
        messages: The conversation, or what stands for its messages.
        include_names: Keep messages with these names.
        exclude_names: Leave out messages with these names.
        include_types: Keep messages of these types ("human") or classes.
        exclude_types: Leave out messages of these types or classes.
        include_ids: Keep messages with these ids.
        exclude_ids: Leave out messages with these ids.
        exclude_tool_calls: True leaves out tools' answers and AI messages with tool calls; call ids leave out only
            those calls and their answers, and an AI message when none of its calls is left.

    Raises:
        InvalidInputError: If something stands for no message.
    """
    kept = []
    choosing = any(wanted is not None for wanted in (include_names, include_types, include_ids))
    for message in convert_to_messages(messages):
        if exclude_names and message.name in exclude_names:
            continue
        if (exclude_types and is_of_kind(message, exclude_types)) or (exclude_ids and message.id in exclude_ids):
            continue
        wanted = (
            not choosing
            or (include_names and message.name in include_names)
            or (include_types and is_of_kind(message, include_types))
            or (include_ids and message.id in include_ids)
        )
        left = _without_calls(message, exclude_tool_calls) if wanted else None
        if left is not None:
            kept.append(left)
    return kept


@runnable_without_messages
def merge_message_runs(
    messages: Iterable[MessageLikeRepresentation] | HasMessages, *, chunk_separator: str = "\n"
) -> list[BaseMessage]:
    """Return the messages with those that follow each other in one speaker's name joined.

    Answers of tools stay apart, since each belongs to its call. The first message's id, name and response metadata
    stay. Without messages, return a runnable that takes them.

    Args:
        messages: The conversation, or what stands for its messages.
        chunk_separator: What stands between two texts.

    Raises:
        InvalidInputError: If something stands for no message.
        TypeError: If fields hold values that cannot be joined.
    """
    merged: list[BaseMessage] = []
    for message in convert_to_messages(messages):
        if (
            merged
            and _speaker(merged[-1]) == _speaker(message)
            and not isinstance(message, ToolMessage | RemoveMessage)
        ):
            merged[-1] = _joined(merged[-1], message, chunk_separator)
        else:
            merged.append(message)
    return merged


def _message_classes(message: BaseMessage) -> list[type[BaseMessage]]:
    return [base for base in type(message).__mro__ if issubclass(base, BaseMessage) and base is not BaseMessage]


def _speaker(message: BaseMessage) -> tuple[Any, ...]:
    role = message.role if isinstance(message, ChatMessage) else None
    return type(message), role, message.name if isinstance(message, FunctionMessage) else None


def _joined(left: BaseMessage, right: BaseMessage, separator: str) -> BaseMessage:
    first: Any = left.content
    if first and right.content and isinstance(first, str) and isinstance(right.content, str):
        first += separator
    update: dict[str, Any] = {
        "content": merge_content(first, right.content),
        "additional_kwargs": merge_dicts(left.additional_kwargs, right.additional_kwargs),
    }
    if isinstance(left, AIMessage) and isinstance(right, AIMessage):
        update["tool_calls"] = left.tool_calls + right.tool_calls
        update["invalid_tool_calls"] = left.invalid_tool_calls + right.invalid_tool_calls
        if left.usage_metadata or right.usage_metadata:
            update["usage_metadata"] = add_usage(left.usage_metadata, right.usage_metadata)
        if isinstance(left, BaseMessageChunk):
            pieces = [*getattr(left, "tool_call_chunks", []), *getattr(right, "tool_call_chunks", [])]
            update["tool_call_chunks"] = pieces
    return left.model_copy(update=update)


def _without_calls(message: BaseMessage, excluded: Sequence[str] | bool | None) -> BaseMessage | None:
    """Return a message without these calls, or None if it is to be left out."""
    if not excluded or not isinstance(message, AIMessage | ToolMessage):
        return message
    if isinstance(message, ToolMessage):
        return None if excluded is True or message.tool_call_id in excluded else message
    if not message.tool_calls:
        return message
    calls = [] if excluded is True else [call for call in message.tool_calls if call["id"] not in excluded]
    if not calls or excluded is True:
        return None
    if len(calls) == len(message.tool_calls):
        return message
    content: Any = message.content
    if isinstance(content, list):
        content = [block for block in content if not _is_call(block, excluded)]
    return message.model_copy(update={"tool_calls": calls, "content": content})


def _is_call(block: str | dict[Any, Any], ids: Sequence[str]) -> bool:
    return isinstance(block, dict) and block.get("type") in ("tool_use", "tool_call") and block.get("id") in ids
