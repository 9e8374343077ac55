"""Where spanloom's spans go while it is measured. One pipeline per process: journals are kept for a process as a whole.

sdk   the SDK's tracer provider with the official BatchSpanProcessor over an exporter that does nothing
own   the processor, queue and run ids that `spanloom.exporters` sets up, over a sink that does nothing
off   the SDK's tracer provider with a sampler that keeps nothing
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import set_tracer_provider

from .sides import NotThereError

__all__ = ["NAMES", "Pipeline"]

NAMES = ("sdk", "own", "off")
_FLUSH_MS = 30_000


class Pipeline:
    """A tracer provider, made the global one, that counts the spans that end.

    Args:
        name: One of `NAMES`.

    Raises:
        NotThereError: If spanloom does not have this pipeline yet.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ended = 0
        self._provider = _provider(name, self._count)
        set_tracer_provider(self._provider)

    def flush(self) -> None:
        """Wait until every ended span has been handed on."""
        self._provider.force_flush(_FLUSH_MS)

    def take_count(self) -> int:
        """Return how many spans have ended since the last call."""
        ended, self._ended = self._ended, 0
        return ended

    def close(self) -> None:
        """Shut the provider down."""
        self._provider.shutdown()

    def _count(self) -> None:
        self._ended += 1


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _NoSink:
    def export(self, spans: list[Any]) -> None:
        """Take the spans and do nothing."""

    def close(self) -> None:
        """Do nothing."""


def _counting(base: type, count: Any) -> type:
    class Counting(base):
        def on_end(self, span: ReadableSpan) -> None:
            count()
            super().on_end(span)

    return Counting


def _provider(name: str, count: Any) -> TracerProvider:
    if name == "off":
        provider = TracerProvider(sampler=ALWAYS_OFF)
        provider.add_span_processor(_counting(BatchSpanProcessor, count)(_Nowhere()))
        return provider
    if name == "sdk":
        provider = TracerProvider(sampler=ALWAYS_ON)
        provider.add_span_processor(_counting(BatchSpanProcessor, count)(_Nowhere()))
        return provider
    try:
        from spanloom.exporters.processor import JournalProcessor
        from spanloom.exporters.provider import RunIdGenerator
    except ImportError as err:
        raise NotThereError(f"spanloom.exporters: {err}") from err
    provider = TracerProvider(sampler=ALWAYS_ON, id_generator=RunIdGenerator())
    provider.add_span_processor(_counting(JournalProcessor, count)(_NoSink(), destination="nowhere"))
    return provider
