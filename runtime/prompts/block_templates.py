"""Templates for a message's content where it is a list of blocks: every text inside a block may hold fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .formatter import format_template, variables_of

__all__ = ["BlockTemplate", "block_variables", "format_blocks"]

BlockTemplate = str | dict[str, Any]
"""A text, or a block such as `{"type": "text", "text": "Hello {name}"}`."""


def block_variables(blocks: list[BlockTemplate]) -> list[str]:
    """Return the names of all fields in the blocks, each once, sorted.

    Args:
        blocks: The templates.

    Raises:
        InvalidInputError: If a text is malformed.
    """
    found: set[str] = set()
    _walk(blocks, lambda text: found.update(variables_of(text)))
    return sorted(found)


def format_blocks(blocks: list[BlockTemplate], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks with their fields filled; a bare text becomes a text block.

    Args:
        blocks: The templates.
        values: Name -> value.

    Raises:
        KeyError: If a field has no value.
    """
    return [_whole(block) for block in _walk(blocks, lambda text: format_template(text, values))]


def _walk(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: item if key == "type" else _walk(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, change) for item in value]
    return value


def _whole(block: Any) -> dict[str, Any]:
    """Return the block with its type; an image address that stands alone is put in its mapping."""
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if "type" not in block and "text" in block:
        return {"type": "text", **block}
    if isinstance(block.get("image_url"), str):
        return {**block, "type": "image_url", "image_url": {"url": block["image_url"]}}
    return dict(block)
