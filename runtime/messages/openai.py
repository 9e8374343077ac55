"""Messages in the form of OpenAI's chat completions, whatever form their content has.

Source: OpenAI's API reference, chat messages. Content that has no form there is passed on as it is, or refused.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from ..exceptions import InvalidInputError
from .convert import MessageLikeRepresentation, convert_to_messages
from .message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from .tool_calls import ToolCall
from .translate import standard_blocks

__all__ = [
    "convert_to_openai_data_block",
    "convert_to_openai_image_block",
    "convert_to_openai_messages",
    "openai_role",
]

_OWN_PARTS = ("text", "image_url", "input_audio", "refusal")
_NEEDED: dict[str, tuple[str, ...]] = {
    **{kind: (kind,) for kind in _OWN_PARTS},
    "json": ("json",),
    "tool_use": ("id", "name", "input"),
    "tool_result": ("tool_use_id",),
}


def convert_to_openai_messages(
    messages: MessageLikeRepresentation | Sequence[MessageLikeRepresentation],
    *,
    text_format: Literal["string", "block"] = "string",
    include_id: bool = False,
    pass_through_unknown_blocks: bool = True,
) -> dict[str, Any] | list[dict[str, Any]]:
    """Return messages as mappings in OpenAI's form: one for one message, a list for several.

    Answers of tools within a user's message (Anthropic's form) become messages of their own before it, where OpenAI
    wants them.

    Args:
        messages: A message or several, or what stands for them.
        text_format: "string" gives content that is all text as one text, "block" gives any content as parts.
        include_id: Add the messages' ids.
        pass_through_unknown_blocks: Pass on blocks that have no form there, instead of refusing them.

    Raises:
        InvalidInputError: If the format is unknown, something stands for no message, a block lacks what its kind needs,
            or has no form there and is not to be passed on.
    """
    if text_format not in ("string", "block"):
        raise InvalidInputError(f"Unknown text_format {text_format!r}; use 'string' or 'block'.")
    single = isinstance(messages, str | dict | BaseMessage) or _is_pair(messages)
    given: Any = [messages] if single else messages
    converted: list[dict[str, Any]] = []
    for message in convert_to_messages(given):
        answers, parts = _parts(message, pass_on=pass_through_unknown_blocks)
        converted += [_tool_answer(answer, text_format) for answer in answers]
        if parts or not answers:
            converted.append(_head(message, include_id=include_id) | {"content": _content(parts, text_format)})
    return converted[0] if single and len(converted) == 1 else converted


def convert_to_openai_data_block(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a standard block with a file, of the present form or the older one, as a part in OpenAI's form.

    Raises:
        InvalidInputError: If OpenAI has no form for it.
    """
    if "source_type" in block:
        block = cast("Mapping[str, Any]", standard_blocks([block])[0])
    kind = block.get("type")
    if kind == "image" and "url" in block:
        return {"type": "image_url", "image_url": {"url": block["url"], **_detail(block)}}
    if kind == "image" and "base64" in block and "mime_type" in block:
        return {"type": "image_url", "image_url": {"url": _data_url(block), **_detail(block)}}
    if kind == "audio" and "base64" in block and "mime_type" in block:
        form = str(block["mime_type"]).rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": block["base64"], "format": form}}
    if kind == "file" and "base64" in block and "mime_type" in block:
        name = (block.get("extras") or {}).get("filename") or block.get("filename")
        return {"type": "file", "file": {"file_data": _data_url(block), **({"filename": name} if name else {})}}
    if kind == "file" and "file_id" in block:
        return {"type": "file", "file": {"file_id": block["file_id"]}}
    if kind == "text-plain" and "text" in block:
        return {"type": "text", "text": block["text"]}
    raise InvalidInputError(f"OpenAI's chat messages have no form for {dict(block)!r}; give base64 or an image's url.")


