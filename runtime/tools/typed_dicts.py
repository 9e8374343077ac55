"""TypedDicts as pydantic models, as function calling describes them.

A key may say more in its annotation: `Annotated[int, ...]` is needed, `Annotated[int, 5]` has a default,
`Annotated[int, ..., "text"]` a description besides. The docstring's `Args` section describes keys as well, and wins.
`X | None` is described as X, since a key that may be left out says so by `NotRequired` or a default.
"""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Annotated, Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model
from typing_extensions import ReadOnly, is_typeddict

from ..exceptions import InvalidInputError
from .docstrings import read_docstring

__all__ = ["model_of_typed_dict"]

_QUALIFIERS = (NotRequired, Required, ReadOnly)


def model_of_typed_dict(kind: type) -> type[BaseModel]:
    """Return a model with the keys of a TypedDict; TypedDicts inside become models as well.

    Args:
        kind: The TypedDict.

    Raises:
        InvalidInputError: If the docstring describes a key that does not exist, or the third thing in an `Annotated`
            is no text.
    """
    return _model(kind, {})


def _model(kind: type, made: dict[type, Any]) -> type[BaseModel]:
    hints = get_type_hints(kind, include_extras=True)
    told = read_docstring(kind, hints)
    made[kind] = Any  # where a TypedDict holds itself, anything may stand
    fields = {name: _field(name, hint, name in _needed(kind), told.arguments, made) for name, hint in hints.items()}
    model: type[BaseModel] = create_model(kind.__name__, __doc__=told.description or None, **fields)
    made[kind] = model
    return model


def _needed(kind: Any) -> frozenset[str]:
    # with total=False only the class says that keys are optional; models are asked for all of them, as is known
    return kind.__required_keys__ if kind.__total__ else frozenset(get_type_hints(kind))


def _field(name: str, hint: Any, needed: bool, told: dict[str, str], made: dict[type, Any]) -> Any:
    kind, extras = _taken_apart(hint)
    default: Any = ... if needed else None
    if extras:
        default = extras[0]
    about = extras[1] if len(extras) > 1 else None
    if about is not None and not isinstance(about, str):
        raise InvalidInputError(f"The key {name!r} is described by {about!r}; the third thing in Annotated is a text.")
    about = told.get(name, about)
    if default is None:
        return _plain(kind, made), Field(default=None, description=about, json_schema_extra=_without_default)
    return _plain(kind, made), Field(default=default, description=about)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _taken_apart(hint: Any) -> tuple[Any, list[Any]]:
    extras: list[Any] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            extras = more + extras
        elif get_origin(hint) in _QUALIFIERS:
            hint = get_args(hint)[0]
        else:
            return hint, extras


def _plain(hint: Any, made: dict[type, Any]) -> Any:
    """Return a type without None and with models instead of TypedDicts."""
    hint = _taken_apart(hint)[0]
    if is_typeddict(hint):
        return made[hint] if hint in made else _model(hint, made)
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_plain(item, made) for item in inside if item is not NoneType)]  # noqa: UP007 - made at run time
    if origin is None or not inside or not isinstance(origin, type):
        return hint
    generic: Any = origin
    return generic[tuple(item if item is Ellipsis else _plain(item, made) for item in inside)]
