"""A recorder of spans for tests: every span as it ended, with its journal, as a list, a tree or records.

with SpanRecorder() as spans:
    chain.invoke(1)
assert spans.tree() == [("RunnableSequence", [("first", []), ("second", [])])]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler

from ..exporters.provider import RunIdGenerator
from ..tracing import drain, journal, otel
from ..tracing.events.replay import replay
from ..tracing.names import OUTCOME, RUN_NAME

__all__ = ["RecordedSpan", "SpanRecorder"]


@dataclass(frozen=True)
class RecordedSpan:
    """A span as it ended.

    Args:
        span: The span.
        journal: Its run's journal, or None.
    """

    span: ReadableSpan
    journal: str | None

    @property
    def name(self) -> str:
        """The run's name, or the span's where it is no run's."""
        return str(self.attributes.get(RUN_NAME, self.span.name))

    @property
    def attributes(self) -> dict[str, Any]:
        """Its attributes."""
        return dict(self.span.attributes or {})

    @property
    def outcome(self) -> str | None:
        """How its run ended."""
        outcome = self.attributes.get(OUTCOME)
        return None if outcome is None else str(outcome)

    @property
    def span_id(self) -> int:
        """Its id."""
        context = self.span.get_span_context()
        return 0 if context is None else context.span_id

    @property
    def trace_id(self) -> int:
        """Its trace's id."""
        context = self.span.get_span_context()
        return 0 if context is None else context.trace_id

    @property
    def parent_id(self) -> int | None:
        """The id of its parent span."""
        return None if self.span.parent is None else self.span.parent.span_id


class SpanRecorder(SpanProcessor):
    """Records every span that ends while it is open, from a tracer provider of its own.

    Args:
        level: The capture level of the journals: structure, content or chunks.
        sampler: The provider's sampler; all spans are kept when not given.
    """

    def __init__(self, level: str = "chunks", sampler: Sampler | None = None) -> None:
        self.level = level
        self.provider = TracerProvider(sampler=sampler, id_generator=RunIdGenerator(), resource=Resource({}))
        self.provider.add_span_processor(self)
        self.started = 0
        self._spans: list[RecordedSpan] = []
        self._token: object = None

    def __enter__(self) -> SpanRecorder:
        self._token = journal.attach(self.level)
        otel.use_provider(self.provider)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        drain()
        journal.detach(self._token)
        otel.use_provider(None)

    def __iter__(self) -> Iterator[RecordedSpan]:
        return iter(self.spans)

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def spans(self) -> list[RecordedSpan]:
        """The spans in the order in which they ended; runs whose stream was collected are ended first."""
        drain()
        return list(self._spans)

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Count a span that starts."""
        self.started += 1

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span that ends."""
        context = span.get_span_context()
        kept = None if context is None else journal.take(context.trace_id, context.span_id)
        self._spans.append(RecordedSpan(span, None if kept is None else kept.text(self.level)))

    def clear(self) -> None:
        """Forget what was recorded."""
        self._spans.clear()
        self.started = 0

    def one(self, name: str) -> RecordedSpan:
        """Return the only span of that name.

        Args:
            name: The run's name.

        Raises:
            LookupError: If there is none, or more than one.
        """
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are named {name!r}; there are {[s.name for s in self.spans]}.")
        return found[0]

    def tree(self) -> list[Any]:
        """Return the names as a tree: a list of (name, children), children in the order in which they started."""
        spans = sorted(self.spans, key=lambda recorded: recorded.span.start_time or 0)
        ids = {recorded.span_id for recorded in spans}

        def below(parent: int | None) -> list[Any]:
            return [(s.name, below(s.span_id)) for s in spans if s.parent_id == parent]

        return [
            (recorded.name, below(recorded.span_id))
            for recorded in spans
            if recorded.parent_id is None or recorded.parent_id not in ids
        ]

    def outcomes(self) -> dict[str, str | None]:
        """Return how the run of each name ended; the last one of a name counts."""
        return {recorded.name: recorded.outcome for recorded in self.spans}

    def records(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the records replayed from what was recorded.

        Args:
            filters: As for `CallbackManager.records`.
        """
        return list(replay(self.spans, **filters))
