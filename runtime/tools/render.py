"""Tools as text, for prompts of models without function calling."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

from .base import BaseTool

__all__ = ["ToolsRenderer", "render_text_description", "render_text_description_and_args"]

ToolsRenderer = Callable[[list[BaseTool]], str]
"""Writes tools as text."""


def render_text_description(tools: Iterable[BaseTool]) -> str:
    """Return a line for each tool: its name, with the signature of its function, and its description.

    Args:
        tools: The tools.
    """
    return "\n".join(map(_line, tools))


def render_text_description_and_args(tools: Iterable[BaseTool]) -> str:
    """Return a line for each tool, as `render_text_description`, with the JSON schemas of its arguments.

    Args:
        tools: The tools.
    """
    return "\n".join(f"{_line(tool)}, args: {tool.args}" for tool in tools)


def _line(tool: BaseTool) -> str:
    func = getattr(tool, "func", None)
    return f"{tool.name}{inspect.signature(func) if func else ''} - {tool.description}"
