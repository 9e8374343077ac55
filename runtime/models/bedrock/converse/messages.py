"""A conversation, from messages to what Converse takes: its messages, and its system texts apart.

The service refuses much that other providers take, so a conversation is put right on the way: neighbours of one role
become one message (two plain texts stand on lines of their own), a text without content becomes ".", the last message
of the model loses white space at its end, and answers of tools become the user's. Without tools in the request, calls
and answers of tools are told as text.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ....exceptions import InvalidInputError
from ....messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from .blocks import BLANK, wire_block, wire_tool_use

__all__ = ["wire_messages", "wire_system", "without_tool_blocks"]

_Wire = dict[str, Any]
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "ai": "assistant", "system": "system"}
_CALLS = frozenset({"tool_use", "tool_call", "tool_call_chunk"})
_SAYABLE = frozenset({"text", "json"})
_RESULT_PARTS = frozenset({"json", "text", "image", "document", "video", "searchResult"})


def wire_messages(messages: Iterable[BaseMessage], *, keeps_unsigned: bool = False) -> tuple[list[_Wire], list[_Wire]]:
    """Return the messages and the system blocks of a conversation.

    Args:
        messages: The conversation. System messages may stand anywhere.
        keeps_unsigned: Whether the model takes reasoning without a signature.

    Raises:
        InvalidInputError: If a message, or a block of one, has no form in Converse.
    """
    wire: list[_Wire] = []
    system: list[_Wire] = []
    last: BaseMessage | None = None
    for message in messages:
        role = _role(message)
        if role == "system":
            system += wire_system(message.content if isinstance(message.content, list) else [message.content])
            continue
        content = _content(message, role, keeps_unsigned=keeps_unsigned)
        if wire and wire[-1]["role"] == role:
            _join(wire[-1]["content"], content, is_one_text=_is_text(last) and _is_text(message))
        else:
            wire.append({"role": role, "content": content})
        last = message
    if wire and wire[-1]["role"] == "assistant":
        _strip_ends(wire[-1]["content"])
    for each in wire:
        each["content"] = [_not_blank(block) for block in each["content"]] or [{"text": BLANK}]
    return wire or [{"role": "user", "content": [{"text": BLANK}]}], system


def wire_system(entries: Iterable[str | Mapping[str, Any]]) -> list[_Wire]:
    """Return system texts and blocks in Converse's form; blank texts are left out.

    Args:
        entries: Texts, and blocks of text, guarded content and cache points.

    Raises:
        InvalidInputError: If a block is none of these.
    """
    blocks = [block for entry in entries if (block := wire_block(entry)) is not None]
    strange = next((block for block in blocks if not block.keys() & {"text", "guardContent", "cachePoint"}), None)
    if strange is not None:
        raise InvalidInputError(
            f"A system message holds {next(iter(strange))!r}; Converse takes text, guardContent and cachePoint there. "
            "Put it into the user's message."
        )
    return [block for block in blocks if str(block.get("text", BLANK)).strip()]


def without_tool_blocks(messages: Sequence[_Wire]) -> list[_Wire]:
    """Return messages with calls and answers of tools told as text, with a warning; the same where there are none.

    The service refuses them in a request that offers no tools.

    Args:
        messages: Converse's messages.
    """
    if not any(block.keys() & {"toolUse", "toolResult"} for message in messages for block in message["content"]):
        return list(messages)
    warnings.warn(
        "The messages hold calls or answers of tools but no tools are bound, which Converse refuses; they are sent as "
        "text. Bind the tools again to keep them.",
        UserWarning,
        stacklevel=2,
    )
    return [{**m, "content": [told for block in m["content"] for told in _told(block)]} for m in messages]


def _role(message: BaseMessage) -> str:
    if isinstance(message, HumanMessage | ToolMessage):
        return "user"
    if isinstance(message, AIMessage | SystemMessage):
        return "assistant" if isinstance(message, AIMessage) else "system"
    role = _ROLES.get(message.role) if isinstance(message, ChatMessage) else None
    if role is None:
        raise InvalidInputError(f"Converse has no place for {message!r}; give human, ai, system and tool messages.")
    return role


def _is_text(message: BaseMessage | None) -> bool:
    return message is not None and isinstance(message.content, str) and not isinstance(message, ToolMessage)


def _join(content: list[_Wire], more: list[_Wire], *, is_one_text: bool) -> None:
    if is_one_text and content and more and "text" in content[-1] and "text" in more[0]:
        before, after = content.pop()["text"], more[0]["text"]
        more = [{"text": f"{before}\n{after}" if before and after else before or after}, *more[1:]]
    content += more


def _content(message: BaseMessage, role: str, *, keeps_unsigned: bool) -> list[_Wire]:
    if isinstance(message, ToolMessage):
        return _tool_answer(message)
    if isinstance(message, AIMessage):
        return _spoken(message, keeps_unsigned=keeps_unsigned)
    entries = message.content if isinstance(message.content, list) else [message.content]
    blocks = [wire_block(entry, keeps_unsigned=keeps_unsigned) for entry in entries]
    return [block for block in blocks if block is not None]


def _spoken(message: AIMessage, *, keeps_unsigned: bool) -> list[_Wire]:
    """Return what a model said; a call has the arguments it has now, and its place in the content, else the end."""
    waiting = [wire_tool_use(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    content: list[_Wire] = []
    entries = message.content if isinstance(message.content, list) else [message.content] if message.content else []
    for entry in entries:
        own_id = _call_id(entry)
        place = next((n for n, call in enumerate(waiting) if own_id and call["toolUse"]["toolUseId"] == own_id), None)
        block = wire_block(entry, keeps_unsigned=keeps_unsigned) if place is None else waiting.pop(place)
        if block is not None:
            content.append(block)
    return content + waiting


def _call_id(entry: str | Mapping[str, Any]) -> Any:
    """Return the id of the tool call that an entry stands for, or None."""
    if isinstance(entry, str):
        return None
    native = entry.get("toolUse", entry.get("tool_use"))
    if isinstance(native, Mapping):
        return native.get("toolUseId", native.get("tool_use_id"))
    return entry.get("id") if entry.get("type") in _CALLS else None


def _tool_answer(message: ToolMessage) -> list[_Wire]:
    """Return a tool's answer as the user's blocks; a cache point, which a result may not hold, follows it."""
    entries = message.content if isinstance(message.content, list) else [message.content]
    blocks = [block for entry in entries if (block := wire_block(entry)) is not None]
    parts = [_not_blank(block) for block in blocks if block.keys() & _RESULT_PARTS]
    result = {"toolUseId": message.tool_call_id, "content": parts or [{"text": BLANK}], "status": message.status}
    return [{"toolResult": result}, *(block for block in blocks if not block.keys() & _RESULT_PARTS)]


def _strip_ends(content: list[_Wire]) -> None:
    for place, block in enumerate(content):
        if "text" in block:
            content[place] = {"text": block["text"].rstrip()}


def _not_blank(block: _Wire) -> _Wire:
    return block if str(block.get("text", BLANK)).strip() else {"text": BLANK}


def _told(block: _Wire) -> list[_Wire]:
    """Return a call or an answer as text, and what an answer has besides (images, documents) after it."""
    if "toolUse" in block:
        use = block["toolUse"]
        return [{"text": f"[Called {use['name']} with parameters: {json.dumps(use['input'])}]"}]
    if "toolResult" not in block:
        return [block]
    parts = block["toolResult"].get("content", ())
    texts = [part["text"] if "text" in part else json.dumps(part["json"]) for part in parts if part.keys() & _SAYABLE]
    rest = [part for part in parts if not part.keys() & _SAYABLE]
    return [{"text": f"[Tool output: {' '.join(texts)}]"}, *rest]
