"""Conversations in the form of Anthropic's Messages API, which Bedrock's InvokeModel takes.

Source: Anthropic's API reference. Turns of the user that follow each other are joined, tools' answers among them, since
the API wants the two to take turns. Reasoning without a signature is left out: the API refuses it. Blocks without a
form here are passed on as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....exceptions import InvalidInputError
from ....messages import AIMessage, BaseMessage, ChatMessage, SystemMessage, ToolMessage

__all__ = ["anthropic_conversation", "anthropic_tool", "anthropic_tool_choice", "cites_documents"]

_OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "text": ("type", "text", "cache_control", "citations"),
    "tool_use": ("type", "id", "name", "input", "cache_control"),
    "server_tool_use": ("type", "id", "name", "input", "cache_control"),
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
}
_LEFT_OUT = frozenset({"input_json_delta", "tool_call_chunk", "invalid_tool_call"})
_NO_TEXT = "."
"""Stands for a text that is empty, which the API refuses."""


def anthropic_conversation(messages: Sequence[BaseMessage]) -> tuple[Any, list[dict[str, Any]]]:
    """Return what the system says, as a text or blocks (None for nothing), and the turns.

    Args:
        messages: The conversation.

    Raises:
        InvalidInputError: If the system speaks after the others have begun.
    """
    system: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for message in messages:
        if isinstance(message, SystemMessage):
            if said:
                raise InvalidInputError(
                    "Anthropic's models hear the system at the beginning only; move the system message there."
                )
            system += _blocks(message)
            continue
        role = _role(message)
        content = _content(message)
        if said and said[-1]["role"] == role:
            said[-1]["content"] = [*_as_blocks(said[-1]["content"]), *_as_blocks(content)]
        else:
            said.append({"role": role, "content": content})
    if said and said[-1]["role"] == "assistant":
        said[-1]["content"] = _stripped(said[-1]["content"])
    return _said_by_system(system), said


def _role(message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        return "assistant" if message.role in ("assistant", "ai") else "user"
    return "assistant" if isinstance(message, AIMessage) else "user"


def _said_by_system(blocks: list[dict[str, Any]]) -> Any:
    if not blocks:
        return None
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} else blocks


def _content(message: BaseMessage) -> str | list[dict[str, Any]]:
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    if isinstance(message.content, str) and not calls and not isinstance(message, ToolMessage):
        return message.content if message.content.strip() else _NO_TEXT
    return _blocks(message) or _NO_TEXT


def _as_blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _stripped(content: Any) -> Any:
    """Return the last turn of the model without white space at its end, which the API refuses there."""
    if isinstance(content, str):
        return content.rstrip() or _NO_TEXT
    last = content[-1] if content else {}
    if last.get("type") == "text":
        return [*content[:-1], {**last, "text": last["text"].rstrip() or _NO_TEXT}]
    return content


def _blocks(message: BaseMessage) -> list[dict[str, Any]]:
    entries = [message.content] if isinstance(message.content, str) else message.content
    blocks = [block for entry in entries for block in _block(entry)]
    if isinstance(message, ToolMessage):
        return [_tool_result(message, blocks)]
    if isinstance(message, AIMessage):
        return _with_calls(message, blocks)
    return blocks


def _tool_result(message: ToolMessage, blocks: list[dict[str, Any]]) -> dict[str, Any]:
    if len(blocks) == 1 and blocks[0].get("type") == "tool_result":
        return blocks[0]
    content: Any = message.content if isinstance(message.content, str) else blocks
    result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}
    return {**result, "is_error": True} if message.status == "error" else result


def _with_calls(message: AIMessage, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the blocks with each call as the message knows it, and calls that no block holds behind them."""
    calls = {call["id"]: call for call in message.tool_calls}
    placed: list[dict[str, Any]] = []
    for block in blocks:
        call = calls.pop(block.get("id"), None) if block.get("type") == "tool_use" else None
        placed.append({**block, "name": call["name"], "input": call["args"]} if call else block)
    rest = [{"type": "tool_use", "id": c["id"], "name": c["name"], "input": c["args"]} for c in calls.values()]
    return [*placed, *rest]


