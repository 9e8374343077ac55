"""What stands for a message, made one; and messages as plain text.

A message may be given as itself, as a text (a human's), as a pair of role and content, or as a mapping with "role" (or
"type") and "content". Roles are human/user, ai/assistant, system, developer (a system message marked as such), tool,
function and remove.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import Discriminator, Tag

from ..exceptions import InvalidInputError
from .chunks import (
    AIMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessageChunk,
)
from .message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from .tool_calls import read_raw_tool_calls
from .transcript import xml_message

__all__ = ["AnyMessage", "MessageLikeRepresentation", "convert_to_messages", "get_buffer_string"]


def _kind(value: Any) -> Any:
    return value.get("type") if isinstance(value, Mapping) else getattr(value, "type", None)


AnyMessage = Annotated[
    Annotated[AIMessage, Tag("ai")]
    | Annotated[HumanMessage, Tag("human")]
    | Annotated[ChatMessage, Tag("chat")]
    | Annotated[SystemMessage, Tag("system")]
    | Annotated[FunctionMessage, Tag("function")]
    | Annotated[ToolMessage, Tag("tool")]
    | Annotated[AIMessageChunk, Tag("AIMessageChunk")]
    | Annotated[HumanMessageChunk, Tag("HumanMessageChunk")]
    | Annotated[ChatMessageChunk, Tag("ChatMessageChunk")]
    | Annotated[SystemMessageChunk, Tag("SystemMessageChunk")]
    | Annotated[FunctionMessageChunk, Tag("FunctionMessageChunk")]
    | Annotated[ToolMessageChunk, Tag("ToolMessageChunk")],
    Discriminator(_kind),
]
"""Any message or chunk; a mapping is told by its `type`."""

MessageLikeRepresentation = (
    BaseMessage | list[str] | tuple[str, str | list[str | dict[str, Any]]] | str | dict[str, Any]
)
"""Anything that stands for a message."""

_ROLES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "user": HumanMessage,
    "ai": AIMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
    "tool": ToolMessage,
    "function": FunctionMessage,
    "remove": RemoveMessage,
}
_SPEAKERS: dict[type[BaseMessage], str] = {
    HumanMessage: "human",
    AIMessage: "ai",
    SystemMessage: "system",
    FunctionMessage: "function",
    ToolMessage: "tool",
}
_PLAIN_KEYS = frozenset({"role", "type", "content", "additional_kwargs"})


@runtime_checkable
class _HasMessages(Protocol):
    def to_messages(self) -> list[BaseMessage]: ...


def convert_to_messages(messages: Iterable[MessageLikeRepresentation] | _HasMessages) -> list[BaseMessage]:
    """Return messages for things that stand for messages; messages themselves are passed on, not copied.

    Args:
        messages: The things, or a prompt value.

    Raises:
        InvalidInputError: If one has an unknown role or form, or lacks what its role needs, such as `tool_call_id`.
        pydantic.ValidationError: If a value does not fit.
    """
    if isinstance(messages, _HasMessages):
        return messages.to_messages()
    return [_to_message(message) for message in messages]


def get_buffer_string(
    messages: Sequence[BaseMessage],
    human_prefix: str = "Human",
    ai_prefix: str = "AI",
    *,
    system_prefix: str = "System",
    function_prefix: str = "Function",
    tool_prefix: str = "Tool",
    message_separator: str = "\n",
    format: Literal["prefix", "xml"] = "prefix",
) -> str:
    """Return a conversation as text, one "Speaker: words" per message, an AI's tool calls after its words.

    Args:
        messages: The conversation.
        human_prefix: What to call the user.
        ai_prefix: What to call the model.
        system_prefix: What to call who sets the task.
        function_prefix: What to call a function.
        tool_prefix: What to call a tool.
        message_separator: What stands between two messages.
        format: "prefix" for "Speaker: words", "xml" for an element per message, in which prefixes given are not used.

    Raises:
        InvalidInputError: If the format is unknown, or something is no message, or of a kind that nobody speaks.
    """
    if format not in ("prefix", "xml"):
        raise InvalidInputError(f"Unknown format {format!r}; use 'prefix' or 'xml'.")
    names = (human_prefix, ai_prefix, system_prefix, function_prefix, tool_prefix)
    speakers = list(zip(_SPEAKERS, names if format == "prefix" else _SPEAKERS.values(), strict=True))
    lines = []
    for message in messages:
        if isinstance(message, ChatMessage):
            speaker: str | None = message.role
        else:
            speaker = next((name for kind, name in speakers if isinstance(message, kind)), None)
        if speaker is None:
            raise InvalidInputError(
                f"Nobody says {message!r}; give human, AI, system, chat, function or tool messages."
            )
        prefixed = format == "prefix"
        lines.append(f"{speaker}: {message.text}{_calls_text(message)}" if prefixed else xml_message(message, speaker))
    return message_separator.join(lines)


def _calls_text(message: BaseMessage) -> str:
    if not isinstance(message, AIMessage):
        return ""
    calls = message.tool_calls or message.additional_kwargs.get("function_call")
    return str(calls) if calls else ""


def _to_message(message: Any) -> BaseMessage:
    if isinstance(message, BaseMessage):
        return message
    if isinstance(message, str):
        return HumanMessage(message)
    if isinstance(message, Mapping):
        return _from_mapping(message)
    if isinstance(message, Sequence) and len(message) == 2:
        return _build(message[0], message[1], {}, {})
    raise InvalidInputError(
        f"{message!r} stands for no message; give a message, a text, a pair (role, content), "
        "or a mapping with 'role' and 'content'."
    )


def _from_mapping(message: Mapping[str, Any]) -> BaseMessage:
    role = message.get("role") or message.get("type")
    if role is None or "content" not in message:
        raise InvalidInputError(f"A message mapping needs 'role' and 'content', but has {sorted(map(str, message))}.")
    kind = _ROLES.get(role) if isinstance(role, str) else None
    own = kind.model_fields if kind else {}
    fields = {key: message[key] for key in message if key in own and key not in _PLAIN_KEYS}
    extra = {key: message[key] for key in message if key not in own and key not in _PLAIN_KEYS}
    extra.update(message.get("additional_kwargs") or {})
    if not extra.get("tool_calls"):
        extra.pop("tool_calls", None)
    if kind is AIMessage:
        fields = _with_read_calls({key: value for key, value in fields.items() if value is not None})
    return _build(role, message["content"], fields, {k: v for k, v in extra.items() if v is not None})


def _with_read_calls(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an AI message's fields with calls in OpenAI's form read."""
    calls = fields.get("tool_calls") or []
    raw = [call for call in calls if isinstance(call, Mapping) and "function" in call]
    if raw:
        read, invalid = read_raw_tool_calls(raw)
        fields["tool_calls"] = [call for call in calls if call not in raw] + read
        fields["invalid_tool_calls"] = [*fields.get("invalid_tool_calls", []), *invalid]
    return fields


def _build(role: Any, content: Any, fields: dict[str, Any], extra: dict[str, Any]) -> BaseMessage:
    kind = _ROLES.get(role) if isinstance(role, str) else None
    if kind is None:
        raise InvalidInputError(f"Unknown message role {role!r}; use one of {', '.join(map(repr, _ROLES))}.")
    needed = [name for name, field in kind.model_fields.items() if field.is_required() and name != "content"]
    missing = [name for name in needed if fields.get(name) is None and kind is not RemoveMessage]
    if missing:
        raise InvalidInputError(
            f"The message of {role!r} that says {content!r} has no {missing!r}; give it as a mapping."
        )
    if kind is RemoveMessage:
        return RemoveMessage(**fields)
    if role == "developer":
        extra = {**extra, "__openai_role__": "developer"}
    if extra:
        fields = {**fields, "additional_kwargs": extra}
    return kind(content="" if content is None else content, **fields)
