"""Answers in the shape of a schema, for chat models that can be given tools.

The schema is offered as the one tool, which the model must call; the call's arguments are the answer.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from pydantic import BaseModel

from ..output_parsers import JsonOutputKeyToolsParser, PydanticToolsParser
from ..runnables.base import Runnable
from ..runnables.parallel import RunnableParallel
from ..runnables.passthrough import RunnablePassthrough
from ..tools.convert import convert_to_openai_tool
from .base import FORMAT

__all__ = ["shaped", "with_raw"]


def shaped(schema: Any) -> tuple[dict[str, Any], Runnable[Any, Any]]:
    """Return the arguments that `bind_tools` needs besides the schema, and the parser of the answers.

    Args:
        schema: A pydantic class, a typed dict, a JSON schema with a title, or an OpenAI function.

    Raises:
        ValueError: If it is none of these.
    """
    name = convert_to_openai_tool(schema)["function"]["name"]
    arguments = {"tool_choice": "any", FORMAT: {"kwargs": {"method": "function_calling"}, "schema": schema}}
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return arguments, PydanticToolsParser(tools=[schema], first_tool_only=True)
    return arguments, JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)


def with_raw(model: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Return a runnable that gives `raw`, `parsed` and `parsing_error`; an answer that cannot be parsed raises nothing.

    Args:
        model: What gives the raw answer.
        parser: What reads it.
    """
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableParallel(raw=model) | parsed.with_fallbacks([unparsed], exception_key="parsing_error")
