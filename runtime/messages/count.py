"""How many tokens a conversation has, roughly, without asking a model."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from .convert import MessageLikeRepresentation, convert_to_messages
from .message import AIMessage, BaseMessage, ToolMessage
from .openai import openai_role

__all__ = ["count_tokens_approximately"]

_IMAGES = ("image", "image_url", "input_image")


def count_tokens_approximately(
    messages: Iterable[MessageLikeRepresentation],
    *,
    chars_per_token: float = 4.0,
    extra_tokens_per_message: float = 3.0,
    count_name: bool = True,
    tokens_per_image: int = 85,
    use_usage_metadata_scaling: bool = False,
    tools: Sequence[Any] | None = None,
) -> int:
    """Return about how many tokens the messages have: their characters, divided.

    Args:
        messages: The conversation, or what stands for its messages.
        chars_per_token: How many characters make a token.
        extra_tokens_per_message: What each message costs beside its characters, in tokens.
        count_name: Count the names of speakers.
        tokens_per_image: What an image costs, whatever its size.
        use_usage_metadata_scaling: Scale up to what a provider counted, as far as the last AI message with a count of
            the input; only if all AI messages are of one provider. Never scales down.
        tools: Tools whose description is counted too: mappings, or objects with name, description and args.
    """
    read = convert_to_messages(messages)
    total = math.ceil(sum(len(_tool_text(tool)) for tool in tools or ()) / chars_per_token) if tools else 0.0
    counted, counted_by_provider = 0.0, 0
    for message in read:
        chars, images = _size(message, count_name=count_name)
        total += math.ceil(chars / chars_per_token) + images * tokens_per_image + extra_tokens_per_message
        if isinstance(message, AIMessage) and message.usage_metadata:
            counted, counted_by_provider = total, message.usage_metadata["total_tokens"]
    providers = {m.response_metadata.get("model_provider") for m in read if isinstance(m, AIMessage)}
    if use_usage_metadata_scaling and counted and len(providers) == 1 and None not in providers:
        total *= max(1.0, counted_by_provider / counted)
    return math.ceil(total)


def _size(message: BaseMessage, *, count_name: bool) -> tuple[int, int]:
    """Return how many characters a message has, and how many images."""
    chars, images = len(openai_role(message)), 0
    for block in [message.content] if isinstance(message.content, str) else message.content:
        if isinstance(block, str):
            chars += len(block)
        elif block.get("type") in _IMAGES:
            images += 1
        else:
            text = block.get("text") if block.get("type") == "text" else None
            chars += len(text) if isinstance(text, str) else len(repr(block))
    if isinstance(message, AIMessage) and message.tool_calls and not isinstance(message.content, list):
        chars += len(repr(message.tool_calls))
    if isinstance(message, ToolMessage):
        chars += len(message.tool_call_id)
    return chars + len(message.name or "") * count_name, images


def _tool_text(tool: Any) -> str:
    if not isinstance(tool, dict):
        tool = {key: getattr(tool, key, None) for key in ("name", "description", "args")}
    return json.dumps(tool, default=str)
