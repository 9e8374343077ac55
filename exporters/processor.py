"""The span processor: takes a run's journal while its span ends and queues both for one sink.

Each sink has a processor, a queue and a thread of its own, so a slow or dead one delays nobody else.
"""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from ..tracing import journal
from .exit import LOCAL_S, REMOTE_S, forget_at_exit
from .health import SinkHealth
from .pipeline import BATCH_SPANS, DELAY_S, FlushRequest, Pipeline, Sink

__all__ = ["JournalProcessor"]


class JournalProcessor(SpanProcessor):
    """Hands sampled spans and their journals to one sink, in batches, on its own daemon thread.

    `on_end` appends to a queue and returns: it never raises, blocks or takes a lock. Journals are kept, at least at
    `level`, from the moment the processor is made until it is shut down.

    Args:
        sink: Where spans go. The processor closes it at shutdown.
        destination: The sink's name in `health` and in log lines.
        level: The capture level that this sink gets: structure, content or chunks.
        max_spans: The queue's bound; None means that nothing is ever dropped for want of room.
        batch_spans: The most spans handed over at once.
        delay_s: How long a batch may fill, in seconds.

    Raises:
        ValueError: If the level is none of the three.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        destination: str,
        level: str = "structure",
        max_spans: int | None = None,
        batch_spans: int = BATCH_SPANS,
        delay_s: float = DELAY_S,
    ) -> None:
        self._token: object | None = journal.attach(level)
        self._pipeline = Pipeline(
            sink,
            destination=destination,
            level=level,
            max_spans=max_spans,
            batch_spans=batch_spans,
            delay_s=delay_s,
        )

    @property
    def destination(self) -> str:
        """Where the spans go."""
        return self._pipeline.destination

    @property
    def is_shut_down(self) -> bool:
        """True once `shutdown` or `begin_shutdown` was called."""
        return self._token is None

    @property
    def never_drops(self) -> bool:
        """True when the queue has no bound, as those of local files have."""
        return self._pipeline.never_drops

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: a span is taken when it ends.

        Args:
            span: The span that started.
            parent_context: Its parent's context.
        """

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span and its journal when it is sampled.

        Args:
            span: The span that ended.
        """
        try:
            context = span.get_span_context()
            if context is not None and context.trace_flags.sampled:
                self._pipeline.put(span, journal.take(context.trace_id, context.span_id))
        except Exception as error:  # noqa: BLE001 - telemetry never breaks the program; the loss is counted
            self._pipeline.count_internal(type(error).__name__)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait until every span that ended before this call is delivered.

        Args:
            timeout_millis: The longest wait, in milliseconds.

        Returns:
            True when all were delivered; False when the time was over or the sink failed meanwhile.
        """
        return self.begin_flush().wait(timeout_millis / 1000)

    def begin_flush(self) -> FlushRequest:
        """Have everything queued before this call delivered; returns at once with what can be waited for."""
        return self._pipeline.begin_flush()

    def begin_shutdown(self) -> None:
        """Take no more spans and let the worker finish; returns at once. `shutdown` then waits."""
        token, self._token = self._token, None
        if token is not None:
            journal.detach(token)
        self._pipeline.begin_close()

    def shutdown(self, timeout_s: float | None = None) -> None:
        """Deliver what is queued and close the sink; a second call does nothing.

        Args:
            timeout_s: The longest wait, in seconds; None means that of the exit: 5 for a bounded queue, 30 for one
                that never drops. What is queued then is counted as dropped; a delivery under way is left to the
                daemon thread.
        """
        if timeout_s is None:
            timeout_s = LOCAL_S if self.never_drops else REMOTE_S
        self.begin_shutdown()
        if self._pipeline.close(timeout_s):
            forget_at_exit(self)

    def health(self) -> SinkHealth:
        """Return what the sink has done so far."""
        return self._pipeline.health()