def _block(entry: str | Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    """Yield the block for an entry of a message's content; nothing for an empty text and for what has no place."""
    if isinstance(entry, str):
        if entry.strip():
            yield {"type": "text", "text": entry}
        return
    kind = entry.get("type")
    if kind in _LEFT_OUT or (kind == "text" and not str(entry.get("text") or "").strip()):
        return
    if kind in ("thinking", "reasoning"):
        yield from _thinking(entry)
    elif kind in ("tool_use", "tool_call"):
        arguments = entry.get("args") if kind == "tool_call" else entry.get("input")
        own = {key: entry[key] for key in _OWN_KEYS["tool_use"] if key in entry}
        yield {**own, "type": "tool_use", "input": arguments if isinstance(arguments, dict) else {}}
    elif kind == "tool_result" and isinstance(entry.get("content"), list):
        yield {**entry, "content": [block for part in entry["content"] for block in _block(part)]}
    elif kind == "image_url":
        yield _image_of_url(entry)
    elif kind in ("image", "file", "text-plain") and "source" not in entry:
        yield _file(entry)
    elif isinstance(kind, str) and kind in _OWN_KEYS:
        own = {key: entry[key] for key in _OWN_KEYS[kind] if entry.get(key) is not None}
        yield {"citations": own.pop("citations"), **own} if own.get("citations") else own
    else:
        yield {key: value for key, value in entry.items() if key != "index"}


def _thinking(entry: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    extras = entry.get("extras") or {}
    signature = entry.get("signature") or extras.get("signature")
    if signature:
        text = entry.get("thinking", entry.get("reasoning")) or ""
        yield {"type": "thinking", "thinking": text, "signature": signature}


def _image_of_url(entry: Mapping[Any, Any]) -> dict[str, Any]:
    given = entry.get("image_url")
    url = str(given.get("url") if isinstance(given, Mapping) else given)
    head, comma, data = url.partition(",")
    if url.startswith("data:") and comma and head.endswith(";base64"):
        source = {"type": "base64", "media_type": head[len("data:") : -len(";base64")], "data": data}
    else:
        source = {"type": "url", "url": url}
    return _marked({"type": "image", "source": source}, entry)


def _file(entry: Mapping[Any, Any]) -> dict[str, Any]:
    kind = "image" if entry.get("type") == "image" else "document"
    if isinstance(entry.get("base64"), str):
        source = {"type": "base64", "media_type": entry.get("mime_type"), "data": entry["base64"]}
    elif isinstance(entry.get("url"), str):
        source = {"type": "url", "url": entry["url"]}
    elif isinstance(entry.get("text"), str):
        source = {"type": "text", "media_type": "text/plain", "data": entry["text"]}
    elif isinstance(entry.get("file_id"), str):
        source = {"type": "file", "file_id": entry["file_id"]}
    else:
        return dict(entry)
    return _marked({"type": kind, "source": source}, entry)


def _marked(block: dict[str, Any], entry: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the block with what a caller may say of one, directly or among the extras."""
    extras = entry.get("extras") or {}
    for key in ("title", "context", "citations", "cache_control"):
        value = entry.get(key, extras.get(key))
        if value is not None:
            block[key] = value
    return block


def cites_documents(messages: Sequence[BaseMessage]) -> bool:
    """Return whether a document of the conversation is to be cited from.

    Args:
        messages: The conversation.
    """
    entries = [e for message in messages if not isinstance(message.content, str) for e in message.content]
    marks = [(e.get("citations") or (e.get("extras") or {}).get("citations")) for e in entries if isinstance(e, dict)]
    return any(isinstance(mark, Mapping) and mark.get("enabled") for mark in marks)


def anthropic_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool in Anthropic's form; one that has it already as it is.

    Args:
        tool: The tool, in OpenAI's form or Anthropic's own.
    """
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return dict(tool)
    rest = {key: function[key] for key in ("name", "description", "strict") if function.get(key) is not None}
    return {**rest, "input_schema": function.get("parameters") or {"type": "object", "properties": {}}}


def anthropic_tool_choice(choice: Any) -> Any:
    """Return which tool must be called, in Anthropic's form.

    Args:
        choice: `auto`, `any`, `none`, the name of a tool, or Anthropic's own form.
    """
    if not isinstance(choice, str):
        return choice
    return {"type": choice} if choice in ("auto", "any", "none") else {"type": "tool", "name": choice}
