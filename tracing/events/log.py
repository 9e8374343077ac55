"""The log of a run: its state as one growing document, given as JSON patches (RFC 6902, `add` and `replace`).

The first patch replaces the whole document; then each run below the root has an entry under `/logs/<name>`, the second
of a name under `<name>:2`, and what the root yields is added to `/streamed_output` while `/final_output` is replaced by
the sum so far. Deprecated as documented: `astream_events` tells more, in order, and can be replayed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

from ..run import Run, Signal
from .filters import Filters
from .stream import EventStream

__all__ = ["LogEntry", "LogStream", "RootStream", "RunLog", "RunLogPatch", "RunState", "added", "response_of"]


class LogEntry(TypedDict):
    """What the log tells of a run below the root."""

    id: str
    """Its id."""
    name: str
    """Its name."""
    type: str
    """Its type; llm for chat models too."""
    tags: list[str]
    """Its tags."""
    metadata: dict[str, Any]
    """Its metadata."""
    start_time: str
    """When it started, UTC, to the millisecond."""
    streamed_output: list[Any]
    """The chunks of its output."""
    streamed_output_str: list[str]
    """The tokens of a model."""
    final_output: Any
    """Its output, once it has ended well."""
    end_time: str | None
    """When it ended."""


class RunState(TypedDict):
    """The document of a log."""

    id: str
    """The root run's id."""
    streamed_output: list[Any]
    """What it has yielded."""
    final_output: Any
    """The sum of that."""
    name: str
    """Its name."""
    type: str
    """Its type."""
    logs: dict[str, LogEntry]
    """The runs below it, by name."""


class RunLogPatch:
    """A change of the log.

    Args:
        ops: The operations, each with `op`, `path` and `value`.
    """

    ops: list[dict[str, Any]]

    def __init__(self, *ops: dict[str, Any]) -> None:
        self.ops = list(ops)

    def __add__(self, other: RunLogPatch) -> RunLog:
        """Return the log after both.

        Raises:
            TypeError: If the other is no patch.
        """
        if type(other) is not RunLogPatch:
            raise TypeError(f"A patch cannot be added to {other!r}; add another RunLogPatch.")
        ops = [*self.ops, *other.ops]
        return RunLog(*ops, state=_applied(None, ops))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.ops))})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunLogPatch) and self.ops == other.ops

    __hash__ = None  # type: ignore[assignment]  # a list of changes has no hash


class RunLog(RunLogPatch):
    """The log after some patches.

    Args:
        ops: All operations so far.
        state: The document.
    """

    state: RunState

    def __init__(self, *ops: dict[str, Any], state: Any) -> None:
        super().__init__(*ops)
        self.state = state

    def __add__(self, other: RunLogPatch) -> RunLog:
        """Return the log after another patch; this one is left as it is.

        Raises:
            TypeError: If the other is no patch.
        """
        if type(other) is not RunLogPatch:
            raise TypeError(f"A log cannot be added to {other!r}; add a RunLogPatch.")
        return RunLog(*self.ops, *other.ops, state=_applied(self.state, other.ops))

    def __repr__(self) -> str:
        return f"RunLog({self.state!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunLog) and self.state == other.state and self.ops == other.ops

    __hash__ = None


def _applied(state: Any, ops: Sequence[Mapping[str, Any]]) -> Any:
    """Return the document after the operations; parts that they change are copied, the others shared."""
    for op in ops:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in op["path"].split("/")[1:]]
        state = _set(state, keys, op["value"])
    return state


def _set(document: Any, keys: Sequence[str], value: Any) -> Any:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(document, list):
        return [*document, value]  # the only path into a list is its end
    return {**document, key: _set(document.get(key), rest, value)}


class RootStream(EventStream):
    """A stream that takes the root's signals whatever the filters say, and what the root yields.

    Args:
        filters: Which runs below the root are wanted.
        raw_input: What the caller passed to the root run.
    """

    def __init__(self, filters: Filters, raw_input: Any) -> None:
        super().__init__(filters, raw_input)
        self.root: Run | None = None

    def wants(self, run: Run) -> bool:
        """Return whether it is the root, or the filters let it through."""
        if self.root is None:
            self.root = run
            return True
        return self._filters.accept_run(run)

    def wants_custom(self, run: Run, name: str) -> bool:
        """Return False: neither the log nor version 1 has custom events."""
        return False

    def gave(self, chunk: Any) -> None:
        """Take what the root has yielded to its caller.

        Args:
            chunk: What it yielded.
        """
        assert self.root is not None
        self.put(Signal("chunk", self.root, 0, 0, chunk, self))

    def _reader(self) -> Callable[[Signal], Any]:
        return self._converted

    def _converted(self, signal: Signal) -> Any:
        raise NotImplementedError


