"""Structured output of Converse: a schema that the model's text must fit, or a tool that it must call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ....output_parsers import JsonOutputKeyToolsParser, JsonOutputParser, PydanticOutputParser, PydanticToolsParser
from ....runnables.base import Runnable
from ....utils.function_calling import convert_to_json_schema
from .tools import tool_name, wire_tool

__all__ = ["schema_name", "text_format", "text_parser", "tool_parser"]

_DEFAULT_NAME = "answer"


def schema_name(schema: Any) -> str:
    """Return the name of the tool that stands for a schema.

    Args:
        schema: A pydantic class, a typed dict, a JSON schema with a title, or a tool in any form.

    Raises:
        ValueError: If it is none of these.
    """
    return tool_name(wire_tool(schema)) or _DEFAULT_NAME


def text_format(schema: Any) -> dict[str, Any]:
    """Return the `outputConfig` that makes a model's text fit a schema; objects take no further properties.

    Args:
        schema: A pydantic class, a typed dict, or a JSON schema with a title.

    Raises:
        ValueError: If it is none of these.
    """
    made = _closed(convert_to_json_schema(schema))
    told = {"schema": json.dumps(made), "name": made.get("title") or _DEFAULT_NAME}
    if made.get("description"):
        told["description"] = made["description"]
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": told}}}


def text_parser(schema: Any) -> Runnable[Any, Any]:
    """Return what reads a text that fits a schema: objects of a pydantic class, else dicts.

    Args:
        schema: The schema.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return PydanticOutputParser(pydantic_object=schema)
    return JsonOutputParser()


def tool_parser(schema: Any, name: str) -> Runnable[Any, Any]:
    """Return what reads the call of the tool that stands for a schema; it gives None where there was no call.

    Args:
        schema: The schema.
        name: The tool's name.
    """
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return PydanticToolsParser(tools=[schema], first_tool_only=True)
    return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _closed(part) for key, part in schema.items()}
    return {**made, "additionalProperties": False} if made.get("type") == "object" else made
