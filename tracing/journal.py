"""The journal: a run's signals as they are kept beside its span, for replay.

A journal is kept only while somebody has asked for journals with `attach`: our span processors do. Values are encoded
in the thread that gave the signal, at that moment; later changes to them change nothing. A run's journal travels to the
processors inside `span.end()`: there `take` finds it, and nobody else ever sees it.

Capture levels: `structure` keeps that a signal happened, when, and the type of its value; `content` keeps inputs and
outputs too; `chunks` keeps every chunk of a stream as well. Metadata and tags are kept at every level.

The document (`Journal.text`) is one line of ASCII JSON:
    {"v": 1, "run": {id, name, type, parent_ids, tags, metadata, raw?, handed_*?},
     "entries": [[seq, time_ns, kind, value, extra?], ...]}
A chunk that an inner run gave already is stored there alone; the outer run holds {"$type": "ref", "run": id, "seq": n}.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from .encode import dump, encode, encode_text, marker_text
from .run import Run

__all__ = [
    "LEVELS",
    "MAX_JOURNAL_BYTES",
    "MAX_VALUE_BYTES",
    "CaptureLevel",
    "Journal",
    "attach",
    "current_level",
    "detach",
    "hand_over",
    "take",
    "value_text",
    "withdraw",
]

CaptureLevel = Literal["structure", "content", "chunks"]
"""How much of a run's values is kept."""

LEVELS: Final[dict[str, int]] = {"structure": 0, "content": 1, "chunks": 2}
"""The levels in order."""

MAX_VALUE_BYTES = 1 << 20
"""A value whose JSON text is longer becomes a marker; 1 MiB holds a prompt of 250,000 tokens."""

MAX_JOURNAL_BYTES = 16 << 20
"""Values beyond this many bytes in one journal become markers; the signals themselves are all kept."""

_REF_FROM_BYTES = 96
"""A chunk shorter than a reference is written again instead of referred to."""

_NOTHING = "{}"
"""An empty mapping tells nothing and stands at every level: it is also what an end record shows for a missing input."""

_asked: dict[object, int] = {}
_level: int = -1
_offered: dict[tuple[int, int], Journal] = {}


def attach(level: str) -> object:
    """Ask for journals from now on, at least at that level, and return the token that ends the asking.

    Args:
        level: structure, content or chunks.

    Raises:
        ValueError: If the level is none of these.
    """
    if level not in LEVELS:
        raise ValueError(f"The capture level is {level!r}; use one of {', '.join(LEVELS)}.")
    token = object()
    _asked[token] = LEVELS[level]
    _settle()
    return token


def detach(token: object) -> None:
    """Stop asking; a token that is not known is ignored.

    Args:
        token: What `attach` returned.
    """
    _asked.pop(token, None)
    _settle()


def _settle() -> None:
    global _level  # noqa: PLW0603 - one number read on every run; a container would cost a look-up each time
    _level = max(_asked.values(), default=-1)


def current_level() -> int:
    """Return the highest level asked for as a number, or -1 when nobody asks."""
    return _level


def take(trace_id: int, span_id: int) -> Journal | None:
    """Return the journal of the span that is ending right now, or None.

    Only meaningful inside a span processor's `on_end`, in the call that `span.end()` makes.

    Args:
        trace_id: The span's trace id.
        span_id: The span's own id.
    """
    return _offered.get((trace_id, span_id))


def hand_over(trace_id: int, span_id: int, journal: Journal) -> None:
    """Offer a journal to the processors that are about to be called; `withdraw` must follow."""
    _offered[trace_id, span_id] = journal


def withdraw(trace_id: int, span_id: int) -> None:
    """Stop offering the journal of that span."""
    _offered.pop((trace_id, span_id), None)


def value_text(value: object, kind: str, level: int, limit_bytes: int = MAX_VALUE_BYTES) -> str:
    """Return the text under which a signal's value is kept at that level.

    Args:
        value: The value.
        kind: The kind of the signal.
        level: The capture level as a number.
        limit_bytes: The longest text allowed.
    """
    if level >= (2 if kind == "chunk" else 1):
        return encode_text(value, limit_bytes)
    if kind != "chunk" and type(value) is dict and not value:
        return _NOTHING
    return marker_text(type(value))


