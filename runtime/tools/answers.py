"""What goes into a tool and what comes out: its arguments or a model's tool call, a value or a tool message."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from ..exceptions import InvalidInputError, SpanloomError
from ..messages.message import ToolMessage

__all__ = ["ToolException", "answer_of", "shown_failure", "split_result", "taken_apart", "told_failure"]

_BLOCKS = frozenset(
    {"text", "image_url", "image", "json", "search_result", "custom_tool_call_output", "document", "file"}
)


class ToolException(SpanloomError):
    """A tool could not do what it was asked; with `handle_tool_error` the model is told instead of the caller."""


def taken_apart(value: Any) -> tuple[Any, str | None]:
    """Return the arguments and the call's id of what a tool was given.

    Args:
        value: A text, a mapping of arguments, or a tool call (a mapping with `"type": "tool_call"`).
    """
    if isinstance(value, Mapping) and value.get("type") == "tool_call" and "args" in value:
        args = value["args"]
        return (dict(args) if isinstance(args, Mapping) else args), value.get("id")
    return (dict(value) if isinstance(value, Mapping) else value), None


def split_result(result: Any, response_format: Literal["content", "content_and_artifact"]) -> tuple[Any, Any]:
    """Return content and artifact of what a tool returned.

    Args:
        result: What it returned.
        response_format: Whether that is the content alone, or a pair.

    Raises:
        InvalidInputError: If a pair was promised and something else was returned.
    """
    if response_format == "content":
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise InvalidInputError(
            f"A tool with response_format='content_and_artifact' returned {result!r}; return (content, artifact)."
        )
    return result


def answer_of(
    content: Any, artifact: Any, call_id: str | None, name: str, status: Literal["success", "error"] = "success"
) -> Any:
    """Return what the caller gets: the content itself, or a tool message where a tool call was given.

    Args:
        content: What the tool says. In a message, what is neither text nor a list of blocks is written as JSON.
        artifact: What it keeps for the program.
        call_id: The id of the call, or None.
        name: The tool's name.
        status: Whether it worked.
    """
    if call_id is None or isinstance(content, ToolMessage):
        return content
    if not _is_content(content):
        content = _written(content)
    return ToolMessage(content, artifact=artifact, tool_call_id=call_id, name=name, status=status)


def shown_failure(error: ToolException, handling: bool | str | Callable[[ToolException], Any]) -> Any:
    """Return what a tool says instead of raising its exception.

    Args:
        error: The exception.
        handling: True for its first argument, a text for that, or a function of the exception.
    """
    if handling is True:
        return error.args[0] if error.args else "Tool execution error"
    return handling if isinstance(handling, str) else _called(handling, error)


def told_failure(error: ValidationError, handling: bool | str | Callable[[ValidationError], Any]) -> Any:
    """Return what a tool says instead of refusing its arguments.

    Args:
        error: The refusal.
        handling: True for a short text, a text for that, or a function of the refusal.
    """
    if handling is True:
        return "Tool input validation error"
    return handling if isinstance(handling, str) else _called(handling, error)


def _called(handling: Any, error: Exception) -> Any:
    if not callable(handling):
        raise InvalidInputError(f"The error handling is {handling!r}; give True, a text, or a function.")
    return handling(error)


def _is_content(content: Any) -> bool:
    if isinstance(content, str):
        return True
    return isinstance(content, list | tuple) and all(
        isinstance(item, str) or (isinstance(item, Mapping) and item.get("type") in _BLOCKS) for item in content
    )


def _written(content: Any) -> str:
    try:
        return json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(content)
