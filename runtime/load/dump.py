"""Objects as JSON text or values.

Text keeps JSON's types only: the keys of a mapping come back as texts. What only looks like a dumped object or secret
is escaped, whoever wrote it, and comes back as the data it is; so do objects inside such data, as their JSON.
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


def _dumped(value: Any, *, is_escaped: bool = False) -> Any:
    """Return the JSON of a value; inside what is escaped already nothing is escaped again."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        if not all(key is None or isinstance(key, str | int | float) for key in value):
            return _not_implemented(value)
        is_alike = not is_escaped and ("lc" in value or set(value) == {ESCAPED})
        shown = {key: _dumped(one, is_escaped=is_escaped or is_alike) for key, one in value.items()}
        return {ESCAPED: shown} if is_alike else shown
    if isinstance(value, list | tuple):
        return [_dumped(one, is_escaped=is_escaped) for one in value]
    if isinstance(value, SecretStr | SecretBytes):
        return _not_implemented(value)
    if not isinstance(value, type) and isinstance(value, Serializable | Runnable):
        return _dumped_object(value, is_escaped=is_escaped)
    return _not_implemented(value)


def _dumped_object(value: Serializable | Runnable[Any, Any], *, is_escaped: bool) -> dict[str, Any]:
    made = value.to_json()
    if made["type"] != "constructor":
        return made
    # Only the class says which arguments are secrets; a value that looks like one may come from a stranger.
    secrets = value.lc_secrets if isinstance(value, Serializable) else {}
    given = made["kwargs"].items()
    kwargs = {name: one if name in secrets else _dumped(one, is_escaped=is_escaped) for name, one in given}
    return {**made, "kwargs": kwargs}


def _not_implemented(value: Any) -> dict[str, Any]:
    kind = value if isinstance(value, type) else type(value)
    known = {"lc": 1, "type": "not_implemented", "id": [*kind.__module__.split("."), kind.__name__]}
    return {**known, "repr": repr(value)}
