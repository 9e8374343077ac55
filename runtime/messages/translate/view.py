"""A message's content in standard blocks: every piece in exactly one block, in order.

What no standard block can say becomes `non_standard` with the provider's block as its value.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..blocks import ContentBlock
from .anthropic import translate_anthropic
from .converse import translate_converse
from .openai import translate_openai
from .responses import translate_responses
from .standard import translate_standard

__all__ = ["standard_blocks"]

_TRANSLATORS = (translate_anthropic, translate_converse, translate_openai)
_CALLS = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call"})


def standard_blocks(
    content: str | Iterable[str | Mapping[Any, Any]],
    calls: Iterable[Mapping[str, Any]] = (),
    additional_kwargs: Mapping[str, Any] | None = None,
) -> list[ContentBlock]:
    """Return content as standard blocks.

    Args:
        content: A text, or texts and blocks.
        calls: The message's calls and pieces of calls, each with its `type`. One stands in the place of the block in
            the content that it was read from; the others follow the content.
        additional_kwargs: What the provider sent beside the content; reasoning in it leads, a refusal follows.
    """
    beside = additional_kwargs or {}
    reasoning, refusal = beside.get("reasoning_content"), beside.get("refusal")
    blocks: list[dict[str, Any]] = []
    if isinstance(reasoning, str) and reasoning:
        blocks.append({"type": "reasoning", "reasoning": reasoning})
    waiting = list(calls)
    for entry in [content] if isinstance(content, str) else content:
        if isinstance(entry, str):
            if entry or not isinstance(content, str):
                blocks.append({"type": "text", "text": entry})
            continue
        for block in _translated(dict(entry)):
            call = _taken(waiting, block) if block["type"] in _CALLS else None
            blocks.append({**_beside_call(block), **call} if call is not None else block)
    blocks += [dict(call) for call in waiting]
    if isinstance(refusal, str) and refusal:
        blocks.append({"type": "non_standard", "value": {"type": "refusal", "refusal": refusal}})
    return cast("list[ContentBlock]", blocks)


def _translated(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks for an entry: one, or several where a provider tells several things in one."""
    block = translate_standard(entry)
    if block is not None:
        return [block]
    several = translate_responses(entry)
    if several is not None:
        return several
    for translate in _TRANSLATORS:
        block = translate(entry)
        if block is not None:
            return [block]
    return [{"type": "non_standard", "value": entry}]


def _taken(waiting: list[Mapping[str, Any]], block: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Take the call that a block stands for out of those waiting, found by its id or, for pieces without, its index."""
    own_id, index = block.get("id"), block.get("index")
    for place, call in enumerate(waiting):
        same = call.get("id") == own_id if own_id else index is not None and call.get("index") == index
        if same:
            return waiting.pop(place)
    return None


def _beside_call(block: dict[str, Any]) -> dict[str, Any]:
    return {key: block[key] for key in ("index", "extras") if key in block}
