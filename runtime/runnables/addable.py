"""A mapping that chunks of a stream are made of: adding two merges them key by key."""

from __future__ import annotations

from typing import Any

__all__ = ["AddableDict"]


class AddableDict(dict[str, Any]):
    """A dict with `+`: values of the same key are added, else the later one wins."""

    def __add__(self, other: dict[str, Any]) -> AddableDict:
        made = AddableDict(self)
        for key, value in other.items():
            have = made.get(key)
            if have is None:
                made[key] = value
            elif value is not None:
                try:
                    made[key] = have + value
                except TypeError:
                    made[key] = value
        return made

    def __radd__(self, other: dict[str, Any]) -> AddableDict:
        return AddableDict(other) + self
