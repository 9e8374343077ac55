"""Spans in a file, one OTLP JSON document per line (`.otlp.jsonl`), as the Collector's file exporter writes them too.

The file only ever grows. Each line is written with one system call in append mode, so that several processes may write
one file and a reader sees whole lines. A line that a crash cut off stays as it is: the next writer begins a new line,
and the reader reports and skips it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..tracing import log
from .errors import ConfigurationError, DeliveryError, SpanFormatError
from .span_data import PIECE_BYTES, SpanData
from .span_json import from_otlp_json, to_otlp_json

__all__ = ["FileSink", "read_file"]

_BEGINNINGS = ('{"resourceSpans"', '{"resource_spans"')
_OTHER_SIGNALS = ("resourceLogs", "resourceMetrics", "resourceProfiles")


class FileSink:
    """Appends each batch as one line.

    Args:
        path: The file; it and its folders are made if they are missing.
        piece_bytes: A journal is cut into attributes no longer than this many bytes.

    Raises:
        ConfigurationError: If the file cannot be opened for appending.
    """

    def __init__(self, path: str | Path, *, piece_bytes: int = PIECE_BYTES) -> None:
        self.path = Path(path).expanduser().absolute()
        self._piece_bytes = piece_bytes
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"The span file {str(path)!r} cannot be opened for appending ({error.strerror}); "
                "give the path of a file in a folder you may write to."
            ) from error

    def export(self, spans: list[SpanData]) -> None:
        """Append the spans as one line.

        Args:
            spans: The spans.

        Raises:
            DeliveryError: If the line could not be written whole.
        """
        if self._file is None:
            raise DeliveryError(f"The span file {str(self.path)!r} is closed; configure again to write on.")
        document = to_otlp_json(spans, piece_bytes=self._piece_bytes)
        line = json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
        try:
            size = os.fstat(self._file).st_size
            if size and os.pread(self._file, 1, size - 1) != b"\n":
                line = b"\n" + line
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise DeliveryError(
                f"The span file {str(self.path)!r} cannot be written ({error.strerror}); free some space there."
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_file(path: str | Path, *, report: Callable[[str], None] | None = None) -> Iterator[SpanData]:
    """Yield the spans of a file, in the order in which they were written.

    Lines of other signals (logs, metrics) are passed over.

    Args:
        path: A file with one OTLP JSON document per line.
        report: Is told, in one sentence each, which lines were cut off and skipped; None logs it.

    Raises:
        SpanFormatError: If the file cannot be read, or a line is not OTLP JSON.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                yield from _read_line(line, f"{str(path)!r}, line {number}", report or _log)
    except OSError as error:
        raise SpanFormatError(
            f"The span file {str(path)!r} cannot be read ({error.strerror}); give the path of a .otlp.jsonl file."
        ) from error


def _read_line(line: str, place: str, report: Callable[[str], None]) -> Iterator[SpanData]:
    text = line.strip()
    if not text:
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith(_BEGINNINGS) or any(beginning.startswith(text) for beginning in _BEGINNINGS):
            report(f"{place} is cut off and was skipped: the program that wrote it was stopped in the middle.")
            return
        raise SpanFormatError(
            f"{place} is {text[:60]!r}; a span file has one OTLP JSON document per line, beginning {_BEGINNINGS[0]!r}."
        ) from None
    if isinstance(document, dict) and any(signal in document for signal in _OTHER_SIGNALS):
        return
    try:
        yield from from_otlp_json(document)
    except SpanFormatError as error:
        raise SpanFormatError(f"{place}: {error}") from error


def _log(sentence: str) -> None:
    log.get("exporters").warning(sentence)
