"""The one converter: signals in, version 2 records out, for live streams and for replay alike.

The first record of a stream shows what the caller passed as its input, whichever run it belongs to, and the end record
of that run then shows no input; a custom event that happens to be first is left as it is. An end record otherwise
shows the run's input: the one known at the start, or the one that the stream has told by then.

On request, and only then: `on_<type>_error` records for runs that failed, were cancelled or abandoned, with the outcome
in their data (a tool's error has its record always, without the outcome); and on each record `time_ns`, nanoseconds
since the epoch, and `seq`, its place among the signals of the root run.
"""

from __future__ import annotations

from typing import Any

from ..run import UNKNOWN, Run, Signal
from .filters import Filters

__all__ = ["Converter"]


class Converter:
    """Turns the signals of one stream into records, one call a signal, in order.

    Args:
        filters: Which runs' events are wanted.
        raw_input: What the caller passed to the root run, or `UNKNOWN`.
        errors: Whether runs that ended otherwise than well have a record of that.
        timing: Whether records tell their time and number.
    """

    __slots__ = ("_errors", "_filters", "_first", "_first_run", "_inputs", "_raw", "_timing")

    def __init__(
        self, filters: Filters, raw_input: Any = UNKNOWN, *, errors: bool = False, timing: bool = False
    ) -> None:
        self._filters = filters
        self._errors = errors
        self._timing = timing
        self._raw = raw_input
        self._first = True
        self._first_run: str | None = None
        self._inputs: dict[str, Any] = {}

    def convert(self, signal: Signal) -> dict[str, Any] | None:
        """Return the signal's record, or None if it has none or the filters leave it out.

        Args:
            signal: The next signal of the stream.
        """
        run = signal.run
        if signal.kind == "custom":
            wanted = self._filters.accept(signal.extra, signal.extra, run.handed[0])
            return self.convert_accepted(signal) if wanted else None
        return self.convert_accepted(signal) if self._filters.accept_run(run) else None

    def convert_accepted(self, signal: Signal) -> dict[str, Any] | None:
        """Return the record of a signal that has passed the filters already, or None if it has none.

        Args:
            signal: The next signal of the stream.
        """
        run, kind = signal.run, signal.kind
        data: Any
        if kind == "chunk":
            record = _record(f"on_{run.type}_stream", run.name, run, {"chunk": signal.value})
        elif kind == "start":
            data = {}
            if signal.value is not UNKNOWN:
                data["input"] = self._inputs[run.id] = signal.value
            record = _record(f"on_{run.type}_start", run.name, run, data)
        elif kind == "end":
            known = self._inputs.pop(run.id, UNKNOWN)
            late = signal.extra
            data = {"output": signal.value}
            if run.id != self._first_run:
                value = known if late is UNKNOWN else late
                data["input"] = {} if value is UNKNOWN else value
            record = _record(f"on_{run.type}_end", run.name, run, data)
        elif kind == "custom":
            record = _record("on_custom_event", signal.extra, run, signal.value)
            record["tags"], record["metadata"] = list(run.handed[0]), dict(run.handed[1])
        else:
            known = self._inputs.pop(run.id, UNKNOWN)
            if not self._errors and (run.type != "tool" or signal.extra["outcome"] != "error"):
                return None
            data = {"error": signal.value, "input": {} if known is UNKNOWN else known}
            if run.type == "tool":
                data["tool_call_id"] = signal.extra["tool_call_id"]
            if self._errors:
                data["outcome"] = signal.extra["outcome"]
            record = _record(f"on_{run.type}_error", run.name, run, data)
        if self._first:
            self._first = False
            if kind != "custom" and self._raw is not UNKNOWN:
                record["data"]["input"] = self._raw
                self._first_run = run.id
        if self._timing:
            record["time_ns"], record["seq"] = signal.time_ns, signal.seq
        return record


def _record(event: str, name: str, run: Run, data: Any) -> dict[str, Any]:
    return {
        "event": event,
        "data": data,
        "name": name,
        "tags": list(run.tags),
        "run_id": run.id,
        "metadata": dict(run.metadata),
        "parent_ids": list(run.parent_ids),
    }
