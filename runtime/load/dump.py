"""Objects as JSON text or values.

Text keeps JSON's types only: the keys of a mapping come back as texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import SecretBytes, SecretStr

from ..runnables.base import Runnable
from ..serializable import Serializable

__all__ = ["ESCAPED", "dumpd", "dumps"]

ESCAPED = "__lc_escaped__"
"""The key under which a mapping stands that only looks like a dumped object."""


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


def _dumped(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        if not all(key is None or isinstance(key, str | int | float) for key in value):
            return _not_implemented(value)
        shown = {key: _dumped(one) for key, one in value.items()}
        return {ESCAPED: shown} if "lc" in shown or ESCAPED in shown else shown
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
