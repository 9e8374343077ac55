"""Types and their models: what goes in and out of a runnable, found out when somebody asks and never at a call."""

from __future__ import annotations

import ast
import inspect
import operator
import re
import sys
import textwrap
import typing
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel, ConfigDict, RootModel, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

__all__ = [
    "fields_of",
    "function_types",
    "generic_types",
    "is_open",
    "item_type",
    "json_schema",
    "keys_read",
    "model_of_fields",
    "model_of_type",
    "type_of_model",
    "types_of_kind",
    "united",
    "values_used",
    "vars_of",
]

_CONFIG = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())


class _Lenient(GenerateJsonSchema):
    """What JSON schema has no word for may be anything."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the model's JSON schema; types that JSON schema has no word for may be anything.

    Args:
        model: The model.
    """
    return model.model_json_schema(schema_generator=_Lenient)


def model_of_type(name: str, kind: Any) -> type[BaseModel]:
    """Return a model of one value of the type; a model is its own.

    Args:
        name: The model's name.
        kind: The type.
    """
    if isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, BaseModel):
        return kind
    try:
        return _root_model(name, kind)
    except TypeError:  # a type that has no hash
        return _root_model.__wrapped__(name, kind)


@lru_cache(maxsize=512)
def _root_model(name: str, kind: Any) -> type[BaseModel]:
    shown = _readable(kind)
    config = ConfigDict(arbitrary_types_allowed=True, title=name)
    space = {"__module__": __name__, "__annotations__": {"root": shown}, "model_config": config, "__doc__": None}
    metaclass: Any = type(RootModel)
    made = metaclass(name, (RootModel,), space)
    return cast("type[BaseModel]", made)


def _readable(kind: Any) -> Any:
    """Return a mapping type of `typing` as pydantic can read it before Python 3.12."""
    if not is_typeddict(kind) or sys.version_info >= (3, 12) or type(kind).__module__ != "typing":
        return kind
    from typing_extensions import TypedDict

    return TypedDict(kind.__name__, get_type_hints(kind, include_extras=True), total=kind.__total__)  # type: ignore[operator]


def model_of_fields(name: str, fields: Mapping[str, Any]) -> type[BaseModel]:
    """Return a model with these fields.

    Args:
        name: The model's name.
        fields: Name -> type and default, `...` for none.
    """
    made: dict[str, Any] = {key: (_readable(kind), default) for key, (kind, default) in fields.items()}
    return _quietly(name, made)


def _quietly(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Field name .* shadows an attribute")
        model: type[BaseModel] = create_model(name, __config__=_CONFIG, **fields)
    model.__doc__ = None
    return model


def united(name: str, models: Sequence[type[BaseModel]]) -> type[BaseModel]:
    """Return a model with the fields of all these.

    Args:
        name: The model's name.
        models: The models; where two have a field, the first counts.
    """
    fields: dict[str, Any] = {}
    for model in models:
        for key, field in fields_of(model).items():
            fields.setdefault(key, field)
    return model_of_fields(name, fields)


def fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's fields as `model_of_fields` takes them; none for a model of one value.

    Args:
        model: The model.
    """
    if issubclass(model, RootModel):
        return {}
    return {
        key: (field.annotation, ... if field.is_required() else field.get_default(call_default_factory=True))
        for key, field in model.model_fields.items()
    }


def type_of_model(model: type[BaseModel]) -> Any:
    """Return the type of the value that a model of one value holds; another model is its own type.

    Args:
        model: The model.
    """
    return model.model_fields["root"].annotation if issubclass(model, RootModel) else model


def is_open(model: type[BaseModel]) -> bool:
    """Return whether a model says nothing of its value."""
    return type_of_model(model) is Any


def generic_types(kind: type, root: type) -> tuple[Any, Any]:
    """Return what a class says of the two types of a generic base; Any where it says nothing.

    Args:
        kind: The class.
        root: The base.
    """
    found = _arguments(kind, (), root) or ()
    told = [Any if isinstance(one, TypeVar) else one for one in found]
    return cast("tuple[Any, Any]", (*told, Any, Any)[:2])


def _arguments(kind: Any, given: tuple[Any, ...], root: type) -> tuple[Any, ...] | None:
    if kind is root:
        return given
    metadata = kind.__dict__.get("__pydantic_generic_metadata__")
    if metadata and metadata["origin"] is not None:
        return _arguments(metadata["origin"], given or metadata["args"], root)
    known = dict(zip(_parameters_of(kind), given, strict=False))
    for base in kind.__dict__.get("__orig_bases__", kind.__bases__):
        origin = get_origin(base) or base
        if not (isinstance(origin, type) and issubclass(origin, root)):
            continue
        arguments = tuple(_put_in(argument, known) for argument in get_args(base))
        if not arguments:
            arguments = tuple(_put_in(one, known) for one in _pydantic_arguments(origin))
        found = _arguments(_pydantic_origin(origin), arguments, root)
        if found:
            return found
    return None


def _pydantic_origin(kind: Any) -> Any:
    return (kind.__dict__.get("__pydantic_generic_metadata__") or {}).get("origin") or kind


def _pydantic_arguments(kind: Any) -> tuple[Any, ...]:
    metadata: dict[str, Any] = kind.__dict__.get("__pydantic_generic_metadata__") or {}
    found: tuple[Any, ...] = metadata.get("args", ())
    return tuple(found or _parameters_of(kind))  # `Base[T]` is `Base` itself where T is its own parameter


def _parameters_of(kind: Any) -> tuple[Any, ...]:
    metadata: dict[str, Any] = kind.__dict__.get("__pydantic_generic_metadata__") or {}
    found: tuple[Any, ...] = metadata.get("parameters", ()) or getattr(kind, "__parameters__", ())
    return found


def _put_in(kind: Any, known: Mapping[Any, Any]) -> Any:
    if isinstance(kind, TypeVar):
        return known.get(kind, kind)
    inner = getattr(kind, "__parameters__", ())
    if not inner or isinstance(kind, type):
        return kind
    try:
        return kind[tuple(Any if isinstance(known.get(one, one), TypeVar) else known[one] for one in inner)]
    except TypeError:
        return Any


def types_of_kind(run_type: str) -> tuple[Any, Any]:
    """Return the types in and out that every runnable of a run type has; Any where that says nothing.

    Args:
        run_type: prompt, chat_model, llm, parser, tool, ...
    """
    from ..messages import AnyMessage
    from ..prompt_values import ChatPromptValue, StringPromptValue

    asked = str | StringPromptValue | ChatPromptValue | list[AnyMessage]
    return {
        "prompt": (dict[str, Any], StringPromptValue | ChatPromptValue),
        "chat_model": (asked, AnyMessage),
        "llm": (asked, str),
        "parser": (str | AnyMessage, Any),
        "tool": (str | dict[str, Any], Any),
    }.get(run_type, (Any, Any))


def function_types(function: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the types of a function's first argument and of what it gives; Any where it does not say.

    A generator function gives the type of what it yields; one over an iterator takes the type of its items.

    Args:
        function: The function.
    """
    called = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    called = getattr(called, "func", called)
    try:
        hints = get_type_hints(called)
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError, NameError, AttributeError):  # builtins, and names that only a type checker sees
        return Any, Any
    taken = hints.get(names[0], Any) if names else Any
    return taken, item_type(hints.get("return", Any))


