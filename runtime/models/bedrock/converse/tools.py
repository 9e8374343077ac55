"""Tools and the choice between them, from any form to Converse's `toolConfig`.

A tool may be a pydantic class, a function, a tool object, a mapping in OpenAI's or Anthropic's form or a JSON schema,
or what Converse itself takes: `toolSpec`, `systemTool`, a cache point. A bare name is a system tool, one that the
service runs. A property that may also be null is sent without that: models take at most sixteen unions in a schema,
and leaving a property out says the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ....exceptions import InvalidInputError
from ....utils.function_calling import convert_to_openai_tool
from .capabilities import ToolChoiceKind
from .keys import camel_keys

__all__ = ["auto_while_thinking", "checked_tool_choice", "is_thinking", "tool_name", "wire_tool", "wire_tool_choice"]

_OWN_MEMBERS = frozenset({"toolSpec", "systemTool", "cachePoint"})
_NULL = {"type": "null"}
_Wire = dict[str, Any]


def wire_tool(tool: Any, *, strict: bool | None = None) -> _Wire:
    """Return a tool as Converse takes it.

    Args:
        tool: The tool, in any form.
        strict: Whether the model's arguments must fit the schema exactly; left to the service when None.

    Raises:
        InvalidInputError: If it is a mapping in no known form.
        ValueError: If it cannot be described as a tool.
    """
    if isinstance(tool, str):
        return {"systemTool": {"name": tool}}
    if isinstance(tool, Mapping):
        own = camel_keys({key: part for key, part in tool.items() if key != "type"})
        if len(own) == 1 and own.keys() <= _OWN_MEMBERS:
            return dict(own)
        if "input_schema" in tool and "name" in tool:
            return _spec(tool["name"], tool.get("description"), tool["input_schema"], tool.get("strict", strict))
        if isinstance(tool.get("type"), str) and tool["type"] not in ("function", "object"):
            raise InvalidInputError(
                f"Converse takes no tool of type {tool['type']!r} (its keys are {sorted(tool)}); give a function, or "
                "{'systemTool': {'name': ...}} for one that the service runs."
            )
    function = convert_to_openai_tool(tool, strict=strict)["function"]
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    is_strict = function.get("strict")
    # A strict schema requires every property, so null is the only way to leave one out.
    bare = schema if is_strict else _without_null(schema)
    return _spec(function["name"], function.get("description"), bare, is_strict)


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """Return the name of a tool, or None for a cache point.

    Args:
        tool: The tool as Converse takes it.
    """
    held = tool.get("toolSpec") or tool.get("systemTool")
    return str(held["name"]) if held else None


def wire_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> _Wire | None:
    """Return a tool choice as Converse takes it, or None where the choice is not to be sent.

    Args:
        choice: "auto", "any" or "required", True for the one tool or any of several, False, None or "none" for no
            choice, a tool's name, or a mapping in Converse's, OpenAI's or Anthropic's form.
        tools: The tools as Converse takes them.

    Raises:
        InvalidInputError: If it is none of these, or names a tool that is not among them.
    """
    names = [name for tool in tools if (name := tool_name(tool))]
    if choice is None or choice is False or choice == "none":
        return None
    if choice is True:
        choice = names[0] if len(names) == 1 else "any"
    if isinstance(choice, Mapping):
        choice = _named_in(choice)
    if choice == "auto" and choice not in names:
        return {"auto": {}}
    if choice in ("any", "required") and choice not in names:
        return {"any": {}}
    if not isinstance(choice, str) or choice not in names:
        raise InvalidInputError(
            f"tool_choice={choice!r} is no way to choose and names no bound tool; use 'auto', 'any', or one of {names}."
        )
    return {"tool": {"name": choice}}


def checked_tool_choice(choice: _Wire, supported: Sequence[ToolChoiceKind], model: str) -> _Wire:
    """Return the choice if the model takes it.

    Args:
        choice: The choice as Converse takes it.
        supported: What the model takes.
        model: The model's id, for the message.

    Raises:
        InvalidInputError: If it does not.
    """
    (kind,) = choice
    if kind in supported:
        return choice
    takes = f"it takes {', '.join(map(repr, supported))}" if supported else "it takes no tool choice at all"
    raise InvalidInputError(
        f"The model {model!r} does not take a tool choice of kind {kind!r}; {takes}. Leave tool_choice out, or set "
        f"supports_tool_choice_values if the model can do it by now."
    )


def is_thinking(fields: Mapping[str, Any] | None) -> bool:
    """Return whether Claude's extended thinking is asked for.

    Args:
        fields: The additional model request fields.
    """
    thinking = (fields or {}).get("thinking")
    return isinstance(thinking, Mapping) and thinking.get("type") in ("enabled", "adaptive")


def auto_while_thinking(choice: _Wire) -> _Wire:
    """Return the choice that a model takes while it thinks: "auto", with a warning where another was asked for.

    Args:
        choice: The choice as Converse takes it.
    """
    if "auto" not in choice:
        warnings.warn(
            f"The model cannot be made to call a tool while it thinks; 'auto' is sent for tool_choice={choice!r}, and "
            "it may answer without a call.",
            UserWarning,
            stacklevel=2,
        )
    return {"auto": {}}


def _named_in(choice: Mapping[str, Any]) -> Any:
    """Return the name, or the way to choose, that a mapping in any provider's form says."""
    kind = choice.get("type")
    held = choice.get("function" if kind == "function" else "tool")
    if isinstance(held, Mapping):
        return held.get("name")
    if kind == "tool":
        return choice.get("name")
    if kind in ("auto", "any"):
        return kind
    return next((way for way in ("auto", "any") if way in choice), dict(choice))


def _spec(name: str, description: str | None, schema: Mapping[str, Any], strict: bool | None) -> _Wire:
    spec: _Wire = {"name": name, "description": description or name, "inputSchema": {"json": dict(schema)}}
    if strict is not None:
        spec["strict"] = strict
    return {"toolSpec": spec}


def _without_null(schema: Any) -> Any:
    """Return a schema with each union of one type and null as that type."""
    if isinstance(schema, list):
        return [_without_null(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _without_null(part) for key, part in schema.items()}
    union = made.get("anyOf")
    if isinstance(union, list) and _NULL in union:
        rest = [part for part in union if part != _NULL]
        if len(rest) == 1 and isinstance(rest[0], dict):
            del made["anyOf"]
            made = {**rest[0], **made}
    return made
