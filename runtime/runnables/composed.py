"""Runnables whose every execution is a run: one body, driven blocking or on an event loop.

A subclass writes `body` (whole input) and, where it can stream, `flow` (a stream of input). Each call opens a run,
gives its signals, calls its handlers before the value is returned, and ends the run once on every path.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, Literal, cast

from ...tracing.abandoned import drain, waiting
from ...tracing.callbacks.dispatch import aemit, emit, end_call, error_call, start_call
from ...tracing.callbacks.manager import Callbacks, open_run
from ...tracing.ids import parse_id
from ...tracing.lineage import NO_FACTS, SpanFacts
from ...tracing.scope import RunScope
from ..exceptions import AsyncOnlyError
from .base import Input, Output, Runnable
from .config import RunnableConfig, handed_down, resolve
from .frames import restored, trimmed
from .io import Io, fold, single
from .io_blocking import BlockingIo
from .io_loop import LoopIo, in_context
from .runs import BlockingRun, LoopRun, ashielded

__all__ = ["Composed", "Local"]

Local = tuple[Callbacks, Sequence[str] | None, Mapping[str, Any] | None]
"""Callbacks, tags and metadata that belong to a runnable itself and are not inherited."""


class Composed(Runnable[Input, Output], Generic[Input, Output]):
    """A runnable made of one body."""

    takes_child_config = True

    run_type: ClassVar[str] = "chain"
    """The type of its runs."""

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "input"
    """input: a stream of input reaches `flow` as it comes. output: the input is gathered, `flow` streams the output
    and gives the signals of its chunks itself. none: the input is gathered and the run is an invocation."""

    @abstractmethod
    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the output for one input.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: What the caller passed on.
        """

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the output for a stream of input; here the input is gathered and given to `body`.

        Args:
            chunks: The chunks of the input.
            io: What the run may do.
            kwargs: What the caller passed on.
        """
        gathered = fold([chunk async for chunk in chunks])
        yield await self.body(gathered, io, **kwargs)

    def opened(self, config: RunnableConfig | None) -> RunScope:
        """Open the run of one call and return its scope.

        Args:
            config: The config of the call.
        """
        if waiting():
            drain()
        callbacks, merged = resolve(config)
        given = merged.get("run_id")
        return open_run(
            callbacks,
            merged.get("run_name") or self.get_name(),
            self.run_type,
            merged.get("tags"),
            merged.get("metadata"),
            self.local(),
            None if given is None else parse_id(given),
            handed_down(merged),
            self.span_facts(),
        )

    def local(self) -> Local | None:
        """Return callbacks, tags and metadata of this runnable itself, or None."""
        return None

    def span_facts(self) -> SpanFacts:
        """Return what the span should say besides what every run's span says."""
        return NO_FACTS

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the input as records show it; may leave what hooks get in `scope.details`.

        Args:
            value: The input as the caller passed it.
            scope: The run.
            kwargs: What the caller passed on.
        """
        return value

    def shown_output(self, value: Any, scope: RunScope) -> Any:
        """Return the output as records show it; may leave what hooks get in `scope.details`.

        Args:
            value: What the body returned.
            scope: The run.
        """
        return value

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the chunks of a streamed output as one value, as records show it.

        Args:
            chunks: What `flow` yielded.
            scope: The run.
        """
        return fold(chunks)

    def answer(self, value: Any, scope: RunScope) -> Any:
        """Return what the caller gets for what the body returned.

        Args:
            value: What the body returned.
            scope: The run.
        """
        return value

    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Return the output for one input; the run ends before it is returned.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.

        Raises:
            AsyncOnlyError: If a step works on an event loop only.
            ConfigError: If the config is not a mapping.
        """
        scope = self.opened(config)
        handlers = scope.handlers
        try:
            shown = self.shown_input(input, scope, kwargs)
            scope.begin(shown, input)
            if handlers:
                emit(handlers, start_call(scope, shown))
            coroutine = self.body(input, BlockingIo(scope), **kwargs)
            try:
                scope.context.run(coroutine.send, None)
            except StopIteration as done:
                result = done.value
            else:
                coroutine.close()
                raise AsyncOnlyError(f"{scope.run.name} works on an event loop only; call it with ainvoke.")
            output = self.shown_output(result, scope)
            answer = self.answer(result, scope)
        except BaseException as exc:
            failure = restored(exc)
            if scope.fail(failure) and handlers:
                emit(handlers, error_call(scope, failure))
            if failure is exc:
                raise
            raise failure from failure.__cause__
        if scope.finish(output) and handlers:
            emit(handlers, end_call(scope, output))
        if scope.taps:
            for tap in scope.heritage.streams:
                tap.wait_for_room()
        return cast(Output, answer)

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Return the output for one input, on an event loop; the run ends before it is returned.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.

        Raises:
            ConfigError: If the config is not a mapping.
        """
        scope = self.opened(config)
        handlers = scope.handlers
        try:
            shown = self.shown_input(input, scope, kwargs)
            scope.begin(shown, input)
            if handlers:
                await aemit(handlers, start_call(scope, shown))
            result = await in_context(scope.context, self.body(input, LoopIo(scope), **kwargs))
            output = self.shown_output(result, scope)
            answer = self.answer(result, scope)
        except BaseException as exc:
            failure = trimmed(exc)
            if scope.fail(failure) and handlers:
                await ashielded(handlers, error_call(scope, failure))
            raise
        if scope.finish(output) and handlers:
            await ashielded(handlers, end_call(scope, output))
        if scope.taps:
            for tap in scope.heritage.streams:
                await tap.room()
        return cast(Output, answer)

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """Return an iterator over the output for one input; the run starts with the first chunk asked for.

        Closing it early ends the run as abandoned and closes what it reads from.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode != "none":
            return BlockingRun(self, iter((input,)), config, kwargs, input)
        return super().stream(input, config, **kwargs)

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """Return an async iterator over the output for one input; the run starts with the first chunk asked for.

        Closing it early ends the run as abandoned and closes what it reads from.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode != "none":
            return LoopRun(self, single(input), config, kwargs, input)
        return super().astream(input, config, **kwargs)

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """Return an iterator over the output for a stream of input; the run starts with the first chunk of input.

        Args:
            input: The chunks of the input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode == "input":
            return BlockingRun(self, input, config, kwargs)
        return super().transform(input, config, **kwargs)

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """Return an async iterator over the output for a stream of input.

        Args:
            input: The chunks of the input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode == "input":
            return LoopRun(self, input, config, kwargs)
        return super().atransform(input, config, **kwargs)
