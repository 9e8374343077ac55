"""Functions and runnables made tools by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, overload

from ..exceptions import InvalidInputError
from ..runnables.base import Runnable
from .as_tool import convert_runnable_to_tool
from .base import ArgsSchema, BaseTool
from .simple import Tool
from .structured import StructuredTool

__all__ = ["tool"]


@overload
def tool(name_or_callable: Callable[..., Any], /) -> BaseTool: ...


@overload
def tool(
    name_or_callable: str,
    runnable: Callable[..., Any] | Runnable[Any, Any],
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> BaseTool: ...


@overload
def tool(
    name_or_callable: str | None = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Any] | Runnable[Any, Any]], BaseTool]: ...


def tool(
    name_or_callable: Any = None,
    runnable: Any = None,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: ArgsSchema | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = True,
    extras: dict[str, Any] | None = None,
) -> Any:
    """Return the function as a tool: `@tool`, `@tool("name")`, `@tool(return_direct=True)` or `tool("name", it)`.

    Args:
        name_or_callable: The function, or what models call the tool; the function's name when not given.
        runnable: The function or runnable, when it is not decorated.
        description: What models are told; the function's docstring when not given.
        return_direct: Whether an agent should end with its answer.
        args_schema: A model of the arguments, or a JSON schema; read from the signature when not given.
        infer_schema: Whether to read the signature; without it and without `args_schema` the tool takes one text.
        response_format: Whether it returns the content alone, or a pair of content and artifact.
        parse_docstring: Whether the Google docstring describes the arguments, each by its own text.
        error_on_invalid_docstring: Whether that docstring must be there and describe arguments.
        extras: What a provider wants to know besides.

    Raises:
        InvalidInputError: If nothing describes the tool, its docstring is to be parsed and not valid, it is put above
            something that cannot be called, or a function or runnable is given without its name.
    """
    name = name_or_callable if isinstance(name_or_callable, str) else None
    if runnable is not None and name is None:
        raise InvalidInputError(f"tool was given {runnable!r} named {name_or_callable!r}; give the name as a text.")
    fields: dict[str, Any] = {"return_direct": return_direct, "response_format": response_format, "extras": extras}

    def made(function: Any) -> BaseTool:
        if isinstance(function, Runnable):
            model = args_schema if isinstance(args_schema, type) else None
            of_runnable = convert_runnable_to_tool(function, model, name=name, description=description)
            return of_runnable.model_copy(update=fields)
        if not callable(function):
            raise InvalidInputError(f"@tool was given {function!r}; put it above a function.")
        func, coroutine = (None, function) if inspect.iscoroutinefunction(function) else (function, None)
        if not infer_schema and args_schema is None:
            told = description if description is not None else inspect.getdoc(function)
            if told is None:
                raise InvalidInputError(f"Nothing describes {function!r}; write a docstring, or give a description.")
            return Tool.from_function(func, name or function.__name__, told, coroutine=coroutine, **fields)
        return StructuredTool.from_function(
            func,
            coroutine,
            name=name,
            description=description,
            args_schema=args_schema,
            infer_schema=infer_schema,
            parse_docstring=parse_docstring,
            error_on_invalid_docstring=error_on_invalid_docstring,
            **fields,
        )

    if runnable is not None:
        return made(runnable)
    return made if name_or_callable is None or name is not None else made(name_or_callable)
