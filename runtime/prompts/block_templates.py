"""Prompts for the blocks of a message's content, of which every text may hold fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import InvalidInputError
from .dict import DictPromptTemplate
from .formats import TemplateFormat
from .image import ImagePromptTemplate
from .template import PromptTemplate, StringPromptTemplate

__all__ = ["BlockPrompt", "BlockTemplate", "block_prompts", "block_variables", "format_blocks"]

BlockTemplate = str | dict[str, Any]
"""A text, or a block such as `{"type": "text", "text": "Hello {name}"}`."""

BlockPrompt = StringPromptTemplate | ImagePromptTemplate | DictPromptTemplate
"""What makes a block: a text, an image at an address, or any other mapping."""


def block_prompts(blocks: Sequence[Any], template_format: TemplateFormat) -> list[BlockPrompt]:
    """Return the prompts that make the blocks.

    Args:
        blocks: Texts, blocks, or prompts, which are taken as they are.
        template_format: The format of their texts.

    Raises:
        InvalidInputError: If something is no block, or a text is malformed.
    """
    return [_block_prompt(block, template_format) for block in blocks]


def block_variables(prompts: Sequence[BlockPrompt]) -> list[str]:
    """Return the names of all fields, each once, sorted.

    Args:
        prompts: The prompts of the blocks.
    """
    return sorted({name for prompt in prompts for name in prompt.input_variables})


def format_blocks(prompts: Sequence[BlockPrompt], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks with their fields filled.

    Args:
        prompts: The prompts of the blocks.
        values: Name -> value; each prompt is given those it names.

    Raises:
        InvalidInputError: If an image has no url.
        KeyError: If a field has no value.
    """
    return [_block(prompt, values) for prompt in prompts]


def _block_prompt(block: Any, template_format: TemplateFormat) -> BlockPrompt:
    if isinstance(block, StringPromptTemplate | ImagePromptTemplate | DictPromptTemplate):
        return block
    if isinstance(block, Mapping):
        keys = block.keys() - {"type"}
        if keys == {"text"} and isinstance(block["text"], str):
            return PromptTemplate.from_template(block["text"], template_format=template_format)
        if keys == {"image_url"}:
            image = block["image_url"]
            if not isinstance(image, str | dict):
                raise InvalidInputError(f"The image is {image!r}; give its address, or a mapping with 'url'.")
            template = {"url": image} if isinstance(image, str) else image
            return ImagePromptTemplate(template=template, template_format=template_format)
        made = DictPromptTemplate(template=dict(block), template_format=template_format)
        made.input_variables  # noqa: B018 - a malformed text is refused here, not when it is used
        return made
    if isinstance(block, str):
        return PromptTemplate.from_template(block, template_format=template_format)
    raise InvalidInputError(f"{block!r} is no block of a message; give a text or a mapping.")


def _block(prompt: BlockPrompt, values: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {name: values[name] for name in prompt.input_variables}
    if isinstance(prompt, ImagePromptTemplate):
        return {"type": "image_url", "image_url": dict(prompt.format(**wanted))}
    if isinstance(prompt, DictPromptTemplate):
        return prompt.format(**wanted)
    return {"type": "text", "text": prompt.format(**wanted)}
