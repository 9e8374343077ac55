"""What a sink has done so far, in numbers.

Every span that ends while a sink is configured is, at any moment, in exactly one of these: exported, failed, dropped or
queued. Counts begin at zero in a forked child: they are those of the process that asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["CLOSED", "FULL", "SHUTDOWN", "SinkHealth"]

FULL = "queue_full"
"""Dropped because the bounded queue held as many spans as it may."""

CLOSED = "after_shutdown"
"""Dropped because the span ended after the shutdown."""

SHUTDOWN = "shutdown_timeout"
"""Dropped because the shutdown's time was over before the span's turn came."""


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """The state of one sink.

    Args:
        destination: Where its spans go, such as `store:/home/me/spans.db`.
        exported: Spans that the sink has taken.
        failed: Spans that the sink refused; they are gone.
        dropped: Spans that never reached the sink, by reason (`queue_full`, `after_shutdown`, `shutdown_timeout`).
        queued: Spans that wait, those in the batch under way included.
        last_error: What the last failure said, or None.
    """

    destination: str
    exported: int = 0
    failed: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    queued: int = 0
    last_error: str | None = None

    @property
    def lost(self) -> int:
        """How many spans are gone: failed and dropped together."""
        return self.failed + sum(self.dropped.values())