class Journal:
    """The signals of one run, in order.

    Args:
        run: The run.
        level: The capture level as a number.
    """

    __slots__ = ("_bytes", "_entries", "_raw", "_raw_known", "last_chunk", "level", "run")

    def __init__(self, run: Run, level: int) -> None:
        self.run = run
        self.level = level
        self.last_chunk: tuple[str, str, int] | None = None
        """The text, run id and number of the last chunk that a child gave through this run."""
        self._entries: list[tuple[int, int, str, str | None, type | None, str | None, type | None]] = []
        self._raw: str | None = None
        self._raw_known: type | None = None
        self._bytes = 0

    def encode(self, value: object, kind: str) -> str:
        """Return the text to keep for a value, within what is left of the journal's bound.

        Args:
            value: The value.
            kind: The kind of the signal.
        """
        text = value_text(value, kind, self.level, min(MAX_VALUE_BYTES, max(MAX_JOURNAL_BYTES - self._bytes, 0)))
        self._bytes += len(text)
        return text

    def set_raw(self, value: object) -> None:
        """Keep the value that the caller gave to a root run, for the first event of its stream."""
        self._raw = self.encode(value, "start")
        self._raw_known = type(value)

    def add(
        self,
        seq: int,
        time_ns: int,
        kind: str,
        text: str | None,
        of: type | None,
        extra: str | None = None,
        extra_of: type | None = None,
    ) -> None:
        """Append one signal; called in the critical section that numbers it.

        Args:
            seq: Its number.
            time_ns: Its time.
            kind: What happened.
            text: The value's text; None for an unknown input.
            of: The value's class; None where the text stays at every level.
            extra: The text of what else it carries.
            extra_of: The class of what else it carries; None where the text stays at every level.
        """
        self._entries.append((seq, time_ns, kind, text, of, extra, extra_of))

    def chunk_text(self, value: object) -> str:
        """Return the text for a chunk of this run: a reference when its child gave the very same chunk just now."""
        text = self.encode(value, "chunk")
        inner = self.last_chunk
        if inner is not None and len(text) > _REF_FROM_BYTES and inner[0] == text:
            self._bytes -= len(text)
            return f'{{"$type":"ref","run":"{inner[1]}","seq":{inner[2]}}}'
        return text

    def text(self, level: str) -> str:
        """Return the journal as one line of ASCII JSON, reduced to that level.

        Args:
            level: structure, content or chunks; a level above the one kept gives what was kept.
        """
        asked = LEVELS[level]
        run = self.run
        head: dict[str, Any] = {
            "id": run.id,
            "name": run.name,
            "type": run.type,
            "parent_ids": run.parent_ids,
            "tags": run.tags,
        }
        if any(entry[2] == "custom" for entry in self._entries) and run.handed != (run.tags, run.metadata):
            head["handed_tags"], head["handed_metadata"] = run.handed[0], encode(run.handed[1])
        parts = [
            dump(head)[:-1],
            ',"metadata":',
            encode_text(run.metadata, MAX_VALUE_BYTES) if run.metadata else _NOTHING,
        ]
        if self._raw is not None:
            parts += [',"raw":', _reduced(self._raw, self._raw_known, "start", asked)]
        entries = []
        for seq, time_ns, kind, text, of, extra, extra_of in self._entries:
            value = "null" if text is None else _reduced(text, of, kind, asked)
            line = f'[{seq},{time_ns},"{kind}",{value}'
            if extra is not None:
                line += "," + _reduced(extra, extra_of, kind, asked)
            elif text is None:
                line += ",false"
            entries.append(line + "]")
        return f'{{"v":1,"run":{"".join(parts)}}},"entries":[{",".join(entries)}]}}'


def _reduced(text: str, of: type | None, kind: str, level: int) -> str:
    """Return the text at a lower level: a marker where that level keeps no value."""
    if of is None or level >= (2 if kind == "chunk" else 1) or (text == _NOTHING and kind != "chunk"):
        return text
    return marker_text(of)
