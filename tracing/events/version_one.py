"""Event records of version 1, deprecated: as version 2 with `parent_ids` always empty.

What else differs: what the caller passed is the input of the root's start and of no other record; the root's chunks are
what it yields to its caller, and its end shows their sum; there are no custom events and no `on_tool_error`.
"""

from __future__ import annotations

from typing import Any

from ..run import UNKNOWN, Signal
from .convert import Converter
from .filters import Filters
from .log import RootStream, added, response_of

__all__ = ["VersionOneStream"]


class VersionOneStream(RootStream):
    """The records of one run.

    Args:
        filters: Which events are wanted.
        raw_input: What the caller passed to the root run.
    """

    def __init__(self, filters: Filters, raw_input: Any = UNKNOWN) -> None:
        super().__init__(filters, raw_input)
        self._raw_input = raw_input
        self._converter = Converter(filters)
        self._sum: tuple[Any, ...] = ()

    def _converted(self, signal: Signal) -> dict[str, Any] | None:
        run = signal.run
        if signal.kind == "error":
            return None
        if run is self.root:
            if signal.kind == "end" or (signal.kind == "chunk" and signal.extra is not self):
                return None
            if signal.kind == "chunk":
                self._sum = (added(self._sum, signal.value),)
            if not self._filters.accept_run(run):
                return None
        record = self._converter.convert_accepted(signal)
        if record is None:
            return None
        if run is self.root and signal.kind == "start":
            record["data"] = {"input": self._raw_input}
        elif run.type == "chat_model" and signal.kind == "end":
            record["data"]["output"] = response_of(record["data"]["output"])
        return {**record, "parent_ids": []}

    def last(self) -> dict[str, Any] | None:
        """Return the root's end record, for a run that has ended well; None if the filters leave it out."""
        root = self.root
        if root is None or not self._filters.accept_run(root):
            return None
        end = Signal("end", root, 0, 0, self._sum[0] if self._sum else None)
        record = self._converter.convert_accepted(end)
        return None if record is None else {**record, "data": {"output": end.value}, "parent_ids": []}
