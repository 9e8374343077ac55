"""Looking into the JSON of others without trusting it: a member may be missing, null, or of another type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["count", "object_of", "objects_of", "text_of"]


def object_of(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one.

    Args:
        value: What was sent.
    """
    return value if isinstance(value, Mapping) else {}


def objects_of(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects among the items of a list; none for what is no list.

    Args:
        value: What was sent.
    """
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def text_of(value: Any) -> str | None:
    """Return the value if it is a text that is not empty, else None.

    Args:
        value: What was sent.
    """
    return value if isinstance(value, str) and value else None


def count(value: Any) -> int | None:
    """Return a count that may come as a text, as headers do; None for what is no count.

    Args:
        value: What was sent.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None