class LogStream(RootStream):
    """The patches of one run.

    Args:
        filters: Which runs below the root have entries.
        with_output_list: Whether `/streamed_output` of the root is told.
    """

    def __init__(self, filters: Filters, with_output_list: bool) -> None:
        super().__init__(filters, None)
        self._with_output_list = with_output_list
        self._paths: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._final: tuple[Any, ...] = ()

    def wants(self, run: Run) -> bool:
        """Return whether it is the root, or the filters let it through; a chat model counts as an llm here."""
        if self.root is None:
            return super().wants(run)
        return self._filters.accept(run.name, _log_type(run), run.tags)

    def _converted(self, signal: Signal) -> RunLogPatch | None:
        run = signal.run
        if run is not self.root:
            return self._entry(signal)
        if signal.kind == "start":
            about = {"name": run.name, "type": _log_type(run)}
            state: dict[str, Any] = {"id": run.id, "streamed_output": [], "final_output": None, "logs": {}, **about}
            return RunLogPatch({"op": "replace", "path": "", "value": state})
        if signal.kind != "chunk" or signal.extra is not self:
            return None
        self._final = (added(self._final, signal.value),)
        ops = [{"op": "add", "path": "/streamed_output/-", "value": signal.value}] if self._with_output_list else []
        return RunLogPatch(*ops, {"op": "replace", "path": "/final_output", "value": self._final[0]})

    def _entry(self, signal: Signal) -> RunLogPatch | None:
        run, kind = signal.run, signal.kind
        if kind == "start":
            count = self._counts[run.name] = self._counts.get(run.name, 0) + 1
            key = run.name if count == 1 else f"{run.name}:{count}"
            path = self._paths[run.id] = "/logs/" + key.replace("~", "~0").replace("/", "~1")
            return RunLogPatch({"op": "add", "path": path, "value": _new_entry(run, signal.time_ns)})
        if kind == "chunk":
            ops = [{"op": "add", "path": f"{self._paths[run.id]}/streamed_output/-", "value": signal.value}]
            if run.type in ("llm", "chat_model"):
                token = str(getattr(signal.value, "text", signal.value))
                ops.insert(0, {"op": "add", "path": f"{self._paths[run.id]}/streamed_output_str/-", "value": token})
            return RunLogPatch(*ops)
        path = self._paths.pop(run.id)
        output = _log_output(run, signal.value) if kind == "end" else None
        return RunLogPatch(
            {"op": "add", "path": f"{path}/final_output", "value": output},
            {"op": "add", "path": f"{path}/end_time", "value": _iso(signal.time_ns)},
        )


def added(sum_so_far: tuple[Any, ...], chunk: Any) -> Any:
    """Return a chunk added to those before it, or the chunk where they cannot be added.

    Args:
        sum_so_far: The sum, or nothing.
        chunk: The chunk.
    """
    try:
        return sum_so_far[0] + chunk if sum_so_far else chunk
    except TypeError:
        return chunk


def response_of(message: Any) -> dict[str, Any]:
    """Return a chat model's message as the response around it; what else the response held is not known here.

    Args:
        message: The message.
    """
    kind = "ChatGenerationChunk" if type(message).__name__.endswith("Chunk") else "ChatGeneration"
    generation = {"text": str(getattr(message, "text", "")), "generation_info": None, "type": kind, "message": message}
    return {"generations": [[generation]], "llm_output": None, "run": None, "type": "LLMResult"}


def _log_type(run: Run) -> str:
    return "llm" if run.type == "chat_model" else run.type


def _new_entry(run: Run, time_ns: int) -> LogEntry:
    return {
        "id": run.id,
        "name": run.name,
        "type": _log_type(run),
        "tags": list(run.tags),
        "metadata": dict(run.metadata),
        "start_time": _iso(time_ns),
        "streamed_output": [],
        "streamed_output_str": [],
        "final_output": None,
        "end_time": None,
    }


def _log_output(run: Run, output: Any) -> Any:
    if run.type == "chat_model":
        return response_of(output)
    if run.type in ("prompt", "llm") or isinstance(output, dict):
        return output
    return {"documents" if run.type == "retriever" else "output": output}


def _iso(time_ns: int) -> str:
    return datetime.datetime.fromtimestamp(time_ns / 1e9, datetime.UTC).isoformat(timespec="milliseconds")
