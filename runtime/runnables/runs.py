"""Runs that stream: iterators that open a run with the first chunk and end it once, however they are left.

Code of the run is executed in the run's own context, step by step, so nothing stays attached between two chunks. The
first chunk of the input is read before the run starts: what feeds it starts first. Left early, a run ends as abandoned
and closes its upstream; nothing is read to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from ...tracing.abandoned import drain, leave
from ...tracing.callbacks.dispatch import Call, aemit, emit, end_call, error_call, start_call
from ...tracing.run import UNKNOWN
from ...tracing.scope import RunScope
from .config import RunnableConfig
from .frames import hidden, trimmed
from .io import Io, fold
from .io_blocking import BlockingIo, close_blocking, finish_now, without_hooks
from .io_loop import LoopIo, close_on_loop, in_context

__all__ = ["BlockingRun", "Flowing", "LoopRun", "ashielded"]

_END = object()


class Flowing(Protocol):
    """What a streaming run must know of its runnable."""

    streaming: ClassVar[Literal["input", "output", "none"]]

    def opened(self, config: RunnableConfig | None) -> RunScope:
        """Open the run."""
        ...

    def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the output."""
        ...

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the input as records show it."""
        ...

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the chunks of the output as one, as records show it."""
        ...


async def ashielded(handlers: tuple[Any, ...], call: Call) -> None:
    """Call handlers of a run that has ended to their end, also when the task is cancelled meanwhile."""
    await asyncio.shield(asyncio.ensure_future(aemit(handlers, call)))


class _Observed:
    """The input of a streaming run, kept for its end record where somebody needs it.

    Args:
        first: The first chunk, read already.
        source: Where the others come from.
        kept: Where to keep them, or None.
    """

    __slots__ = ("first", "kept", "source")

    def __init__(self, first: Any, source: Any, kept: list[Any] | None) -> None:
        self.first, self.source, self.kept = first, source, kept

    def __aiter__(self) -> _Observed:
        return self

    def keep(self, chunk: Any) -> Any:
        if chunk is _END:
            raise StopAsyncIteration
        if self.kept is not None:
            self.kept.append(chunk)
        return chunk


class _ObservedBlocking(_Observed):
    @hidden
    async def __anext__(self) -> Any:
        chunk, self.first = self.first, None
        if chunk is not None:
            self.__class__ = _RestBlocking
            return self.keep(chunk[0])
        return self.keep(next(self.source, _END))


class _RestBlocking(_ObservedBlocking):
    @hidden
    async def __anext__(self) -> Any:
        return self.keep(next(self.source, _END))


class _ObservedOnLoop(_Observed):
    @hidden
    async def __anext__(self) -> Any:
        chunk, self.first = self.first, None
        if chunk is not None:
            return self.keep(chunk[0])
        chunk = await self.source.__anext__()
        if self.kept is not None:
            self.kept.append(chunk)
        return chunk


class _StreamingRun:
    """What both kinds of streaming runs share."""

    __slots__ = (
        "config",
        "done",
        "flow",
        "inputs",
        "known",
        "kwargs",
        "outputs",
        "raw",
        "runnable",
        "scope",
        "shown",
        "source",
    )

    def __init__(
        self,
        runnable: Flowing,
        source: Any,
        config: RunnableConfig | None,
        kwargs: Mapping[str, Any],
        raw: Any = UNKNOWN,
    ) -> None:
        self.runnable = runnable
        self.source = source
        self.config = config
        self.kwargs = kwargs
        self.raw = raw
        self.known = runnable.streaming == "output"
        self.shown: Any = UNKNOWN
        self.scope: RunScope | None = None
        self.flow: Any = None
        self.inputs: list[Any] | None = None
        self.outputs: list[Any] | None = None
        self.done = False

    def open(self) -> RunScope:
        scope = self.scope = self.runnable.opened(self.config)
        if self.known:
            self.shown = self.runnable.shown_input(self.raw, scope, self.kwargs)
        if scope.observed:
            self.inputs, self.outputs = None if self.known else [], []
        scope.begin(self.shown, self.raw)
        return scope

    def gave(self, scope: RunScope, chunk: Any) -> None:
        if self.outputs is not None:
            self.outputs.append(chunk)
        if not self.known:
            scope.chunk(chunk)

    def results(self, scope: RunScope) -> tuple[Any, Any]:
        if self.outputs is None:
            return None, UNKNOWN
        if self.known:
            return self.runnable.shown_stream(self.outputs, scope), UNKNOWN
        return fold(self.outputs), fold(self.inputs or ())


