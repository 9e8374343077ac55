"""What a tool's arguments are: a pydantic model made from a function's signature."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from .injection import hints_of, injected_of

__all__ = ["create_schema_from_function", "model_of_subset"]


def create_schema_from_function(
    model_name: str, func: Callable[..., Any], *, description: str | None = None
) -> type[BaseModel]:
    """Return a model of a function's arguments, without those that are injected and without `*args`.

    A text in `Annotated[...]` describes its argument. A function with `**kwargs` takes arguments of any name.

    Args:
        model_name: The name of the model.
        func: The function, or a method.
        description: What the model says of itself; the function's docstring when not given.
    """
    hints = hints_of(func)
    left_out = injected_of(func).names | {"run_manager", "callbacks"}
    fields: dict[str, Any] = {}
    extra = False
    for name, parameter in inspect.signature(func).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = True
        if name in left_out or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (_described(hints.get(name, Any)), default)
    told = inspect.cleandoc(description or func.__doc__ or "") or None
    config = ConfigDict(arbitrary_types_allowed=True, extra="allow" if extra else "ignore")
    return _made(model_name, told, config, fields)


def model_of_subset(model: type[BaseModel], name: str, description: str) -> type[BaseModel]:
    """Return a model with the same fields under another name and description, as a tool shows it to a model.

    Args:
        model: The model.
        name: The new name.
        description: The new description.
    """
    fields: dict[str, Any] = {field: (info.annotation, info) for field, info in model.model_fields.items()}
    config = ConfigDict(arbitrary_types_allowed=True)
    return _made(name, inspect.cleandoc(description) or None, config, fields)


def _made(name: str, told: str | None, config: ConfigDict, fields: dict[str, Any]) -> type[BaseModel]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
        model: type[BaseModel] = create_model(name, __config__=config, **fields)
    model.__doc__ = told
    model.model_rebuild(force=True)
    return model


def _described(annotation: Any) -> Any:
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, *told = get_args(annotation)
    made = tuple(Field(description=item) if isinstance(item, str) else item for item in told)
    return Annotated[(kind, *made)]
