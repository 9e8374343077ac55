"""The one door: everything that happens to a run passes its `RunScope`.

A scope opens the span, numbers the signals, writes the journal and hands each signal to the event streams that want it.
Numbering and handing over are one critical section per root run, so a stream's order is the order of the numbers, also
when branches run in threads. Handlers are called by whoever drives the run (`callbacks.dispatch`), outside any lock.

A run ends once: the first `finish` or `fail` wins, later ones do nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, Literal

from . import journal as journals
from . import names, otel
from .encode import encode, marker_text
from .ids import SPAN_ID_MASK, new_id
from .journal import Journal
from .lineage import NO_FACTS, NO_HERITAGE, Heritage, SpanFacts, Tap, Timeline
from .run import NO_METADATA, UNKNOWN, Run, Signal

__all__ = [
    "ABANDONED",
    "CURRENT",
    "Outcome",
    "Parent",
    "RunScope",
    "outcome_of",
    "register_control_flow",
]

Outcome = Literal["ok", "error", "cancelled", "abandoned"]
"""How a run ended."""

ABANDONED: Final = "spanloom: the consumer left the stream"
"""The message of a task cancellation that carries out a consumer's leaving."""

CURRENT: ContextVar[RunScope | None] = ContextVar("spanloom_current_run", default=None)
"""The scope of the run whose code is being executed."""


class Parent:
    """A parent run as seen from one of its steps: the scope, and the tag of the step.

    Args:
        scope: The parent's scope.
        tag: The step's own tag, such as `seq:step:1`; not inherited further.
    """

    __slots__ = ("scope", "tag")

    def __init__(self, scope: RunScope, tag: str | None = None) -> None:
        self.scope = scope
        self.tag = tag


