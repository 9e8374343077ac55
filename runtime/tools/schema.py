"""What a tool's arguments are: a pydantic model made from a function's signature."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model

from .docstrings import Docstring, read_docstring
from .injection import hints_of, injected_of
from .markers import is_marked, marks_of

__all__ = ["create_schema_from_function", "model_of_subset"]

_ALWAYS_LEFT_OUT = ("run_manager", "callbacks")


def create_schema_from_function(
    model_name: str,
    func: Callable[..., Any],
    *,
    filter_args: Sequence[str] | None = None,
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = False,
    include_injected: bool = True,
    description: str | None = None,
) -> type[BaseModel]:
    """Return a model of a function's arguments, without those that the runtime fills in and without `*args`.

    A text in `Annotated[...]` describes its argument. A function with `**kwargs` takes arguments of any name.

    Args:
        model_name: The name of the model.
        func: The function, or a method.
        filter_args: More arguments to leave out.
        parse_docstring: Whether the Google docstring describes the arguments; it wins over annotations.
        error_on_invalid_docstring: Whether the docstring to parse must be there.
        include_injected: Whether to keep arguments that the program fills in.
        description: What the model says of itself; the function's docstring when not given.

    Raises:
        InvalidInputError: If the docstring to parse describes an argument that does not exist, or must be there and
            is not.
        ValueError: If the function has no signature.
    """
    hints = hints_of(func)
    parameters = inspect.signature(func).parameters
    told = Docstring(func.__doc__ or "", {})
    if parse_docstring:
        told = read_docstring(func, parameters, must_be_valid=error_on_invalid_docstring)
    left_out = {*injected_of(func).names, *_ALWAYS_LEFT_OUT, *(filter_args or ())}
    fields: dict[str, Any] = {}
    extra = False
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            extra = True
        if name in left_out or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        kind = hints.get(name, Any)
        if not include_injected and get_origin(kind) is Annotated and is_marked(get_args(kind)[1:]):
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (_described(kind, told.arguments.get(name)), default)
    about = inspect.cleandoc(description or told.description) or None
    config = ConfigDict(arbitrary_types_allowed=True, extra="allow" if extra else "ignore")
    return _made(model_name, about, config, fields)


def model_of_subset(model: type[BaseModel], name: str, description: str) -> type[BaseModel]:
    """Return a model with the fields that a model is told of, under the tool's name and description.

    Args:
        model: The model of all arguments.
        name: The new name.
        description: The new description.
    """
    hidden = marks_of(None, model)
    fields: dict[str, Any] = {
        field: (info.annotation, info) for field, info in model.model_fields.items() if field not in hidden
    }
    config = ConfigDict(arbitrary_types_allowed=True)
    return _made(name, inspect.cleandoc(description) or None, config, fields)


def _made(name: str, told: str | None, config: ConfigDict, fields: dict[str, Any]) -> type[BaseModel]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
        model: type[BaseModel] = create_model(name, __config__=config, **fields)
    model.__doc__ = told
    model.model_rebuild(force=True)
    return model


def _described(annotation: Any, told: str | None) -> Any:
    """Return an annotation with texts as descriptions; what is told besides wins."""
    kind, *extras = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    made = [Field(description=item) if isinstance(item, str) else item for item in extras if item is not ...]
    if told is not None:
        made.append(Field(description=told))
    return Annotated[(kind, *made)] if made else kind