_STREAMS = (
    Iterator,
    AsyncIterator,
    typing.Iterable,
    Iterable,
    typing.get_origin(typing.AsyncIterable[int]),
    typing.get_origin(typing.Generator[int, None, None]),
    typing.get_origin(typing.AsyncGenerator[int, None]),
)


def item_type(kind: Any) -> Any:
    """Return the type of the items of a stream's type; another type as it is.

    Args:
        kind: The type.
    """
    return get_args(kind)[0] if get_origin(kind) in _STREAMS and get_args(kind) else kind


def keys_read(function: Callable[..., Any]) -> list[str]:
    """Return the keys that a function reads from its first argument as a mapping; none where its source is not there.

    Args:
        function: The function, or an `operator.itemgetter`.
    """
    if isinstance(function, operator.itemgetter):
        keys = cast("tuple[Any, ...]", function.__reduce__()[1])
        return [key for key in keys if isinstance(key, str)]
    found = _lambda_of(function) if getattr(function, "__name__", "") == "<lambda>" else _definition_of(function)
    return _keys_of(found, found.args.args[0].arg) if found is not None and found.args.args else []


def _definition_of(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    definition = tree.body[0]
    return definition if isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _lambda_of(function: Callable[..., Any]) -> ast.Lambda | None:
    """Return the lambda among those in its lines that compiles to the same code."""
    try:
        source = inspect.getsource(function)
        code = function.__code__
    except (OSError, TypeError, AttributeError, ValueError):
        return None
    for start in re.finditer(r"\blambda\b", source):
        for end in range(len(source), start.start(), -1):
            if source[end - 1] in " \n":
                continue
            try:
                made = ast.parse(source[start.start() : end], mode="eval").body
            except (SyntaxError, ValueError):
                continue
            if isinstance(made, ast.Lambda):
                again = next(c for c in compile(ast.Expression(made), "", "eval").co_consts if hasattr(c, "co_code"))
                if (again.co_code, again.co_consts) == (code.co_code, code.co_consts):
                    return made
    return None


def _keys_of(tree: ast.AST, name: str) -> list[str]:
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
            if not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)):
                return []
            found[node.slice.value] = None
    return list(found)


def values_used(function: Callable[..., Any]) -> list[Any]:
    """Return the values of the names that a function takes from where it was written.

    Args:
        function: The function.
    """
    bare = inspect.unwrap(getattr(function, "__func__", function))
    try:
        seen = inspect.getclosurevars(bare)
    except (TypeError, ValueError):
        return []
    owner = getattr(function, "__self__", None)
    return [*seen.nonlocals.values(), *seen.globals.values(), *([] if owner is None else vars_of(owner))]


def vars_of(owner: Any) -> list[Any]:
    """Return an object's attributes that it keeps itself."""
    return [] if isinstance(owner, type) or inspect.ismodule(owner) else list(getattr(owner, "__dict__", {}).values())
