"""From the end of a span to its sink: a queue, one daemon thread, small batches.

`put` is all that a program's threads ever do: it appends to a deque and returns. Everything else, rendering the journal
and converting the span included, happens on the worker thread. The worker waits without polling while there is nothing
to do, up to `delay_s` while a batch fills, and not at all while a full batch is ready. A sink that raises is counted
and logged (the first time, then at most every five minutes); the worker goes on with the next batch.

After `os.fork` the child begins with an empty queue, zero counts and its own worker, started at its first span: the
parent's waiting spans are the parent's alone.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import Counter
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from ..tracing import log
from .backlog import Backlog
from .exit import shut_down_with_child
from .health import CLOSED, FULL, SHUTDOWN, SinkHealth
from .span_data import SpanData, from_readable

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from ..tracing.journal import Journal

__all__ = ["BATCH_BYTES", "BATCH_SPANS", "DELAY_S", "FlushRequest", "Pipeline", "Sink"]

BATCH_SPANS = 512
"""The most spans handed to a sink at once."""

BATCH_BYTES = 8 << 20
"""A batch ends early once its journals together are this long, in bytes."""

DELAY_S = 0.2
"""How long a batch may fill, in seconds."""

_LOG_EVERY_S = 300.0
"""Failures of one sink are logged at most this often, in seconds."""


class Sink(Protocol):
    """A place for finished spans. Called from one thread at a time, the worker's."""

    def export(self, spans: list[SpanData]) -> None:
        """Take the spans; return when they are delivered.

        Args:
            spans: One batch, in the order in which the spans ended.

        Raises:
            Exception: The batch was not delivered. A `DeliveryError` may say that only some were not.
        """

    def close(self) -> None:
        """Release files and connections. Called once, after the last batch."""