class RunScope:
    """A run while it lasts. Opening it starts the span; `begin` gives the first signal.

    Args:
        name: The run's name.
        run_type: Its type.
        tags: Its tags.
        metadata: Its metadata.
        heritage: What it hands down.
        handlers: Every handler to call for it.
        parent: The scope that started it.
        given_id: A run id given by the user, as a number.
        config: Whatever the runtime wants to find again for the run's children; never looked at here.
        facts: What the span says besides.
        step: The first of its tags, where that is the tag of its place in the parent.
    """

    __slots__ = (
        "_ended",
        "config",
        "context",
        "details",
        "handlers",
        "heritage",
        "journal",
        "otel_context",
        "parent",
        "run",
        "span",
        "start_ns",
        "taps",
        "timeline",
    )

    def __init__(
        self,
        name: str,
        run_type: str = "chain",
        tags: tuple[str, ...] = (),
        metadata: Mapping[str, Any] = NO_METADATA,
        heritage: Heritage = NO_HERITAGE,
        handlers: tuple[Any, ...] = (),
        parent: RunScope | None = None,
        given_id: int | None = None,
        config: Any = None,
        facts: SpanFacts = NO_FACTS,
        step: str | None = None,
    ) -> None:
        number = new_id() if given_id is None else given_id
        if parent is None:
            self.timeline = timeline = Timeline()
            self.run = run = Run(number, name, run_type, tags, metadata, None, None, heritage.handed)
        else:
            self.timeline = timeline = parent.timeline
            self.run = run = Run(number, name, run_type, tags, metadata, parent.run, None, heritage.handed)
        self.parent = parent
        self.heritage = heritage
        self.handlers = handlers
        self.config = config
        self.details: Any = None
        self._ended = False
        self.start_ns = timeline.now_ns()
        ambient = None if parent is None or CURRENT.get() is parent else parent.otel_context
        wanted = (number if parent is None else 0, number & SPAN_ID_MASK if given_id is None else 0)
        self.span = span = otel.start_span(
            facts.name or name, ambient, self._attributes(facts, step), self.start_ns, facts.kind, wanted
        )
        self.otel_context: otel.Context = otel.context_with(span, ambient)
        streams = heritage.streams
        self.taps: tuple[Tap, ...] = tuple([tap for tap in streams if tap.wants(run)]) if streams else ()
        level = journals.current_level()
        self.journal: Journal | None = Journal(run, level) if level >= 0 and span.is_recording() else None
        self.context: Context = copy_context()
        self.context.run(_enter, self)

    def _attributes(self, facts: SpanFacts, step: str | None) -> dict[str, Any]:
        run = self.run
        made: dict[str, Any] = {names.RUN_ID: run.id, names.RUN_TYPE: run.type, names.OUTCOME: "ok"}
        if run.parent is not None:
            made[names.RUN_PARENT_ID] = run.parent.id
        if facts.name is not None:
            made[names.RUN_NAME] = run.name
        tags = run.tags
        if step is not None and tags[0] == step:
            made[names.RUN_STEP] = step
            tags = tags[1:]
        if tags:
            made[names.RUN_TAGS] = tags
        if run.metadata:
            for key, value in run.metadata.items():
                if isinstance(value, (str, bool, int, float)):
                    shown = encode(value)  # a marker, where the value is withheld or too large
                    plain = isinstance(shown, (str, bool, int, float))
                    made[names.METADATA_PREFIX + str(key)] = shown if plain else json.dumps(shown)
        if facts.attributes:
            made.update(facts.attributes)
        return made

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self._ended

    @property
    def observed(self) -> bool:
        """Whether anybody needs the values of this run: a handler, a stream, or a journal that keeps content."""
        journal = self.journal
        return bool(self.handlers or self.taps or (journal is not None and journal.level > 0))

    def begin(self, value: Any, raw: Any = UNKNOWN) -> None:
        """Give the start signal.

        Args:
            value: The input, or `UNKNOWN` when the run is driven by a stream.
            raw: What the caller passed, for a run at which a stream of events begins.
        """
        journal, taps = self.journal, self.taps
        if journal is None:
            if taps:
                self._signal("start", value, UNKNOWN)
            return
        known = value is not UNKNOWN
        if self.parent is None or self._begins_stream():
            streams = self.heritage.streams
            given = streams[-1].take_raw_input() if streams else raw  # a stream knows what its caller passed
            if given is not UNKNOWN:
                journal.set_raw(given)
        text = journal.encode(value, "start") if known else None
        with self.timeline.lock:
            seq, now = self._next()
            journal.add(seq, now, "start", text, type(value) if known else None)
            self._hand_over("start", seq, now, value, UNKNOWN)

    def _begins_stream(self) -> bool:
        parent = self.parent
        return parent is not None and parent.heritage.streams != self.heritage.streams

    def chunk(self, value: Any) -> None:
        """Give a chunk of the run's output.

        Args:
            value: The chunk.
        """
        journal = self.journal
        if journal is None:
            if self.taps:
                self._signal("chunk", value, UNKNOWN)
            return
        text = marker_text(type(value)) if journal.level < 2 else journal.chunk_text(value)
        with self.timeline.lock:
            if self._ended:
                return
            seq, now = self._next()
            journal.add(seq, now, "chunk", text, type(value))
            self._hand_over("chunk", seq, now, value, UNKNOWN)
        if journal.level >= 2 and self.parent is not None and self.parent.journal is not None:
            inner = journal.last_chunk
            kept = (
                (inner[0], inner[1], inner[2])
                if inner and text.startswith('{"$type":"ref"')
                else (text, self.run.id, seq)
            )
            self.parent.journal.last_chunk = kept

    def custom(self, name: str, data: Any) -> None:
        """Give a custom event of this run; after its end nothing is given any more.

        Args:
            name: The event's name.
            data: Its data.
        """
        taps = tuple([tap for tap in self.heritage.streams if tap.wants_custom(self.run, name)])
        journal = self.journal
        text = None if journal is None else journal.encode(data, "custom")
        label = None if journal is None else journals.value_text(str(name), "start", 1)
        with self.timeline.lock:
            if self._ended:
                return
            seq, now = self._next()
            if journal is not None:
                journal.add(seq, now, "custom", text, type(data), label)
            for tap in taps:
                tap.put(Signal("custom", self.run, seq, now, data, name))

    def finish(self, output: Any, late_input: Any = UNKNOWN) -> bool:
        """End the run well and return whether this call ended it.

        Args:
            output: The output as its end record shows it.
            late_input: The input, where it became known only now.
        """
        journal = self.journal
        late = late_input is not UNKNOWN
        if journal is None:
            out_text = in_text = None
        else:
            out_text = journal.encode(output, "end")
            in_text = journal.encode(late_input, "end") if late else None
        with self.timeline.lock:
            if self._ended:
                return False
            self._ended = True
            seq, now = self._next()
            if journal is not None:
                journal.add(seq, now, "end", out_text, type(output), in_text, type(late_input) if late else None)
            self._hand_over("end", seq, now, output, late_input)
        self._close("ok", now, None)
        return True

    def fail(self, error: BaseException, outcome: Outcome | None = None) -> bool:
        """End the run by an exception and return whether this call ended it.

        Args:
            error: The exception.
            outcome: How it counts; told from the exception when not given.
        """
        outcome = outcome or outcome_of(error)
        extra = {
            "outcome": outcome,
            "tool_call_id": self.details.get("tool_call_id") if self.run.type == "tool" and self.details else None,
        }
        journal = self.journal
        text = None if journal is None else journal.encode(error, "error")
        label = None if journal is None else journals.value_text(extra, "start", 1)
        with self.timeline.lock:
            if self._ended:
                return False
            self._ended = True
            seq, now = self._next()
            if journal is not None:
                journal.add(seq, now, "error", text, type(error), label)
            self._hand_over("error", seq, now, error, extra)
        self._close(outcome, now, error if outcome == "error" else None)
        return True

    def _next(self) -> tuple[int, int]:
        timeline = self.timeline
        timeline.seq = seq = timeline.seq + 1
        return seq, timeline.now_ns()

    def _hand_over(self, kind: Any, seq: int, now: int, value: Any, extra: Any) -> None:
        taps = self.taps
        if taps:
            signal = Signal(kind, self.run, seq, now, value, extra)
            for tap in taps:
                tap.put(signal)

    def _signal(self, kind: Any, value: Any, extra: Any) -> None:
        with self.timeline.lock:
            if not self._ended:
                seq, now = self._next()
                self._hand_over(kind, seq, now, value, extra)

    def _close(self, outcome: Outcome, end_ns: int, error: BaseException | None) -> None:
        span, journal = self.span, self.journal
        if outcome != "ok":  # given at the start already, where attributes cost a third
            span.set_attribute(names.OUTCOME, outcome)
        if journal is None:
            otel.end_span(span, end_ns, error)
            return
        ids = span.get_span_context()
        journals.hand_over(ids.trace_id, ids.span_id, journal)
        try:
            otel.end_span(span, end_ns, error)
        finally:
            journals.withdraw(ids.trace_id, ids.span_id)


