"""What runs share along the tree: what is handed down, where live signals go, and the clock of a root run."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from .run import NO_METADATA, Run, Signal

__all__ = ["NO_FACTS", "NO_HERITAGE", "Heritage", "SpanFacts", "Tap", "Timeline"]


class Tap(Protocol):
    """A live event stream as a scope sees it."""

    def wants(self, run: Run) -> bool:
        """Return whether the stream's filters let this run's events through."""
        ...

    def wants_custom(self, run: Run, name: str) -> bool:
        """Return whether the stream's filters let a custom event of that name through."""
        ...

    def take_raw_input(self) -> Any:
        """Return what the caller passed, to the first run that asks; then `UNKNOWN`."""
        ...

    def put(self, signal: Signal) -> None:
        """Take a signal; never waits, takes no lock of ours, never raises."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether producers should wait."""
        ...

    async def room(self) -> None:
        """Wait on a loop until the consumer has read on."""
        ...

    def wait_for_room(self) -> None:
        """Wait in a worker thread until the consumer has read on."""
        ...


class Heritage:
    """What a run hands down to its children; shared along the tree while nothing is added.

    Args:
        handlers: Inheritable handlers.
        tags: Inheritable tags.
        metadata: Inheritable metadata.
        streams: Live event streams.
    """

    __slots__ = ("handed", "handlers", "metadata", "streams", "tags")

    def __init__(
        self,
        handlers: tuple[Any, ...] = (),
        tags: tuple[str, ...] = (),
        metadata: Mapping[str, Any] = NO_METADATA,
        streams: tuple[Tap, ...] = (),
    ) -> None:
        self.handlers = handlers
        self.tags = tags
        self.metadata = metadata
        self.streams = streams
        self.handed = (tags, metadata)


NO_HERITAGE: Final = Heritage()
"""What a run without parent, handlers, tags and metadata hands down."""


class SpanFacts(NamedTuple):
    """What a run's span says besides what every run's span says.

    Args:
        name: The span's name where a convention names it; else the run's name.
        attributes: More attributes, known at the start.
        kind: internal or client.
    """

    name: str | None = None
    attributes: Mapping[str, Any] = NO_METADATA
    kind: str = "internal"


NO_FACTS: Final = SpanFacts()
"""Nothing besides."""


class Timeline:
    """Numbers and times for the signals of one root run."""

    __slots__ = ("lock", "offset_ns", "seq")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seq = 0
        self.offset_ns = time.time_ns() - time.perf_counter_ns()

    def now_ns(self) -> int:
        """Return the time in nanoseconds since the epoch: wall clock at the root's start plus monotonic time since."""
        return time.perf_counter_ns() + self.offset_ns
