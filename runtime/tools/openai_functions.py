"""What function calling needs to know of a tool, in OpenAI's form, from whatever describes it.

A tool is described by a pydantic model, a TypedDict, a function with type hints and a Google docstring, a tool, or a
mapping: a JSON schema with a title, OpenAI's function or tool, Anthropic's tool, or a `toolSpec` of Bedrock's Converse.
Schemas made from code have no references and no titles; those given as mappings are taken as they are.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from typing_extensions import is_typeddict

from ..exceptions import InvalidInputError
from .base import BaseTool
from .json_schemas import without_references, without_titles, without_unknown_keys
from .schema import create_schema_from_function
from .typed_dicts import model_of_typed_dict

__all__ = ["convert_to_json_schema", "convert_to_openai_function", "convert_to_openai_tool"]

_BUILT_IN = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "mcp",
        "namespace",
        "tool_search",
        "web_search",
    }
)
_SCHEMA_KEYS = frozenset({"type", "properties", "$defs", "definitions", "allOf", "anyOf", "oneOf"})


def convert_to_openai_function(
    function: Mapping[str, Any] | type | Callable[..., Any] | BaseTool, *, strict: bool | None = None
) -> dict[str, Any]:
    """Return a tool as OpenAI's function: `name`, `description`, `parameters`, and `strict` where it is given.

    Args:
        function: What describes the tool, see the module.
        strict: Whether the model must keep to the schema exactly. True makes every property needed and refuses others.

    Raises:
        InvalidInputError: If nothing of this kind describes a tool, or a mapping says another `strict`.
        ValueError: If a function has no signature.
    """
    made = _of_mapping(function) if isinstance(function, Mapping) else _of_code(function)
    if strict is None:
        return made
    if made.get("strict", strict) != strict:
        raise InvalidInputError(
            f"The function says strict={made['strict']!r}, but strict={strict!r} was given; leave out one of them."
        )
    made["strict"] = strict
    if strict and made.get("parameters"):
        made["parameters"] = without_unknown_keys(made["parameters"])
    return made


def convert_to_openai_tool(
    tool: Mapping[str, Any] | type | Callable[..., Any] | BaseTool, *, strict: bool | None = None
) -> dict[str, Any]:
    """Return a tool as OpenAI's tool: `{"type": "function", "function": {...}}`.

    OpenAI's tools, also those that it runs itself, such as `web_search`, are returned as they are.

    Args:
        tool: What describes the tool, see the module.
        strict: As for `convert_to_openai_function`.

    Raises:
        InvalidInputError: If nothing of this kind describes a tool, or a mapping says another `strict`.
        ValueError: If a function has no signature.
    """
    if isinstance(tool, Mapping):
        kind = tool.get("type")
        if kind in _BUILT_IN or str(kind).startswith("web_search_preview") or _is_openai_tool(tool):
            return dict(tool)
    if isinstance(tool, BaseTool) and (tool.metadata or {}).get("type") == "custom_tool":
        custom = {"type": "custom", "name": tool.name, "description": tool.description}
        return custom | ({"format": tool.metadata["format"]} if tool.metadata and tool.metadata.get("format") else {})
    return {"type": "function", "function": convert_to_openai_function(tool, strict=strict)}


def convert_to_json_schema(
    schema: Mapping[str, Any] | type | Callable[..., Any] | BaseTool, *, strict: bool | None = None
) -> dict[str, Any]:
    """Return what describes a tool as one JSON schema: its name is the title.

    Args:
        schema: What describes it, see the module.
        strict: As for `convert_to_openai_function`; the schema itself does not mention it.

    Raises:
        InvalidInputError: If nothing of this kind describes a tool, or the provider alone knows the tool's schema.
        ValueError: If a function has no signature.
    """
    function = convert_to_openai_tool(schema, strict=strict).get("function")
    if not isinstance(function, Mapping):
        raise InvalidInputError(f"{schema!r} has no schema; give a tool whose arguments are described.")
    made = {"title": function["name"]}
    if "description" in function:
        made["description"] = function["description"]
    return {**made, **function.get("parameters", {})}


def _is_openai_tool(tool: Mapping[str, Any]) -> bool:
    return tool.get("type") == "function" and isinstance(tool.get("function"), Mapping) and "name" in tool["function"]


def _of_mapping(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the function that a mapping describes, in any of the known forms."""
    if "name" in given:
        if "input_schema" in given:
            return _function(given["name"], given.get("description"), given["input_schema"])
        return {key: given[key] for key in ("name", "description", "parameters", "strict") if key in given}
    if _is_openai_tool(given):
        return dict(given["function"])
    if isinstance(spec := given.get("toolSpec"), Mapping) and "name" in spec:
        return _function(spec["name"], spec.get("description"), spec.get("inputSchema", {}).get("json", {}))
    if "title" in given:
        rest = {key: told for key, told in given.items() if key not in ("title", "description")}
        return _function(given["title"], given.get("description"), rest if rest.get("properties") else None)
    hint = "give the JSON schema a title, which names the function" if _SCHEMA_KEYS & set(given) else "give a name"
    raise InvalidInputError(f"{dict(given)!r} describes no function in a known form; {hint}.")


def _function(name: str, description: str | None, parameters: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name}
    if description:
        made["description"] = description
    return made if parameters is None else {**made, "parameters": dict(parameters)}


def _of_code(given: Any) -> dict[str, Any]:
    """Return the function that a class, a function or a tool describes."""
    if isinstance(given, BaseTool):
        return _of_tool(given)
    if isinstance(given, type):
        if issubclass(given, BaseModel):
            return _of_model(given)
        if is_typeddict(given):
            return _of_model(model_of_typed_dict(given))
    elif callable(given):
        named = given.func if isinstance(given, functools.partial) else given
        name = getattr(named, "__name__", None) or type(named).__name__
        return _of_model(create_schema_from_function(name, given, parse_docstring=True, include_injected=False))
    raise InvalidInputError(
        f"{given!r} describes no function; give a pydantic model, a TypedDict, a function, a tool, "
        "a JSON schema with a title, or a provider's own mapping."
    )


def _of_model(model: type[BaseModel]) -> dict[str, Any]:
    schema = without_references(model.model_json_schema())
    name, about = schema.pop("title", model.__name__), schema.pop("description", "")
    return {"name": name, "description": inspect.cleandoc(about), "parameters": without_titles(schema)}


def _of_tool(tool: BaseTool) -> dict[str, Any]:
    told = tool.tool_call_schema
    schema = dict(told) if isinstance(told, dict) else without_references(told.model_json_schema())
    schema = {key: inside for key, inside in schema.items() if key not in ("title", "description")}
    return {"name": tool.name, "description": tool.description, "parameters": without_titles(schema)}
