"""Dumps: objects as JSON text, and back.

Loading builds only classes of this package that say `is_lc_serializable`, or those that the caller lists; never a class
just because the text names it. What cannot be dumped leaves a `not_implemented` entry with its `repr`. Secrets are
never written: in their place stands the name of the environment variable that holds them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, SecretBytes, SecretStr

from .messages import BaseMessage
from .runnables.base import Runnable
from .serializable import Serializable

__all__ = ["dumpd", "dumps", "load", "loads"]

_ESCAPED = "__lc_escaped__"
_PACKAGE = f"{__name__.partition('.')[0]}."

_Allowed = Iterable[type[Any]] | Literal["all", "core", "messages"] | None


def dumps(obj: Any, *, pretty: bool = False, **kwargs: Any) -> str:
    """Return the object as JSON text.

    Args:
        obj: The object, or lists and dicts of objects.
        pretty: Whether to indent.
        kwargs: As for `json.dumps`.

    Raises:
        TypeError: If `default` is among the arguments; what is no JSON is told by this function.
    """
    if "default" in kwargs:
        raise TypeError("dumps decides itself what stands for an object that is no JSON; leave `default` out.")
    if pretty:
        kwargs.setdefault("indent", 2)
    return json.dumps(_dumped(obj), **kwargs)


def dumpd(obj: Any) -> Any:
    """Return the object as JSON values.

    Args:
        obj: The object, or lists and dicts of objects.
    """
    return json.loads(dumps(obj))


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
    init_validator: Callable[[tuple[str, ...], dict[str, Any]], None] | None = None,
) -> Any:
    """Return the object that JSON values were dumped from.

    Args:
        obj: The values.
        allowed_objects: The classes that may be built; when not given, core or all, every dumpable class of this
            package; messages, every message.
        secrets_map: Name -> secret.
        secrets_from_env: Whether a secret that is not in the map is looked up in the environment.
        ignore_unserializable_fields: Whether what could not be dumped becomes None.
        init_validator: Called with a class's id and its arguments before it is built; raises to forbid it.

    Raises:
        ValueError: If they name a class that may not be built.
        NotImplementedError: If they hold what could not be dumped.
    """
    known = {tuple(kind.lc_id()): kind for kind in _allowed(allowed_objects)}
    secrets = dict(secrets_map or {})

    def built(value: Any) -> Any:
        if isinstance(value, list):
            return [built(one) for one in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {_ESCAPED}:
            return value[_ESCAPED]
        if value.get("lc") != 1 or "type" not in value:
            return {key: built(one) for key, one in value.items()}
        key: tuple[str, ...] = tuple(value.get("id") or ())
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
        arguments = {name: built(one) for name, one in value.get("kwargs", {}).items()}
        if init_validator is not None:
            init_validator(key, arguments)
        return known[key](**arguments)

    return built(obj)


def _dumped(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            return _not_implemented(value)
        shown = {key: _dumped(one) for key, one in value.items()}
        return {_ESCAPED: shown} if "lc" in shown or _ESCAPED in shown else shown
    if isinstance(value, list | tuple):
        return [_dumped(one) for one in value]
    if isinstance(value, SecretStr | SecretBytes):
        return _not_implemented(value)
    if not isinstance(value, type) and isinstance(value, Serializable | Runnable):
        made = value.to_json()
        if made["type"] == "constructor":
            kwargs = {name: _secret_or_dumped(one) for name, one in made["kwargs"].items()}
            return {**made, "kwargs": kwargs}
        return made
    return _not_implemented(value)


def _secret_or_dumped(value: Any) -> Any:
    is_secret = isinstance(value, dict) and value.get("lc") == 1 and value.get("type") == "secret"
    return value if is_secret and set(value) == {"lc", "type", "id"} else _dumped(value)


def _not_implemented(value: Any) -> dict[str, Any]:
    kind = value if isinstance(value, type) else type(value)
    known = {"lc": 1, "type": "not_implemented", "id": [*kind.__module__.split("."), kind.__name__]}
    return {**known, "repr": repr(value)}


def _allowed(wanted: _Allowed) -> Iterator[type[Any]]:
    if wanted is not None and not isinstance(wanted, str):
        yield from wanted
        return
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
