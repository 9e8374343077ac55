"""Functions made tools by a decorator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, overload

from pydantic import BaseModel

from ..exceptions import InvalidInputError
from .base import BaseTool
from .structured import StructuredTool

__all__ = ["tool"]


@overload
def tool(name_or_callable: Callable[..., Any], /) -> BaseTool: ...


@overload
def tool(
    name_or_callable: str | None = None,
    /,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: type[BaseModel] | dict[str, Any] | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    extras: dict[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], BaseTool]: ...


def tool(
    name_or_callable: Any = None,
    /,
    *,
    description: str | None = None,
    return_direct: bool = False,
    args_schema: type[BaseModel] | dict[str, Any] | None = None,
    infer_schema: bool = True,
    response_format: Literal["content", "content_and_artifact"] = "content",
    extras: dict[str, Any] | None = None,
) -> Any:
    """Return the function as a tool: `@tool`, `@tool("name")` or `@tool(return_direct=True)`.

    Args:
        name_or_callable: The function, or what models call the tool; the function's name when not given.
        description: What models are told; the function's docstring when not given.
        return_direct: Whether an agent should end with its answer.
        args_schema: A model of the arguments, or a JSON schema; read from the signature when not given.
        infer_schema: Whether to read the signature now rather than at first use.
        response_format: Whether it returns the content alone, or a pair of content and artifact.
        extras: What a provider wants to know besides.

    Raises:
        InvalidInputError: If nothing describes the tool, or it is put above something that cannot be called.
    """

    def made(function: Callable[..., Any]) -> BaseTool:
        if not callable(function):
            raise InvalidInputError(f"@tool was given {function!r}; put it above a function.")
        asynchronous = inspect.iscoroutinefunction(function)
        return StructuredTool.from_function(
            None if asynchronous else function,
            function if asynchronous else None,
            name=name_or_callable if isinstance(name_or_callable, str) else None,
            description=description,
            return_direct=return_direct,
            args_schema=args_schema,
            infer_schema=infer_schema,
            response_format=response_format,
            extras=extras,
        )

    return made if name_or_callable is None or isinstance(name_or_callable, str) else made(name_or_callable)
