"""What changed between two JSON values, as operations of RFC 6902 (JSON Patch).

Made for values that grow: in an object removed keys come first, then new ones, then changes inside those that stay; in
a list each place is compared with the same place before. `move`, `copy` and `test` are never given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

__all__ = ["json_patch"]


def json_patch(before: Any, after: Any) -> list[dict[str, Any]]:
    """Return the operations that turn one JSON value into another; none where they are equal.

    Args:
        before: The value that there was. None stands for no value yet.
        after: The value that there is. Parts that are the same object as before are not looked into. One that is
            nested too deeply to be compared takes the place of the whole.
    """
    if before is after:
        return []
    if before is not None:
        with suppress(RecursionError):
            return list(_changes(before, after, ""))
    return [{"op": "replace", "path": "", "value": after}]


def _changes(before: Any, after: Any, path: str) -> Iterator[dict[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _changes_of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _changes_of_lists(before, after, path)
    elif type(before) is not type(after) or before != after:  # 1, 1.0 and True are equal in Python, not in JSON
        yield {"op": "replace", "path": path, "value": after}


def _changes_of_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": _below(path, key)}
    for key, value in after.items():
        if key not in before:
            yield {"op": "add", "path": _below(path, key), "value": value}
    for key, value in before.items():
        if key in after and after[key] is not value:
            yield from _changes(value, after[key], _below(path, key))


def _changes_of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[dict[str, Any]]:
    shared = min(len(before), len(after))
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        if old is not new:
            yield from _changes(old, new, f"{path}/{place}")
    for _ in before[shared:]:
        yield {"op": "remove", "path": f"{path}/{shared}"}
    for place in range(shared, len(after)):
        yield {"op": "add", "path": f"{path}/{place}", "value": after[place]}


def _below(path: str, key: str) -> str:
    return f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