def _enter(scope: RunScope) -> None:
    """Make the scope and its span current in the context this is run in."""
    CURRENT.set(scope)
    otel.attach_context(scope.otel_context)


_control_flow: dict[type[BaseException], Outcome] = {}


def register_control_flow(exception_type: type[BaseException], outcome: Outcome = "ok") -> None:
    """Say that an exception is a program's way to go on elsewhere, not a failure.

    Runs that it ends get this outcome, so their spans no error status. All else stays: the exception reaches the
    caller, hooks of handlers are called as for any exception, no end record is given.

    Args:
        exception_type: The exception; its subclasses count too. Said again, the last word holds.
        outcome: How runs count that it ends; error takes the registration back.

    Raises:
        TypeError: If it is no exception type.
    """
    if not (isinstance(exception_type, type) and issubclass(exception_type, BaseException)):
        raise TypeError(f"{exception_type!r} is no exception type; give a class such as GraphInterrupt.")
    _control_flow.pop(exception_type, None)
    if outcome != "error":
        _control_flow[exception_type] = outcome


def outcome_of(error: BaseException) -> Outcome:
    """Return how a run counts that ended with this exception."""
    if isinstance(error, GeneratorExit):
        return "abandoned"
    if isinstance(error, asyncio.CancelledError):
        return "abandoned" if ABANDONED in error.args else "cancelled"
    for exception_type in type(error).__mro__ if _control_flow else ():
        if exception_type in _control_flow:
            return _control_flow[exception_type]
    return "error"