def convert_to_openai_image_block(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a standard block with an image as a part in OpenAI's form.

    Raises:
        InvalidInputError: If it is no image, or holds neither a url nor base64 with a mime type.
    """
    return convert_to_openai_data_block({**block, "type": "image"})


def openai_role(message: BaseMessage) -> str:
    """Return who speaks, in OpenAI's words.

    Raises:
        InvalidInputError: If the message is of a kind that nobody speaks.
    """
    if isinstance(message, ChatMessage):
        return message.role
    if isinstance(message, SystemMessage):
        return str(message.additional_kwargs.get("__openai_role__", "system"))
    for kind, role in _ROLES:
        if isinstance(message, kind):
            return role
    raise InvalidInputError(f"OpenAI's chat messages have no role for {message!r}.")


_ROLES: tuple[tuple[type[BaseMessage], str], ...] = (
    (HumanMessage, "user"),
    (AIMessage, "assistant"),
    (ToolMessage, "tool"),
    (FunctionMessage, "function"),
)


def _is_pair(messages: Any) -> bool:
    return isinstance(messages, tuple) and len(messages) == 2 and isinstance(messages[0], str)


def _head(message: BaseMessage, *, include_id: bool) -> dict[str, Any]:
    """Return a message without its content."""
    head: dict[str, Any] = {"role": openai_role(message)}
    if message.name:
        head["name"] = message.name
    if isinstance(message, AIMessage):
        calls = message.tool_calls or _calls_in(message)
        if calls:
            head["tool_calls"] = [_call(call) for call in calls]
        for key in ("refusal", "function_call"):
            if message.additional_kwargs.get(key):
                head[key] = message.additional_kwargs[key]
    if isinstance(message, ToolMessage):
        head["tool_call_id"] = message.tool_call_id
    if include_id and message.id:
        head["id"] = message.id
    return head


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call["args"], ensure_ascii=False)
    return {"type": "function", "id": call["id"], "function": {"name": call["name"], "arguments": arguments}}


def _calls_in(message: BaseMessage) -> list[Any]:
    return [block for block in standard_blocks(message.content) if block.get("type") == "tool_call"]


def _parts(message: BaseMessage, *, pass_on: bool) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """Return the answers of tools within a message, and its content as parts."""
    answers: list[Mapping[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for entry in [message.content] if isinstance(message.content, str) else message.content:
        if isinstance(entry, str):
            if entry:
                parts.append({"type": "text", "text": entry})
            continue
        _check(entry)
        if entry.get("type") == "tool_result":
            answers.append(entry)
        elif entry.get("type") in _OWN_PARTS and "citations" not in entry:
            parts.append(dict(entry))
        else:
            parts += _part(entry, is_ai=isinstance(message, AIMessage), pass_on=pass_on)
    return answers, parts


def _check(entry: Mapping[Any, Any]) -> None:
    """Refuse a block of a known kind that lacks what makes it one; passed on, the provider would refuse it.

    Raises:
        InvalidInputError: If it lacks something.
    """
    missing = [key for key in _NEEDED.get(str(entry.get("type")), ()) if key not in entry]
    if missing:
        raise InvalidInputError(f"The block {dict(entry)!r} lacks {missing!r}.")


def _part(entry: dict[Any, Any], *, is_ai: bool, pass_on: bool) -> list[dict[str, Any]]:
    """Return a list of the part for a block, empty if it is a call, which stands beside the content."""
    text = _text_of_bedrock(entry)
    if text is not None:
        return [{"type": "text", "text": text}]
    block: Any = standard_blocks([entry])[0]
    if block["type"] == "text":
        return [{"type": "text", "text": block["text"]}]
    if is_ai and block["type"] in ("tool_call", "tool_call_chunk", "invalid_tool_call"):
        return []
    try:
        return [convert_to_openai_data_block(block)]
    except InvalidInputError:
        if not pass_on or entry.get("type") == "image":
            raise
    return [entry]


def _text_of_bedrock(entry: Mapping[Any, Any]) -> str | None:
    """Return the text that a block of Converse stands for: JSON of a tool, or what a guardrail is to look at."""
    if "json" in entry and entry.get("type", "json") == "json":
        return json.dumps(entry["json"])
    guarded = entry.get("guard_content") if entry.get("type", "guard_content") == "guard_content" else None
    text = guarded.get("text") if isinstance(guarded, Mapping) else None
    text = text.get("text") if isinstance(text, Mapping) else text
    return text if isinstance(text, str) else None


def _content(parts: list[dict[str, Any]], text_format: str) -> str | list[dict[str, Any]]:
    if text_format == "string" and all(part.get("type") == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _tool_answer(answer: Mapping[str, Any], text_format: str) -> dict[str, Any]:
    message = ToolMessage(answer.get("content") or "", tool_call_id=answer.get("tool_use_id"))
    _, parts = _parts(message, pass_on=True)
    return {"role": "tool", "tool_call_id": message.tool_call_id, "content": _content(parts, text_format)}


def _data_url(block: Mapping[str, Any]) -> str:
    return f"data:{block['mime_type']};base64,{block['base64']}"


def _detail(block: Mapping[str, Any]) -> dict[str, Any]:
    detail = (block.get("extras") or {}).get("detail")
    return {"detail": detail} if detail else {}
