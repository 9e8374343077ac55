"""Runnables as tools: what their input is becomes the tool's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, RootModel
from typing_extensions import is_typeddict

from ..runnables.base import Runnable
from ..runnables.config import RunnableConfig
from ..runnables.schemas import model_of_fields, type_of_model
from .base import BaseTool
from .simple import Tool
from .structured import StructuredTool

__all__ = ["convert_runnable_to_tool"]


def convert_runnable_to_tool(
    runnable: Runnable[Any, Any],
    args_schema: type[BaseModel] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    arg_types: Mapping[str, Any] | None = None,
) -> BaseTool:
    """Return a tool that runs a runnable; its run is the runnable's parent.

    Args:
        runnable: The runnable.
        args_schema: The model of its arguments; read from the runnable's input when not given.
        name: The tool's name; the runnable's when not given.
        description: What a model is told of it; what it takes, when not given.
        arg_types: The types of its arguments, where its input is a mapping that does not tell them.

    Raises:
        TypeError: If the input is neither a text nor a mapping whose types are told.
    """
    told = name or runnable.get_name()
    model = args_schema or (_of_types(told, arg_types) if arg_types else None) or runnable.get_input_schema()
    about = description or f"Takes {_shown(args_schema or runnable.get_input_schema())}."
    kind = type_of_model(model)
    if kind is str:
        return _of_text(runnable, told, about)
    return _of_mapping(runnable, told, about, _arguments(told, model, kind))


def _shown(model: type[BaseModel]) -> dict[str, Any]:
    from ..runnables.schemas import json_schema

    return json_schema(model)


def _of_types(name: str, types: Mapping[str, Any]) -> type[BaseModel]:
    return model_of_fields(name, {key: (kind, ...) for key, kind in types.items()})


def _arguments(name: str, model: type[BaseModel], kind: Any) -> type[BaseModel]:
    if not issubclass(model, RootModel):
        return model
    if is_typeddict(kind):
        needed: frozenset[str] = kind.__required_keys__
        hints = get_type_hints(kind)
        return model_of_fields(name, {key: (hint, ... if key in needed else None) for key, hint in hints.items()})
    raise TypeError(
        f"{name} takes {kind!r}; a tool takes a text, or a mapping whose types are told. "
        "Annotate its input, for example with a TypedDict, or pass args_schema or arg_types to as_tool."
    )


def _of_text(runnable: Runnable[Any, Any], name: str, description: str) -> Tool:
    def call(tool_input: str, config: RunnableConfig) -> Any:
        return runnable.invoke(tool_input, config)

    async def acall(tool_input: str, config: RunnableConfig) -> Any:
        return await runnable.ainvoke(tool_input, config)

    return Tool(name=name, description=description, func=call, coroutine=acall)


def _of_mapping(runnable: Runnable[Any, Any], name: str, description: str, model: type[BaseModel]) -> StructuredTool:
    def call(config: RunnableConfig, **kwargs: Any) -> Any:
        return runnable.invoke(kwargs, config)

    async def acall(config: RunnableConfig, **kwargs: Any) -> Any:
        return await runnable.ainvoke(kwargs, config)

    return StructuredTool(name=name, description=description, func=call, coroutine=acall, args_schema=model)