class BlockingRun(_StreamingRun, Iterator[Any]):
    """A streaming run under a blocking call: an iterator with `close`.

    Args:
        runnable: What runs.
        source: The chunks of its input.
        config: The config of the call.
        kwargs: What the caller passed on.
        raw: What the caller passed, where it is one value.
    """

    __slots__ = ()

    @hidden
    def __next__(self) -> Any:
        scope = self.scope
        try:
            if scope is None:
                if self.done:
                    raise StopIteration
                first = next(self.source, _END)
                scope = self.open()
                if scope.handlers:
                    emit(scope.handlers, start_call(scope, self.shown))
                chunks = _ObservedBlocking(None if first is _END else (first,), self.source, self.inputs)
                self.flow = self.runnable.flow(chunks, BlockingIo(scope), **self.kwargs)
                chunk = scope.context.run(finish_now, without_hooks(self.flow))
            elif self.done:
                raise StopIteration
            else:
                chunk = scope.context.run(finish_now, self.flow.__anext__())
        except StopAsyncIteration:
            self._finish()
            raise StopIteration from None
        except BaseException as exc:
            if scope is None or self.done:
                self.done = True
                raise
            failure = trimmed(exc)
            self._fail(failure)
            if failure is exc:
                raise
            raise failure from None
        self.gave(scope, chunk)
        for tap in scope.taps:
            tap.wait_for_room()
        return chunk

    def close(self) -> None:
        """Leave the stream: the run ends as abandoned, its upstream is closed."""
        if self.done:
            return
        if self.scope is None:
            self.done = True
            close_blocking(self.source)
            return
        try:
            self.scope.context.run(finish_now, self.flow.aclose())
        finally:
            self._fail(GeneratorExit())

    def _finish(self) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        close_blocking(self.source)
        output, late_input = self.results(scope)
        scope.finish(output, late_input)
        if scope.handlers:
            emit(scope.handlers, end_call(scope, output, late_input))

    def _fail(self, error: BaseException) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            close_blocking(self.source)
        finally:
            if scope.fail(error) and scope.handlers:
                emit(scope.handlers, error_call(scope, error))

    def __del__(self) -> None:
        if not self.done and self.scope is not None:
            self.done = True
            leave(partial(_end_blocking, self.runnable, self.source, self.scope, self.flow))


def _end_blocking(runnable: Flowing, source: Any, scope: RunScope, flow: Any) -> None:
    """End a blocking run whose iterator was collected."""
    run = BlockingRun(runnable, source, None, {})
    run.scope, run.flow = scope, flow
    run.close()


class LoopRun(_StreamingRun, AsyncIterator[Any]):
    """A streaming run on an event loop: an async iterator with `aclose`.

    Args:
        runnable: What runs.
        source: The chunks of its input.
        config: The config of the call.
        kwargs: What the caller passed on.
        raw: What the caller passed, where it is one value.
    """

    __slots__ = ("loop",)

    @hidden
    async def __anext__(self) -> Any:
        scope = self.scope
        try:
            if scope is None:
                if self.done:
                    raise StopAsyncIteration
                first = await self._first()
                scope = self.open()
                self.loop = asyncio.get_running_loop()
                if scope.handlers:
                    await aemit(scope.handlers, start_call(scope, self.shown))
                chunks = _ObservedOnLoop(first, self.source, self.inputs)
                self.flow = self.runnable.flow(chunks, LoopIo(scope), **self.kwargs)
            elif self.done:
                raise StopAsyncIteration
            chunk = await in_context(scope.context, self.flow.__anext__())
        except StopAsyncIteration:
            if scope is not None and not self.done:
                await self._finish()
            raise
        except BaseException as exc:
            if scope is None:
                self.done = True
            elif not self.done:
                await self._fail(trimmed(exc))
            raise
        self.gave(scope, chunk)
        for tap in scope.taps:
            if tap.is_full:
                await tap.room()
        return chunk

    async def _first(self) -> tuple[Any] | None:
        try:
            return (await self.source.__anext__(),)
        except StopAsyncIteration:
            return None

    async def aclose(self) -> None:
        """Leave the stream: the run ends as abandoned, its upstream is closed."""
        if self.done:
            return
        if self.scope is None:
            self.done = True
            await close_on_loop(self.source)
            return
        if self.flow is None:
            await self._fail(GeneratorExit())
            return
        try:
            await in_context(self.scope.context, self.flow.aclose())
        finally:
            await self._fail(GeneratorExit())

    async def _finish(self) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        await close_on_loop(self.source)
        output, late_input = self.results(scope)
        scope.finish(output, late_input)
        if scope.handlers:
            await ashielded(scope.handlers, end_call(scope, output, late_input))

    async def _fail(self, error: BaseException) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            await close_on_loop(self.source)
        finally:
            if scope.fail(error) and scope.handlers:
                await ashielded(scope.handlers, error_call(scope, error))

    def __del__(self) -> None:
        if not self.done and self.scope is not None:
            self.done = True
            leave(partial(_end_on_loop, self.runnable, self.source, self.scope, self.flow, self.loop))
            if not self.loop.is_closed():
                self.loop.call_soon_threadsafe(drain)


def _end_on_loop(runnable: Flowing, source: Any, scope: RunScope, flow: Any, loop: asyncio.AbstractEventLoop) -> None:
    """End a run whose async iterator was collected: in its loop while that runs, else here, its code left as it is."""
    run = LoopRun(runnable, source, None, {})
    run.scope, run.flow, run.loop = scope, flow, loop
    if loop.is_running() and not loop.is_closed():
        loop.call_soon_threadsafe(_close_later, loop, run)
        return
    run.done = True
    error = GeneratorExit()
    if scope.fail(error) and scope.handlers:
        emit(scope.handlers, error_call(scope, error))


_closing: set[asyncio.Task[None]] = set()


def _close_later(loop: asyncio.AbstractEventLoop, run: LoopRun) -> None:
    task = loop.create_task(run.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)
