"""The two spellings of Converse's members: `toolUseId` on the wire, `tool_use_id` in messages.

Only the members' own names are respelt. What stands below `input`, `json` and `additionalModelRequestFields` belongs to
users and models and is passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["camel_key", "camel_keys", "snake_key", "snake_keys"]

_UNTOUCHED = frozenset({"input", "json", "additionalModelRequestFields", "requestMetadata"})
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_JOINT = re.compile(r"_([a-z0-9])")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def camel_key(key: str) -> str:
    """Return a name in snake case in Converse's spelling; any other is returned as it is.

    Args:
        key: The name.
    """
    return _JOINT.sub(lambda found: found[1].upper(), key) if _SNAKE.fullmatch(key) else key


def snake_key(key: str) -> str:
    """Return a name in Converse's spelling in snake case.

    Args:
        key: The name.
    """
    return _HUMP.sub(lambda found: f"_{found[1].lower()}", key)


def camel_keys(value: Any) -> Any:
    """Return a value with all names in Converse's spelling.

    Args:
        value: Mappings and lists of anything.
    """
    if isinstance(value, Mapping):
        respelt = ((camel_key(key), part) for key, part in value.items())
        return {key: part if key in _UNTOUCHED else camel_keys(part) for key, part in respelt}
    return [camel_keys(part) for part in value] if isinstance(value, list | tuple) else value


def snake_keys(value: Any) -> Any:
    """Return a value with all names in snake case.

    Args:
        value: Mappings and lists of anything.
    """
    if isinstance(value, Mapping):
        return {snake_key(key): part if key in _UNTOUCHED else snake_keys(part) for key, part in value.items()}
    return [snake_keys(part) for part in value] if isinstance(value, list | tuple) else value
