"""Traces as trees of text: for a terminal, a log or a bug report.

    trace 0199a3b45c6d7e8f90a1b2c3d4e5f607  3 spans  12.3 ms
    `- RunnableSequence  chain  12.3 ms  ok  [nightly]
       |- ChatPromptTemplate  prompt  0.4 ms  ok
       `- ChatModel  chat_model  11.2 ms  error: TimeoutError: ...

(with box-drawing lines). Names and messages come from outside: control characters in them are shown, never sent to the
terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

from ..tracing import names
from .span_data import SpanData

__all__ = ["ConsoleSink", "render_tree"]

_COLORS = {"ok": "32", "error": "31", "cancelled": "33", "abandoned": "33"}
_LONELY_S = 10.0
_MOST_WAITING = 10_000


def render_tree(spans: Iterable[SpanData], *, color: bool = False, width: int = 120) -> str:
    """Return the spans as one tree per trace, children in the order of their start, each line ended by a newline.

    A span whose parent is not among them stands under "missing parent".

    Args:
        spans: Spans of any number of traces, in any order.
        color: Whether outcomes are coloured with ANSI codes.
        width: Longer lines are cut to this many characters and end in `…`; at least 20.

    Raises:
        ValueError: If `width` is below 20.
    """
    if width < 20:
        raise ValueError(f"width is {width!r}; give at least 20 characters.")
    traces: dict[str, list[SpanData]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    lines = [line for trace in traces.values() for line in _trace_lines(trace, color, width)]
    return "".join(line + "\n" for line in lines)


def _trace_lines(spans: list[SpanData], color: bool, width: int) -> Iterator[str]:
    start = min(span.start_ns for span in spans)
    end = max(span.end_ns for span in spans)
    count = "1 span" if len(spans) == 1 else f"{len(spans)} spans"
    yield _cut(f"trace {spans[0].trace_id}  {count}  {_duration(end - start)}", width)
    known = {span.span_id for span in spans}
    children: dict[str, list[SpanData]] = {}
    roots, orphans = [], []
    for span in sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.span_id)):
        if span.parent_span_id is None:
            roots.append(span)
        elif span.parent_span_id in known and span.parent_span_id != span.span_id:
            children.setdefault(span.parent_span_id, []).append(span)
        else:
            orphans.append(span)
    shown: set[int] = set()
    yield from _branch(roots, children, shown, "", color, width, more=bool(orphans))
    if orphans:
        yield "└─ missing parent"
        yield from _branch(orphans, children, shown, "   ", color, width)
    circular = [span for span in spans if id(span) not in shown]
    if circular:
        yield "└─ circular parents"
        yield from _branch(circular, {}, shown, "   ", color, width)


def _branch(
    spans: list[SpanData],
    children: dict[str, list[SpanData]],
    shown: set[int],
    indent: str,
    color: bool,
    width: int,
    *,
    more: bool = False,
) -> Iterator[str]:
    """Yield the lines of these spans and everything below them, without recursion: a chain may be thousands deep."""
    pending = [(span, indent, at == len(spans) - 1 and not more) for at, span in enumerate(spans)][::-1]
    while pending:
        span, before, is_last = pending.pop()
        shown.add(id(span))
        yield _span_line(span, before + ("└─ " if is_last else "├─ "), color, width)
        below = [child for child in children.get(span.span_id, ()) if id(child) not in shown]
        inner = before + ("   " if is_last else "│  ")
        pending += [(child, inner, at == len(below) - 1) for at, child in enumerate(below)][::-1]


def _span_line(span: SpanData, before: str, color: bool, width: int) -> str:
    outcome = str(span.attributes.get(names.OUTCOME) or ("error" if span.is_error else "ok"))
    ending = f"{outcome}: {span.status_message}" if span.is_error and span.status_message else outcome
    parts = [_visible(span.name), _visible(str(span.attributes.get(names.RUN_TYPE, ""))), _duration(span.duration_ns)]
    head = before + "  ".join(part for part in parts if part) + "  "
    tags = f"  [{', '.join(_visible(tag) for tag in span.tags)}]" if span.tags else ""
    line = _cut(head + _visible(ending) + _visible(_acted(span)) + tags, width)
    if not color or len(line) <= len(head):
        return line
    code = _COLORS.get(outcome, "0")
    stop = min(len(head) + len(_visible(ending)), len(line))
    return f"{line[: len(head)]}\x1b[{code}m{line[len(head) : stop]}\x1b[0m{line[stop:]}"


def _acted(span: SpanData) -> str:
    """Return what guardrails did during the span, each thing once."""
    told = dict.fromkeys(
        " ".join(
            str(event.attributes[name])
            for name in (names.GUARDRAIL_SOURCE, names.GUARDRAIL_POLICY_KIND, names.GUARDRAIL_RESULT_VALUE)
            if name in event.attributes
        )
        for event in span.events
        if event.name == names.GUARDRAIL_EVENT
    )
    return f"  guardrail: {', '.join(told)}" if told else ""


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _duration(duration_ns: int) -> str:
    return f"{duration_ns / 1_000_000:.1f} ms"


class ConsoleSink:
    """Prints each trace as a tree once its root has ended.

    Spans whose root does not end in this process are printed ten seconds after the last of them came, or at the close.

    Args:
        stream: Where to print; None means the standard error of the moment.
        color: Whether to use ANSI colours; None means only on a terminal.
        width: Longer lines are cut.
    """

    def __init__(self, stream: TextIO | None = None, *, color: bool | None = None, width: int = 120) -> None:
        self._stream = stream
        self._color = color
        self._width = width
        self._waiting: dict[str, list[SpanData]] = {}
        self._touched: dict[str, float] = {}

    def export(self, spans: list[SpanData]) -> None:
        """Print the traces whose root is among the spans; keep the others until their root comes.

        Args:
            spans: The spans.
        """
        now = time.monotonic()
        ended = []
        for span in spans:
            self._waiting.setdefault(span.trace_id, []).append(span)
            self._touched[span.trace_id] = now
            if span.parent_span_id is None:
                ended.append(span.trace_id)
        ended += [trace_id for trace_id, at in self._touched.items() if now - at > _LONELY_S]
        if sum(map(len, self._waiting.values())) > _MOST_WAITING:
            ended = list(self._waiting)
        for trace_id in dict.fromkeys(ended):
            self._print(trace_id)

    def close(self) -> None:
        """Print what still waits for its root."""
        for trace_id in list(self._waiting):
            self._print(trace_id)

    def _print(self, trace_id: str) -> None:
        self._touched.pop(trace_id, None)
        stream = self._stream or sys.stderr
        color = stream.isatty() if self._color is None else self._color
        text = render_tree(self._waiting.pop(trace_id), color=color, width=self._width)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