class FlushRequest:
    """Somebody waits until everything queued so far has been handed on.

    Args:
        failed_before: How many spans had failed when the waiting began.
    """

    __slots__ = ("_answered", "_delivered", "failed_before")

    def __init__(self, failed_before: int = 0) -> None:
        self.failed_before = failed_before
        self._answered = threading.Event()
        self._delivered = False

    def answer(self, *, delivered: bool) -> None:
        """Let the waiting thread go on.

        Args:
            delivered: True when the sink took everything.
        """
        self._delivered = delivered
        self._answered.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the answer.

        Args:
            timeout_s: The longest wait, in seconds.

        Returns:
            True when all was delivered; False when the time was over or the sink failed meanwhile.
        """
        return self._answered.wait(max(timeout_s, 0.0)) and self._delivered


class _Process:
    """What one process owns of a pipeline; a forked child gets a new one."""

    def __init__(self, bound: int | None) -> None:
        self.backlog: Backlog[tuple[ReadableSpan, Journal | None]] = Backlog(bound)
        self.wake: SimpleQueue[FlushRequest | None] = SimpleQueue()
        self.counting = threading.RLock()  # reentrant: a finaliser may count in the middle of counting
        self.worker: threading.Thread | None = None
        self.idle = False
        self.hurried = False
        self.closing = False
        self.abandoned = False
        self.under_way = 0
        self.exported = 0
        self.failed = 0
        self.dropped: Counter[str] = Counter()
        self.last_error: str | None = None


_live: weakref.WeakSet[Pipeline] = weakref.WeakSet()


def _restart_in_child() -> None:
    for pipeline in list(_live):
        pipeline.restart()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_in_child)


class Pipeline:
    """Feeds one sink on a thread of its own.

    Args:
        sink: Where spans go; owned by the pipeline, which closes it.
        destination: The sink's name in `health` and in log lines.
        level: The capture level of the journals: structure, content or chunks.
        max_spans: The queue's bound; None means that nothing is ever dropped for want of room.
        batch_spans: The most spans handed over at once.
        delay_s: How long a batch may fill, in seconds.
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
        self.destination = destination
        self.level = level
        self._sink = sink
        self._max_spans = max_spans
        self._batch_spans = max(1, batch_spans if max_spans is None else min(batch_spans, max_spans))
        self._delay_s = delay_s
        self._logged_at: float | None = None
        self._own = _Process(max_spans)
        _live.add(self)

    def put(self, span: ReadableSpan, journal: Journal | None) -> None:
        """Queue a finished span. Takes no lock, never blocks.

        Args:
            span: A span that has ended.
            journal: The run's journal, if one was kept.
        """
        own = self._own
        if own.closing:
            self._count_dropped(own, CLOSED)
            return
        parent = span.parent
        precious = own.backlog.bound is not None and (
            parent is None or parent.is_remote or span.status.status_code.name == "ERROR"
        )
        if not own.backlog.put((span, journal), precious=precious):
            self._count_dropped(own, FULL)
        if own.worker is None:
            self._start(own)
        elif own.idle:
            own.idle = False
            own.wake.put(None)
        elif not own.hurried and len(own.backlog) >= self._batch_spans:
            own.hurried = True
            own.wake.put(None)

    def begin_flush(self) -> FlushRequest:
        """Have the worker deliver everything queued before this call; returns at once with what can be waited for."""
        own = self._own
        worker = own.worker
        request = FlushRequest(own.failed)
        if worker is None or not worker.is_alive():
            request.answer(delivered=not len(own.backlog))
        elif worker is threading.current_thread():
            request.answer(delivered=False)
        else:
            own.wake.put(request)
        return request

    def begin_close(self) -> None:
        """Take no more spans and let the worker finish; returns at once."""
        self._own.closing = True
        self._own.wake.put(None)

    def close(self, timeout_s: float) -> bool:
        """Deliver what is queued, then close the sink. Does nothing the second time.

        Args:
            timeout_s: The longest wait, in seconds. What is still queued then is counted as dropped.

        Returns:
            True when nothing was left behind.
        """
        own = self._own
        self.begin_close()
        worker = own.worker
        if worker is None:  # no span came, or no thread was to be had: what there is to do is done here
            own.worker = threading.current_thread()
            copy_context().run(self._work, own)
        elif worker is not threading.current_thread():
            worker.join(max(timeout_s, 0.0))
            own.abandoned = worker.is_alive()
        left = own.backlog.clear()
        self._count_dropped(own, SHUTDOWN, left)
        return not left and not own.abandoned

    def health(self) -> SinkHealth:
        """Return the counts of this process."""
        own = self._own
        with own.counting:
            return SinkHealth(
                destination=self.destination,
                exported=own.exported,
                failed=own.failed,
                dropped=dict(own.dropped),
                queued=len(own.backlog) + own.under_way,
                last_error=own.last_error,
            )

    def count_internal(self, reason: str) -> None:
        """Count a span that was lost before it could be queued.

        Args:
            reason: The key under which `health` shows it.
        """
        self._count_dropped(self._own, reason)

    def restart(self) -> None:
        """Begin anew in a forked child: empty queue, zero counts, no worker yet. A closed pipeline stays closed."""
        closing = self._own.closing
        self._own = _Process(self._max_spans)
        self._own.closing = closing
        self._logged_at = None

    @property
    def never_drops(self) -> bool:
        """True when the queue has no bound."""
        return self._max_spans is None

    @staticmethod
    def _count_dropped(own: _Process, reason: str, spans: int = 1) -> None:
        if spans:
            with own.counting:
                own.dropped[reason] += spans

    def _start(self, own: _Process) -> None:
        with own.counting:
            if own.worker is not None:
                return
            worker = threading.Thread(target=self._work, args=(own,), name="spanloom-export", daemon=True)
            own.worker = worker
            try:
                worker.start()
                shut_down_with_child()
            except RuntimeError:  # no thread to be had; the next span tries again
                own.worker = None

    def _work(self, own: _Process) -> None:
        _suppress_instrumentation()
        while True:
            requests = self._wait(own)
            own.hurried = False
            self._deliver(own, len(own.backlog))
            for request in requests:
                request.answer(delivered=own.failed == request.failed_before and not own.abandoned)
            if own.abandoned or (own.closing and not len(own.backlog)):
                break
        self._close_sink()
        for request in _waiting(own):
            request.answer(delivered=not own.abandoned)

    def _wait(self, own: _Process) -> list[FlushRequest]:
        """Wait until there is a reason to deliver; return who waits for it."""
        requests: list[FlushRequest] = []
        if not own.closing and not len(own.backlog):
            own.idle = True
            if not len(own.backlog):  # asked again: a span that came just before `idle` was set woke nobody
                _collect(requests, own.wake.get())
            own.idle = False
        if not requests and not own.closing and len(own.backlog) < self._batch_spans:
            with suppress(Empty):
                _collect(requests, own.wake.get(timeout=self._delay_s))
        return requests + _waiting(own)

    def _deliver(self, own: _Process, spans: int) -> None:
        """Hand on the oldest spans in batches."""
        while spans > 0 and not own.abandoned:
            batch, taken = self._next_batch(own, min(spans, self._batch_spans))
            if not taken:
                return
            spans -= taken
            failed = taken - len(batch)
            error: BaseException | None = None
            if batch:
                try:
                    self._sink.export(batch)
                except BaseException as raised:  # noqa: BLE001 - whatever a sink raises, the worker lives on
                    error = raised
                    failed += _failed_spans(raised, len(batch))
            with own.counting:
                own.under_way = 0
                own.failed += failed
                own.exported += taken - failed
                if error is not None:
                    own.last_error = f"{type(error).__name__}: {error}"
            if error is not None:
                self._log_failure(error, failed)

    def _next_batch(self, own: _Process, limit: int) -> tuple[list[SpanData], int]:
        """Return the next spans as plain data, and how many left the queue for it."""
        batch: list[SpanData] = []
        taken = size_bytes = 0
        while taken < limit and size_bytes < BATCH_BYTES:
            own.under_way = taken + 1
            item = own.backlog.take()
            if item is None:
                own.under_way = taken
                break
            taken += 1
            try:
                span, journal = item
                text = journal.text(self.level) if journal is not None else None
                batch.append(from_readable(span, text))
                size_bytes += len(text) if text is not None else 0
            except Exception as error:  # noqa: BLE001 - one unreadable span must not take its batch along
                own.last_error = f"{type(error).__name__}: {error}"
                self._log_failure(error, 1)
        return batch, taken

    def _close_sink(self) -> None:
        try:
            self._sink.close()
        except Exception as error:  # noqa: BLE001 - closing fails at most the closing
            self._log_failure(error, 0)

    def _log_failure(self, error: BaseException, spans: int) -> None:
        now = time.monotonic()
        if self._logged_at is not None and now - self._logged_at < _LOG_EVERY_S:
            return
        self._logged_at = now
        log.get("exporters").warning(
            f"{spans} spans were not delivered to {self.destination}: {error} "
            "The program is not affected; further failures are counted in health()."
        )


def _waiting(own: _Process) -> list[FlushRequest]:
    """Return who waits already."""
    requests: list[FlushRequest] = []
    with suppress(Empty):
        while True:
            _collect(requests, own.wake.get_nowait())
    return requests


def _collect(requests: list[FlushRequest], token: FlushRequest | None) -> None:
    if token is not None:
        requests.append(token)


def _failed_spans(error: BaseException, spans: int) -> int:
    failed = getattr(error, "failed_spans", None)
    return min(failed, spans) if isinstance(failed, int) else spans


def _suppress_instrumentation() -> None:
    """Keep instrumented HTTP clients from making spans about sending spans, on this thread."""
    from opentelemetry import context

    key = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation")
    context.attach(context.set_value(key, True))
