"""Replay from the front door: records of stored spans, wherever they are stored, as JSON or as objects.

    from spanloom import replay

    for record in replay("spans.db", trace_id="0199a3b4", include_types=["chat_model"], objects=True):
        ...

Stored spans may come from anyone who can write the store, so `objects=True` builds only classes of this package that
are registered for it; a value that does not fit its class stays JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from .exporters import SpanData

__all__ = ["pick_trace", "replay", "stored_spans"]

_SQLITE = b"SQLite format 3\0"
_ID_DIGITS = 32
_PAGE_SPANS = 2048


def replay(
    spans: Iterable[Any] | str | Path,
    *,
    trace_id: str | None = None,
    objects: bool = False,
    include_names: Sequence[str] | None = None,
    include_types: Sequence[str] | None = None,
    include_tags: Sequence[str] | None = None,
    exclude_names: Sequence[str] | None = None,
    exclude_types: Sequence[str] | None = None,
    exclude_tags: Sequence[str] | None = None,
    root_run_id: UUID | str | None = None,
) -> Iterator[dict[str, Any]]:
    """Return the `astream_events` v2 records of stored spans, as they were streamed or would have been.

    Args:
        spans: Spans with their journals, or the path of a span store or of a `.otlp.jsonl` file.
        trace_id: Of a path, only this trace: a trace id, a run id, or the beginning of one.
        objects: Rebuild messages, documents and prompt values; markers of values that were left out stay JSON.
        include_names: Keep events of runs with one of these names.
        include_types: Keep events of runs of one of these types.
        include_tags: Keep events of runs with one of these tags.
        exclude_names: Leave out events of runs with one of these names.
        exclude_types: Leave out events of runs of one of these types.
        exclude_tags: Leave out events of runs with one of these tags.
        root_run_id: Replay the stream of this run, which may be nested in another.

    Raises:
        LookupError: If the store or file has no such trace, or the beginning fits several (`AmbiguousIdError`).
        StoreError: If the store cannot be read.
        SpanFormatError: If the file cannot be read.
        FilterError: If a filter is not a list of strings.
        JournalError: If a span's journal cannot be read.
        ValueError: If `trace_id` is given without a path, or `root_run_id` is no run id.
    """
    from .tracing import CallbackManager

    if isinstance(spans, (str, Path)):
        chosen: Iterable[Any] = stored_spans(spans, trace_id)
        if trace_id is not None and not chosen:
            raise LookupError(f"{str(spans)!r} has no trace {trace_id!r}; `spanloom traces` lists those of a store.")
    elif trace_id is not None:
        raise ValueError("trace_id chooses from a store or a file; give a path, or only the spans of that trace.")
    else:
        chosen = spans
    records = CallbackManager.records(
        chosen,
        include_names=include_names,
        include_types=include_types,
        include_tags=include_tags,
        exclude_names=exclude_names,
        exclude_types=exclude_types,
        exclude_tags=exclude_tags,
        root_run_id=root_run_id,
    )
    return map(_with_objects, records) if objects else records


def stored_spans(path: str | Path, trace_id: str | None = None) -> list[SpanData]:
    """Return the spans of a store or a file; an empty list when it has no such trace.

    Args:
        path: A span store or a `.otlp.jsonl` file; the content decides which, or the name if there is no content.
        trace_id: Only this trace: a trace id, a run id, or the beginning of one.

    Raises:
        AmbiguousIdError: If a beginning fits several traces.
        StoreError: If the store cannot be read, or the id is not made of hex digits.
        SpanFormatError: If the file cannot be read.
    """
    from .exporters import SqliteStore, read_file

    place = Path(path).expanduser()
    if _is_span_file(place):
        spans = read_file(place)
        return list(spans) if trace_id is None else pick_trace(spans, trace_id)
    with SqliteStore(place) as store:
        if trace_id is not None:
            return store.trace(trace_id)
        found: list[SpanData] = []
        cursor, page = store.after(0, _PAGE_SPANS)
        while page:
            found += page
            cursor, page = store.after(cursor, _PAGE_SPANS)
        return found


def pick_trace(spans: Iterable[SpanData], run_or_trace_id: str) -> list[SpanData]:
    """Return the spans of one trace in the order of their start, or an empty list; what `SqliteStore.trace` does.

    Args:
        spans: Spans of any number of traces.
        run_or_trace_id: A trace id, a run id (UUID text or hex), or the beginning of one. When a run id was used
            several times, the trace that started last counts.

    Raises:
        AmbiguousIdError: If a beginning fits several traces.
        StoreError: If it is not made of hex digits.
    """
    from .exporters import AmbiguousIdError, StoreError

    key = _digits(run_or_trace_id)
    if not key or len(key) > _ID_DIGITS or key.strip("0123456789abcdef"):
        raise StoreError(
            f"The id is {run_or_trace_id!r}; give a trace id or a run id, or the first digits of one (0-9, a-f)."
        )
    ordered = sorted(spans, key=lambda span: span.start_ns)
    named = dict.fromkeys(span.trace_id for span in ordered if span.trace_id.startswith(key))
    runs = dict.fromkeys(span.trace_id for span in ordered if _digits(span.run_id or "").startswith(key))
    found = list(named | runs) if len(key) < _ID_DIGITS else list(named) or list(runs)[-1:]
    if len(found) > 1:
        shown = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
        raise AmbiguousIdError(f"The id {run_or_trace_id!r} fits several traces ({shown}); give more digits.")
    return [span for span in ordered if span.trace_id in found]


def _digits(run_or_trace_id: str) -> str:
    return run_or_trace_id.strip().lower().replace("-", "")


def _is_span_file(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            beginning = file.read(len(_SQLITE))
    except OSError:
        beginning = b""
    if beginning == _SQLITE:
        return False
    return path.suffix in (".jsonl", ".json") or beginning.lstrip().startswith(b"{")


def _with_objects(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "metadata": _rebuilt(record["metadata"]), "data": _rebuilt(record["data"])}


def _rebuilt(value: Any) -> Any:
    """Return the value with objects where the data fits them, else as it is."""
    from .runtime import documents, outputs, prompt_values  # noqa: F401 - they register what may be built
    from .runtime.telemetry import decode

    if isinstance(value, dict) and "$type" not in value:
        return {key: _rebuilt(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rebuilt(item) for item in value]
    try:
        return decode(value)
    except (ValueError, TypeError, KeyError):
        return value
