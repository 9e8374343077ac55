"""Marks for arguments that a program fills in and that no model is told of: `Annotated[str, InjectedToolArg]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from .injection import hints_of

__all__ = ["InjectedToolArg", "InjectedToolCallId", "is_marked", "marks_of"]


class InjectedToolArg:
    """Marks an argument as filled in by the program, so models are not told of it."""


class InjectedToolCallId(InjectedToolArg):
    """Marks an argument that gets the id of the tool call; the tool is then called with tool calls only."""


def is_marked(metadata: Iterable[Any], kind: type[InjectedToolArg] = InjectedToolArg) -> bool:
    """Return whether the rest of an `Annotated[...]` holds a mark, as a class or as an object of it.

    Args:
        metadata: What stands in `Annotated` after the type.
        kind: The mark; marks made from it count as well.
    """
    return any(isinstance(item, kind) or (isinstance(item, type) and issubclass(item, kind)) for item in metadata)


def marks_of(function: Callable[..., Any] | None, model: type[BaseModel] | None) -> dict[str, bool]:
    """Return the marked arguments of a function and its model, and whether each one is the tool call's id.

    Args:
        function: The function or method, if there is one; it is looked at once.
        model: The model of its arguments, if there is one.
    """
    found = _marks_of_function(getattr(function, "__func__", function)) if function is not None else {}
    return {**found, **_marks_of_model(model)} if model is not None else found


@lru_cache(maxsize=1024)
def _marks_of_function(function: Callable[..., Any]) -> dict[str, bool]:
    annotated = {name: get_args(hint) for name, hint in hints_of(function).items() if get_origin(hint) is Annotated}
    return {
        name: is_marked(extras, InjectedToolCallId) for name, (_, *extras) in annotated.items() if is_marked(extras)
    }


@lru_cache(maxsize=1024)
def _marks_of_model(model: type[BaseModel]) -> dict[str, bool]:
    extras = {name: info.metadata for name, info in model.model_fields.items()}
    return {name: is_marked(told, InjectedToolCallId) for name, told in extras.items() if is_marked(told)}
