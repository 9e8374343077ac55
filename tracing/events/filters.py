"""Include and exclude filters over names, types and tags: compiled once, asked before a record is built.

An event passes when there is no include list, or one of the three include lists matches, and no exclude list matches.
Strings are compared exactly. A custom event's type is its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..run import Run

__all__ = ["FilterError", "Filters"]


class FilterError(TypeError):
    """A filter is not a list of strings."""


class Filters:
    """The six lists, compiled.

    Args:
        include_names: Keep these names.
        include_types: Keep these run types.
        include_tags: Keep runs with one of these tags.
        exclude_names: Leave out these names.
        exclude_types: Leave out these run types.
        exclude_tags: Leave out runs with one of these tags.

    Raises:
        FilterError: If one of them is neither None nor a list of strings.
    """

    __slots__ = ("_ex_names", "_ex_tags", "_ex_types", "_excludes", "_in_names", "_in_tags", "_in_types", "_includes")

    def __init__(
        self,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
    ) -> None:
        self._in_names = _compiled("include_names", include_names)
        self._in_types = _compiled("include_types", include_types)
        self._in_tags = _compiled("include_tags", include_tags)
        self._ex_names = _compiled("exclude_names", exclude_names)
        self._ex_types = _compiled("exclude_types", exclude_types)
        self._ex_tags = _compiled("exclude_tags", exclude_tags)
        self._includes = not (include_names is None and include_types is None and include_tags is None)
        self._excludes = bool(self._ex_names or self._ex_types or self._ex_tags)

    def accept(self, name: str, type: str, tags: Iterable[str]) -> bool:
        """Return whether events with this name, type and tags pass.

        Args:
            name: The run's name, or the custom event's.
            type: The run's type, or the custom event's name.
            tags: The run's tags.
        """
        if self._includes and not (
            name in self._in_names or type in self._in_types or (self._in_tags and not self._in_tags.isdisjoint(tags))
        ):
            return False
        return not (
            self._excludes
            and (
                name in self._ex_names
                or type in self._ex_types
                or bool(self._ex_tags and not self._ex_tags.isdisjoint(tags))
            )
        )

    def accept_run(self, run: Run) -> bool:
        """Return whether the run's own events pass."""
        return self.accept(run.name, run.type, run.tags)


def _compiled(what: str, given: Any) -> frozenset[str]:
    if given is None:
        return frozenset()
    if isinstance(given, str) or not isinstance(given, (list, tuple, set, frozenset)):
        raise FilterError(
            f"{what} is {given!r}; give a list of strings, such as [{given!r}]."
            if isinstance(given, str)
            else f"{what} is {given!r}; give a list of strings."
        )
    wrong = [item for item in given if not isinstance(item, str)]
    if wrong:
        raise FilterError(f"{what} holds {wrong[0]!r}; every item must be a string.")
    return frozenset(given)
