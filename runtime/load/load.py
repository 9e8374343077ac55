"""Objects from JSON text or values: classes of this package, or those that the caller lists, and no others.

A dump may come from a stranger, so templates in jinja2 are refused, unless the caller passes another `init_validator`.
Secrets are read from the environment only when the caller says so.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel

from ..messages import BaseMessage
from ..runnables.base import Runnable
from ..serializable import Serializable
from .dump import ESCAPED

__all__ = ["InitValidator", "default_init_validator", "load", "loads"]

_PACKAGE = f"{__name__.partition('.')[0]}."

_ROOMS = ("documents", "messages", "output_parsers", "outputs", "prompt_values", "prompts", "runnables")
"""Where the dumpable classes live; a class is found once its room is loaded."""

_Allowed = Iterable[type[Any]] | Literal["all", "core", "messages"] | None

InitValidator = Callable[[tuple[str, ...], dict[str, Any]], None]
"""Is given a class's id and its arguments before it is built, and raises to forbid it."""


def default_init_validator(class_path: tuple[str, ...], kwargs: dict[str, Any]) -> None:
    """Forbid templates in jinja2.

    Args:
        class_path: The class's id.
        kwargs: Its arguments.

    Raises:
        ValueError: If they ask for jinja2.
    """
    if kwargs.get("template_format") == "jinja2":
        raise ValueError(
            f"{list(class_path)!r} is a template in jinja2, which may come from a stranger and is not loaded; "
            "use f-string, or pass init_validator=None if you trust it."
        )


def loads(text: str, **kwargs: Any) -> Any:
    """Return the object that a text was dumped from.

    Args:
        text: The JSON text.
        kwargs: As for `load`.

    Raises:
        ValueError: If it names a class that may not be built.
        NotImplementedError: If it holds what could not be dumped.
    """
    return load(json.loads(text), **kwargs)


def load(
    obj: Any,
    *,
    allowed_objects: _Allowed = None,
    secrets_map: Mapping[str, str] | None = None,
    secrets_from_env: bool = False,
    ignore_unserializable_fields: bool = False,
    init_validator: InitValidator | None = default_init_validator,
) -> Any:
    """Return the object that JSON values were dumped from.

    Args:
        obj: The values.
        allowed_objects: The classes that may be built; when not given, core or all, every dumpable class of this
            package; messages, every message.
        secrets_map: Name -> secret.
        secrets_from_env: Whether a secret that is not in the map is looked up in the environment.
        ignore_unserializable_fields: Whether what could not be dumped becomes None.
        init_validator: Called with a class's id and its arguments before it is built; raises to forbid it. None forbids
            nothing.

    Raises:
        ValueError: If they name a class that may not be built, or are no dump, or `allowed_objects` is another text.
        NotImplementedError: If they hold what could not be dumped.
    """
    known = {tuple(kind.lc_id()): kind for kind in _allowed(allowed_objects)}
    secrets = dict(secrets_map or {})

    def built(value: Any) -> Any:
        if isinstance(value, list):
            return [built(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {ESCAPED}:
            return value[ESCAPED]
        if value.get("lc") != 1 or "type" not in value:
            return {key: built(one) for key, one in value.items()}
        key = _key_of(value)
        if value["type"] == "secret":
            name = ".".join(key)
            return secrets.get(name, os.environ.get(name) if secrets_from_env else None)
        if value["type"] == "not_implemented":
            if ignore_unserializable_fields:
                return None
            raise NotImplementedError(f"{value!r} stands for an object that could not be dumped; it cannot be loaded.")
        if value["type"] != "constructor":
            return {name: built(one) for name, one in value.items()}
        if key not in known:
            raise ValueError(f"{list(key)!r} may not be loaded; list its class in allowed_objects if you trust it.")
        arguments = {name: built(one) for name, one in _arguments_of(value).items()}
        if init_validator is not None:
            init_validator(key, arguments)
        return known[key](**arguments)

    return built(obj)


def _key_of(value: dict[str, Any]) -> tuple[str, ...]:
    """Return the id of a dumped object.

    Raises:
        ValueError: If it is no list of texts.
    """
    id_ = value.get("id") or []
    if not isinstance(id_, list) or not all(isinstance(part, str) for part in id_):
        raise ValueError(f"A dumped object has the id {id_!r}; expected a list of names.")
    return tuple(id_)


def _arguments_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a dumped object.

    Raises:
        ValueError: If they are no mapping.
    """
    given = value.get("kwargs", {})
    if isinstance(given, dict):
        return given
    raise ValueError(f"The arguments of {value.get('id')!r} are {given!r}; expected a mapping of name to value.")


def _allowed(wanted: _Allowed) -> Iterator[type[Any]]:
    """Yield the classes that may be built.

    Raises:
        ValueError: If a text stands for none.
    """
    if wanted is not None and not isinstance(wanted, str):
        yield from wanted
        return
    if wanted not in (None, "all", "core", "messages"):
        raise ValueError(f"allowed_objects is {wanted!r}; use 'all', 'core', 'messages', or a list of classes.")
    for room in _ROOMS if wanted != "messages" else ():
        import_module(f"{__name__.removesuffix('.load.load')}.{room}")
    roots: tuple[type[Any], ...] = (BaseMessage,) if wanted == "messages" else (Serializable, Runnable)
    seen: set[type[Any]] = set()
    waiting = list(roots)
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        waiting.extend(kind.__subclasses__())
        is_generic = issubclass(kind, BaseModel) and kind.__pydantic_generic_metadata__["origin"] is not None
        if kind.__module__.startswith(_PACKAGE) and not is_generic and kind.is_lc_serializable():
            yield kind
