"""What `configure` returns: the way to flush, to shut down, and to see what happened to the spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from ..tracing import drain
from .health import SinkHealth

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from .processor import JournalProcessor

__all__ = ["Tracing"]


class Tracing:
    """The destinations of one `configure` call. As a context manager it shuts down at the end of the block.

    Args:
        provider: The tracer provider in use.
        processors: The processors of all destinations asked for.
        added: Those of them that this call added, which this handle shuts down.
        release: Is called once after the shutdown.
    """

    def __init__(
        self,
        provider: TracerProvider,
        processors: Sequence[JournalProcessor] = (),
        added: Sequence[JournalProcessor] = (),
        release: Callable[[], None] | None = None,
    ) -> None:
        self._provider = provider
        self._processors = tuple(processors)
        self._added = tuple(added)
        self._release = release

    @property
    def provider(self) -> TracerProvider:
        """The tracer provider in use: the one given, the application's, or ours."""
        return self._provider

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until every span that ended before this call is delivered to every destination.

        All destinations are asked at once, so a dead one takes no time from the others.

        Args:
            timeout_s: The longest wait for all of them together, in seconds.

        Returns:
            True when all were delivered; False when the time was over or a destination failed meanwhile.
        """
        drain()
        deadline = time.monotonic() + timeout_s
        requests = [processor.begin_flush() for processor in self._processors]
        answers = [request.wait(deadline - time.monotonic()) for request in requests]
        return all(answers)

    def shutdown(self, timeout_s: float = 10.0) -> None:
        """Deliver what is queued and close the destinations that this call added. A second call does nothing.

        Args:
            timeout_s: The longest wait for all of them together, in seconds. What is queued then is counted as dropped.
        """
        drain()
        deadline = time.monotonic() + timeout_s
        for processor in self._added:
            processor.begin_shutdown()
        for processor in self._added:
            processor.shutdown(max(0.0, deadline - time.monotonic()))
        release, self._release = self._release, None
        if release is not None:
            release()

    def health(self) -> dict[str, SinkHealth]:
        """Return what has happened to the spans of this process, by destination."""
        return {processor.destination: processor.health() for processor in self._processors}

    def __enter__(self) -> Tracing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
