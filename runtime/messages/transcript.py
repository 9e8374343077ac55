"""A conversation as XML, a form that models read without mistaking words for speakers.

Bytes are left out: of a file only its address is shown, and of `base64` nothing.
"""

import json
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .message import AIMessage, BaseMessage
from .translate import standard_blocks

__all__ = ["xml_message"]

_MAX_CHARS = 500


def xml_message(message: BaseMessage, speaker: str) -> str:
    """Return a message as an element; an AI's tool calls stand within, beside its content."""
    name = f" name={quoteattr(message.name)}" if message.name else ""
    start = f"<message type={quoteattr(speaker)}{name}>"
    words = " ".join(filter(None, map(_block, standard_blocks(message.content))))
    calls = _calls(message)
    if not calls:
        return f"{start}{words}</message>"
    content = [f"  <content>{words}</content>"] if words else []
    return "\n".join([start, *content, *calls, "</message>"])


def _block(block: Any) -> str:
    kind = block["type"]
    if kind in ("text", "text-plain") and "text" in block:
        return escape(block["text"])
    if kind == "reasoning":
        return f"<reasoning>{escape(block.get('reasoning', ''))}</reasoning>"
    if kind in ("image", "audio", "video", "file", "text-plain"):
        place = next(((key, block[key]) for key in ("url", "file_id") if key in block), None)
        if place is None or str(place[1]).startswith("data:"):
            return ""
        return f"<{kind} {place[0]}={quoteattr(place[1])} />"
    if kind == "server_tool_call":
        args = escape(_short(json.dumps(block["args"], ensure_ascii=False, default=str)))
        named = f"id={quoteattr(str(block.get('id')))} name={quoteattr(block['name'])}"
        return f"<server_tool_call {named}>{args}</server_tool_call>"
    if kind == "server_tool_result":
        output = escape(_short(json.dumps(block.get("output"), ensure_ascii=False, default=str)))
        return f"<server_tool_result tool_call_id={quoteattr(block['tool_call_id'])}>{output}</server_tool_result>"
    return ""


def _calls(message: BaseMessage) -> Sequence[str]:
    if not isinstance(message, AIMessage):
        return []
    lines = []
    for call in message.tool_calls:
        args = escape(json.dumps(call["args"], ensure_ascii=False, default=str))
        lines.append(f"  <tool_call id={quoteattr(call['id'] or '')} name={quoteattr(call['name'])}>{args}</tool_call>")
    function = message.additional_kwargs.get("function_call")
    if function and not lines:
        args = escape(str(function.get("arguments", "")))
        lines.append(f"  <function_call name={quoteattr(str(function.get('name', '')))}>{args}</function_call>")
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}..."
