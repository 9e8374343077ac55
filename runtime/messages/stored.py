"""Messages as mappings of their type and fields, to be kept and read again."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from ..exceptions import InvalidInputError
from .convert import AnyMessage
from .message import BaseMessage, RemoveMessage

__all__ = ["message_to_dict", "messages_from_dict", "messages_to_dict"]

_any_message: TypeAdapter[Any] = TypeAdapter(AnyMessage)
_ROLES = ("ai", "human", "chat", "system", "function", "tool")
_CHUNKS = ("AI", "Human", "Chat", "System", "Function", "Tool")
_NAMES = (*_ROLES, "remove", *(f"{kind}MessageChunk" for kind in _CHUNKS))


def message_to_dict(message: BaseMessage) -> dict[str, Any]:
    """Return a message as `{"type": ..., "data": fields}`."""
    return {"type": message.type, "data": message.model_dump()}


def messages_to_dict(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Return messages as mappings, which `messages_from_dict` reads."""
    return [message_to_dict(message) for message in messages]


def messages_from_dict(messages: Sequence[Mapping[str, Any]]) -> list[BaseMessage]:
    """Return the messages that mappings `{"type": ..., "data": fields}` stand for.

    Raises:
        InvalidInputError: If a mapping lacks a key or its type is unknown.
        pydantic.ValidationError: If a field is missing or a value does not fit.
    """
    return [_read(message) for message in messages]


def _read(message: Mapping[str, Any]) -> BaseMessage:
    kind, data = message.get("type"), message.get("data")
    if kind not in _NAMES or not isinstance(data, Mapping):
        raise InvalidInputError(
            f"A stored message has type={kind!r} and the keys {sorted(map(str, message))}; it needs 'data' and one of "
            f"the types {', '.join(_NAMES)}."
        )
    fields = {**data, "type": kind}
    if kind == "remove":
        return RemoveMessage(**{key: value for key, value in fields.items() if key != "content"})
    read: BaseMessage = _any_message.validate_python(fields)
    return read
