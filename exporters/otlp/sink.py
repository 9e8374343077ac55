"""OTLP over HTTP with protobuf bodies, sent by OpenTelemetry's own exporter.

What this module adds: the journal as attributes; requests of bounded size, so that one large span never takes a batch
along; one clear reason for a failure, where the official exporter writes several log lines; and a new connection after
a fork. A span that the collector refuses as too large is sent again without its journal.

The official exporter retries what may pass (429, 502, 503, 504, refused connections) until `timeout_s` is over.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...tracing import log
from ..environment import traces_endpoint
from ..errors import ConfigurationError, DeliveryError, MissingExtraError
from ..span_data import PIECE_BYTES, SpanData

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

__all__ = ["REQUEST_BYTES", "OtlpSink"]

REQUEST_BYTES = 4 << 20
"""About how large one request may be, in bytes before compression; collectors take 4 MiB or more by default."""

_OFFICIAL_LOGGER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_STATUS = re.compile(r"code: (\d{3})")
_TOO_LARGE = 413

_ADVICE = {
    400: "the collector does not understand it; see that it takes OTLP over HTTP there",
    401: "the collector wants credentials; set OTEL_EXPORTER_OTLP_HEADERS",
    403: "the collector refuses the credentials; correct OTEL_EXPORTER_OTLP_HEADERS",
    404: "nothing takes traces at that path; correct the endpoint",
    405: "nothing takes traces at that path; correct the endpoint",
    _TOO_LARGE: "the request is too large; raise the collector's limit",
    429: "the collector has more than it can take; give it more room or sample",
}


class OtlpSink:
    """Sends spans to an OTLP/HTTP endpoint.

    Args:
        endpoint: The collector's base URL, or the full URL ending in `/v1/traces`.
        headers: Headers of every request, beside those of OTEL_EXPORTER_OTLP_HEADERS.
        timeout_s: The longest that one request may take, retries included, in seconds.
        compression: none, gzip or deflate; None means OTEL_EXPORTER_OTLP_COMPRESSION, else none.
        piece_bytes: A journal is cut into attributes no longer than this many bytes.
        request_bytes: About how large one request may be, in bytes before compression.

    Raises:
        MissingExtraError: If the official exporter is not installed.
        ConfigurationError: If the endpoint is not a URL, or the compression is unknown.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        compression: str | None = None,
        piece_bytes: int = PIECE_BYTES,
        request_bytes: int = REQUEST_BYTES,
    ) -> None:
        _need_extra()
        self.endpoint = traces_endpoint(endpoint, source="endpoint")
        if compression not in (None, "none", "gzip", "deflate"):
            raise ConfigurationError(f"compression is {compression!r}; use none, gzip or deflate.")
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._compression = compression
        self._piece_bytes = piece_bytes
        self._request_bytes = request_bytes
        self._exporter: OTLPSpanExporter | None = None
        self._process = os.getpid()
        self._reasons = _Reasons()
        logging.getLogger(_OFFICIAL_LOGGER).addFilter(self._reasons)

    def export(self, spans: list[SpanData]) -> None:
        """Send the spans, in several requests when they are large.

        Args:
            spans: The spans.

        Raises:
            DeliveryError: If some were not delivered; it says how many, to where, why, and what to do.
        """
        failed = 0
        reason = ""
        waiting = list(self._parts(spans))[::-1]
        while waiting:
            part = waiting.pop()
            problem = self._send(part)
            if problem is None:
                continue
            status, text = problem
            if status == _TOO_LARGE and len(part) > 1:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
            elif status == _TOO_LARGE and part[0].journal is not None:
                log.warn_once(
                    "exporters",
                    f"journal {self.endpoint}",
                    f"A journal is too large for {self.endpoint}: its span was sent without it and cannot be replayed "
                    "from there.",
                )
                waiting.append([replace(part[0], journal=None)])
            else:
                failed += len(part)
                reason = f"{self.endpoint}: {text}"
                if status is None:  # nobody answers: the rest would wait as long, each for itself
                    failed += sum(map(len, waiting))
                    break
        if failed:
            raise DeliveryError(reason, failed_spans=failed)

    def close(self) -> None:
        """Close the connections."""
        logging.getLogger(_OFFICIAL_LOGGER).removeFilter(self._reasons)
        exporter, self._exporter = self._exporter, None
        if exporter is not None and self._process == os.getpid():
            exporter.shutdown()  # type: ignore[no-untyped-call]  # the official package annotates it not

    def _send(self, spans: list[SpanData]) -> tuple[int | None, str] | None:
        """Send one request; return None, or the status (None when nobody answered) and why it failed."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        from .encode import readable_spans

        exporter = self._open()
        with self._reasons:
            result = exporter.export(readable_spans(spans, self._piece_bytes))
            heard = self._reasons.heard()
        if result is SpanExportResult.SUCCESS:
            return None
        found = next((match for text in heard if (match := _STATUS.search(text))), None)
        if found is None:
            said = f" ({heard[0][:300]})" if heard else ""
            return None, (
                f"no collector takes spans there{said}. Start one, or correct the endpoint "
                "(OTLP over HTTP usually listens on port 4318)."
            )
        status = int(found[1])
        advice = _ADVICE.get(status, "see the collector's log")
        return status, f"it answered with status {status}: {advice}."

    def _open(self) -> OTLPSpanExporter:
        """Return this process's exporter: a child must not write into its parent's connections."""
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        if self._process != os.getpid():
            self._process = os.getpid()
            self._exporter = None
        if self._exporter is None:
            self._exporter = OTLPSpanExporter(
                endpoint=self.endpoint,
                headers=self._headers,
                timeout=self._timeout_s,
                compression=Compression(self._compression) if self._compression is not None else None,
            )
        return self._exporter

    def _parts(self, spans: list[SpanData]) -> Iterator[list[SpanData]]:
        """Yield the spans in parts of about `request_bytes`; a larger span goes alone."""
        part: list[SpanData] = []
        size = 0
        for span in spans:
            weight = _weight(span)
            if part and size + weight > self._request_bytes:
                yield part
                part, size = [], 0
            part.append(span)
            size += weight
        if part:
            yield part


class _Reasons(logging.Filter):
    """Hears what the official exporter logs while we call it, in our thread alone, and keeps it out of the log."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()

    def __enter__(self) -> None:
        self._local.heard = []

    def __exit__(self, *_: object) -> None:
        self._local.heard = None

    def heard(self) -> list[str]:
        """Return the lines heard so far."""
        return list(getattr(self._local, "heard", None) or ())

    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a line that belongs to us."""
        heard = getattr(self._local, "heard", None)
        if heard is None:
            return True
        heard.append(record.getMessage())
        return False


def _weight(span: SpanData) -> int:
    """Return about how many bytes a span takes in a request."""
    weight = 128 + len(span.name) + len(span.status_message) + len(span.journal or "") + _value_weight(span.attributes)
    return weight + sum(32 + len(event.name) + _value_weight(event.attributes) for event in span.events)


def _value_weight(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return 4 + len(value)
    if isinstance(value, dict):
        return sum(8 + len(key) + _value_weight(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(_value_weight(item) for item in value)
    return 12


def _need_extra() -> None:
    try:
        found = importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise MissingExtraError(
            "Sending spans by OTLP needs the package opentelemetry-exporter-otlp-proto-http; "
            "run: pip install 'spanloom[otlp]'"
        )
