"""Replay: the records of a stream, rebuilt from stored spans.

The journals beside the spans give the signals back; the converter that feeds live streams makes the records, so filters
and the first-event rule are the same. Values are JSON: what was over a bound, redacted or not captured is a marker.
Signals of one root run come in the order of their numbers; several roots are merged by (time, root run id, number).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from ..encode import encode
from ..ids import id_text, parse_id
from ..journal import LEVELS, value_text
from ..names import JOURNAL_PREFIX
from ..run import UNKNOWN, Run, Signal
from .convert import Converter
from .filters import Filters

__all__ = ["JournalError", "canonical", "journal_text", "replay"]


class JournalError(ValueError):
    """A span's journal cannot be read."""


def journal_text(span: Any) -> str | None:
    """Return the journal kept beside a span, or None if it has none.

    Args:
        span: Anything with a `journal` text, or with `attributes` that hold the pieces sent over OTLP.
    """
    text = getattr(span, "journal", None)
    if text is not None:
        return str(text)
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    pieces: list[str] = []
    while (piece := attributes.get(f"{JOURNAL_PREFIX}{len(pieces)}")) is not None:
        pieces.append(piece)
    return "".join(pieces) if pieces else None


def replay(
    spans: Iterable[Any],
    *,
    include_names: Sequence[str] | None = None,
    include_types: Sequence[str] | None = None,
    include_tags: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    exclude_types: Sequence[str] | None = None,
    exclude_tags: Sequence[str] | None = None,
    root_run_id: UUID | str | None = None,
    include_errors: bool = False,
    include_timing: bool = False,
) -> Iterator[dict[str, Any]]:
    """Return the records that a stream over these runs gave, or would have given.

    Args:
        spans: Spans with journals, in any order; spans without one are passed over.
        include_names: Keep events of runs with one of these names.
        include_types: Keep events of runs of one of these types.
        include_tags: Keep events of runs with one of these tags.
        exclude_names: Leave out events of runs with one of these names.
        exclude_types: Leave out events of runs of one of these types.
        exclude_tags: Leave out events of runs with one of these tags.
        root_run_id: Replay the stream of this run, which may be nested in another.
        include_errors: Also give `on_<type>_error` for runs that failed, were cancelled or abandoned.
        include_timing: Also give each record its `time_ns` and `seq`.

    Raises:
        FilterError: If a filter is not a list of strings.
        JournalError: If a journal cannot be read.
        ValueError: If `root_run_id` is no run id.
    """
    filters = Filters(include_names, include_types, include_tags, exclude_names, exclude_types, exclude_tags)
    kept = [_Stored(text) for text in map(journal_text, spans) if text is not None]
    if root_run_id is not None:
        wanted = id_text(parse_id(root_run_id))
        kept = [stored for stored in kept if wanted == stored.run.id or wanted in stored.run.parent_ids]
    chunks = _chunk_values(kept)
    streams = [
        _root_stream(Converter(filters, family[0].raw, errors=include_errors, timing=include_timing), family, chunks)
        for family in _families(kept, root_run_id)
    ]
    return (record for _, _, _, record in heapq.merge(*streams, key=lambda item: item[:3]))


class _Stored:
    """A journal as read back."""

    __slots__ = ("entries", "raw", "run")

    def __init__(self, text: str) -> None:
        try:
            document = json.loads(text)
            version, head = document["v"], document["run"]
            if version != 1:
                raise JournalError(f"A journal has version {version!r}; this spanloom reads version 1. Update it.")
            self.run = Run(
                UUID(head["id"]).int,
                head["name"],
                head["type"],
                tuple(head["tags"]),
                head["metadata"],
                None,
                tuple(head["parent_ids"]),
                (tuple(head.get("handed_tags", head["tags"])), head.get("handed_metadata", head["metadata"])),
            )
            self.raw = head.get("raw", UNKNOWN)
            self.entries: list[list[Any]] = document["entries"]
        except JournalError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise JournalError(
                f"A journal cannot be read: {exc!r}. It was cut short or not written by spanloom."
            ) from exc


def _families(kept: list[_Stored], root_run_id: object) -> list[list[_Stored]]:
    """Group journals by the run at which their stream begins, each group's own root first.

    A reused run id is several runs: their families are told apart by the numbers, which begin again at each root.
    """
    known = {stored.run.id for stored in kept}
    groups: dict[str, list[_Stored]] = {}
    for stored in kept:
        ancestors = [run_id for run_id in stored.run.parent_ids if run_id in known]
        groups.setdefault(ancestors[0] if ancestors else stored.run.id, []).append(stored)
    families = []
    for root_id, members in groups.items():
        roots = sorted((m for m in members if m.run.id == root_id), key=_start_ns)
        others = [m for m in members if m.run.id != root_id]
        for place, root in enumerate(roots):
            until = _start_ns(roots[place + 1]) if place + 1 < len(roots) else None
            mine = [m for m in others if _start_ns(m) >= _start_ns(root) and (until is None or _start_ns(m) < until)]
            families.append([root, *mine])
    return families


def _start_ns(stored: _Stored) -> int:
    return int(stored.entries[0][1]) if stored.entries else 0


def _chunk_values(kept: list[_Stored]) -> dict[tuple[str, int], Any]:
    return {(stored.run.id, entry[0]): entry[3] for stored in kept for entry in stored.entries if entry[2] == "chunk"}


def _root_stream(
    converter: Converter, family: list[_Stored], chunks: Mapping[tuple[str, int], Any]
) -> Iterator[tuple[int, str, int, dict[str, Any]]]:
    root = family[0]
    signals = sorted((_signal(stored.run, entry, chunks) for stored in family for entry in stored.entries), key=_seq)
    ended = False
    for signal in signals:
        if ended:
            return  # a child that outlives the root is outside the stream
        record = converter.convert(signal)
        ended = signal.run is root.run and signal.kind in ("end", "error")
        if record is not None:
            yield signal.time_ns, root.run.id, signal.seq, record


def _seq(signal: Signal) -> int:
    return signal.seq


def _signal(run: Run, entry: list[Any], chunks: Mapping[tuple[str, int], Any]) -> Signal:
    seq, time_ns, kind, value = entry[:4]
    extra = entry[4] if len(entry) > 4 else UNKNOWN
    if kind == "start" and extra is False:
        value, extra = UNKNOWN, UNKNOWN
    elif kind == "chunk" and isinstance(value, dict) and value.get("$type") == "ref":
        missing = {"$type": "marker", "reason": "missing", "type": "chunk"}
        value = chunks.get((value["run"], value["seq"]), missing)
    return Signal(kind, run, seq, time_ns, value, extra)


def canonical(record: Mapping[str, Any], level: str = "chunks") -> dict[str, Any]:
    """Return a live record as replay gives it: values as JSON, at a capture level.

    Two streams are equal when their canonical records are.

    Args:
        record: A record of a live stream.
        level: structure, content or chunks.
    """
    return {**record, "metadata": encode(record["metadata"]), "data": _canonical_data(record, LEVELS[level])}


def _canonical_data(record: Mapping[str, Any], level: int) -> Any:
    data = record["data"]

    def taken(value: Any, kind: str) -> Any:
        return json.loads(value_text(value, kind, level))

    if record["event"] == "on_custom_event":
        return taken(data, "custom")
    return {
        key: value if key in ("tool_call_id", "outcome") else taken(value, "chunk" if key == "chunk" else "end")
        for key, value in data.items()
    }
