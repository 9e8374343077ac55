"""Tool calls in OpenAI's form, `{"id", "function": {"name", "arguments"}}`, one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..exceptions import OutputParserException
from ..messages.tool_calls import InvalidToolCall, invalid_tool_call
from ..partial_json import parse_partial_json

__all__ = ["make_invalid_tool_call", "parse_tool_call", "parse_tool_calls"]


def parse_tool_call(
    raw_tool_call: Mapping[str, Any], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> dict[str, Any] | None:
    """Return a call as `{"name", "args", "id", "type"}`, or None for one that is no function or cannot be read yet.

    Args:
        raw_tool_call: The call in OpenAI's form. Absent arguments are an empty object, unless more may come.
        partial: Whether more of the arguments may come.
        strict: Refuse raw control characters in the strings of the arguments.
        return_id: Whether to give the `id`.

    Raises:
        OutputParserException: If the arguments are no JSON and no more may come; `llm_output` is their text.
    """
    function = raw_tool_call.get("function")
    if not isinstance(function, Mapping):
        return None
    text = function.get("arguments")
    try:
        if partial:
            args = parse_partial_json(text or "", strict=strict)
        else:
            args = json.loads(text, strict=strict) if text else {}
    except (ValueError, TypeError, RecursionError) as err:
        if partial:
            return None
        name = function.get("name")
        raise OutputParserException(
            f"The arguments of the call of {name!r} are {text!r}, which is no JSON: {err}", llm_output=str(text)
        ) from err
    made = {"name": function.get("name") or "", "args": args or {}}
    return {**made, **({"id": raw_tool_call.get("id"), "type": "tool_call"} if return_id else {})}


def parse_tool_calls(
    raw_tool_calls: Iterable[Mapping[str, Any]], *, partial: bool = False, strict: bool = False, return_id: bool = True
) -> list[dict[str, Any]]:
    """Return calls as `parse_tool_call` does, those left out that give None.

    Args:
        raw_tool_calls: The calls in OpenAI's form.
        partial: Whether more of the arguments may come.
        strict: Refuse raw control characters in the strings of the arguments.
        return_id: Whether to give the `id` of each.

    Raises:
        OutputParserException: If the arguments of calls are no JSON and no more may come; it tells all of them.
    """
    made: list[dict[str, Any]] = []
    failures: list[str] = []
    for raw in raw_tool_calls:
        try:
            call = parse_tool_call(raw, partial=partial, strict=strict, return_id=return_id)
        except OutputParserException as err:
            failures.append(str(err))
            continue
        if call is not None:
            made.append(call)
    if failures:
        raise OutputParserException("\n\n".join(failures))
    return made


def make_invalid_tool_call(raw_tool_call: Mapping[str, Any], error_msg: str | None) -> InvalidToolCall:
    """Return a call that could not be read, with the text of its arguments.

    Args:
        raw_tool_call: The call in OpenAI's form.
        error_msg: Why it could not be read.
    """
    function = raw_tool_call["function"]
    return invalid_tool_call(
        name=function["name"], args=function["arguments"], id=raw_tool_call.get("id"), error=error_msg
    )
