"""Runs that stream: iterators that open a run with the first chunk and end it once, however they are left.

Code of the run is executed in the run's own context, step by step, so nothing stays attached between two chunks. The
first chunk of the input is read before the run starts: what feeds it starts first. Left early, a run ends as abandoned
and closes its upstream; nothing is read to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from ...tracing import log
from ...tracing.abandoned import drain, hold, leave, release
from ...tracing.callbacks.dispatch import Call, aemit, emit, end_call, error_call, start_call
from ...tracing.run import UNKNOWN
from ...tracing.scope import RunScope
from .config import RunnableConfig
from .frames import hidden, trimmed
from .io import Io, fold
from .io_blocking import BlockingIo, close_blocking, finish_now
from .io_loop import LoopIo, in_context
from .io_streams import close_on_loop
from .observed import ObservedBlocking, ObservedOnLoop
from .unhooked import without_hooks

__all__ = ["BlockingRun", "Flowing", "LoopRun", "ashielded"]

_END = object()


class Flowing(Protocol):
    """What a streaming run must know of its runnable."""

    stream_mode: ClassVar[Literal["input", "output", "none"]]

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


class _StreamingRun:
    """What both kinds of streaming runs share."""

    __slots__ = (
        "busy",
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
        self.known = runnable.stream_mode == "output"
        self.shown: Any = UNKNOWN
        self.scope: RunScope | None = None
        self.flow: Any = None
        self.inputs: list[Any] | None = None
        self.outputs: list[Any] | None = None
        self.done = False
        self.busy = False

    def occupy(self, what: str) -> None:
        if self.busy:
            raise RuntimeError(
                f"{what}: the stream is already running; only one caller at a time may read or close it."
            )
        self.busy = True

    def open(self) -> RunScope:
        scope = self.scope = self.runnable.opened(self.config)
        if self.known:
            self.shown = self.runnable.shown_input(self.raw, scope, self.kwargs)
        if self.known:
            self.outputs = []
        elif scope.observed or scope.journal is not None:
            self.inputs, self.outputs = [], []
        scope.begin(self.shown, self.raw)
        return scope

    def gave(self, scope: RunScope, chunk: Any) -> None:
        outputs = self.outputs
        if outputs is not None and (not self.known or not outputs or scope.observed):
            outputs.append(chunk)  # where nobody looks, one tells the class of the whole
        if not self.known:
            scope.chunk(chunk)

    def results(self, scope: RunScope) -> tuple[Any, Any]:
        if self.outputs is None:
            return None, UNKNOWN
        if self.known:
            return self.runnable.shown_stream(self.outputs, scope), UNKNOWN
        told = _told if scope.observed else _typical
        return told(self.outputs), told(self.inputs or ())


def _typical(chunks: Sequence[Any]) -> Any:
    """Return a value of the class that the chunks have as one; for a journal that keeps no more than that."""
    if len({type(chunk) for chunk in chunks}) == 1 and (isinstance(chunks[0], str) or hasattr(chunks[0], "__fold__")):
        return chunks[0]
    return _told(chunks)


def _told(chunks: Sequence[Any]) -> Any:
    """Return chunks as one value for the end record; those that refuse to be added are represented by the last one."""
    try:
        return fold(chunks)
    except Exception as exc:  # noqa: BLE001 - what is told of a stream must not break it
        log.warn_once("runs", f"fold:{type(exc)}", "chunks cannot be added up", error=repr(exc))
        return chunks[-1]


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
        if self.done:
            raise StopIteration
        self.occupy("next()")
        scope = self.scope
        try:
            if scope is None:
                first = next(self.source, _END)
                scope = self.open()
                if scope.handlers:
                    emit(scope.handlers, start_call(scope, self.shown))
                chunks = ObservedBlocking(None if first is _END else (first,), self.source, self.inputs)
                self.flow = self.runnable.flow(chunks, BlockingIo(scope), **self.kwargs)
                chunk = scope.context.run(finish_now, without_hooks(self.flow.__anext__))
            else:
                chunk = scope.context.run(finish_now, self.flow.__anext__())
            self.gave(scope, chunk)
            for tap in scope.taps:
                tap.wait_for_room()
        except StopAsyncIteration:
            self._finish()
            raise StopIteration from None
        except BaseException as exc:
            if self.scope is None:
                self.done = True
                close_blocking(self.source)
            elif not self.done:
                self._fail(trimmed(exc))
            raise
        finally:
            self.busy = False
        return chunk

    def close(self) -> None:
        """Leave the stream: the run ends as abandoned, its upstream is closed.

        Raises:
            RuntimeError: If another thread is reading it.
        """
        if self.done:
            return
        self.occupy("close()")
        if self.flow is None:
            self.done = True
            close_blocking(self.source)
            return
        self._fail(GeneratorExit())

    def _finish(self) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            close_blocking(self.source)
            output, late_input = self.results(scope)
        except BaseException as exc:
            self._fail(exc)
            raise
        if scope.finish(output, late_input) and scope.handlers:
            emit(scope.handlers, end_call(scope, output, late_input))

    def _fail(self, error: BaseException) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            if self.flow is not None:
                scope.context.run(finish_now, self.flow.aclose())
        finally:
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
        if self.done:
            raise StopAsyncIteration
        self.occupy("anext()")
        scope = self.scope
        try:
            if scope is None:
                first = await self._first()
                scope = self.open()
                self.loop = asyncio.get_running_loop()
                if scope.handlers:
                    await aemit(scope.handlers, start_call(scope, self.shown))
                chunks = ObservedOnLoop(first, self.source, self.inputs)
                self.flow = self.runnable.flow(chunks, LoopIo(scope), **self.kwargs)
                chunk = await in_context(scope.context, without_hooks(self.flow.__anext__))
            else:
                chunk = await in_context(scope.context, self.flow.__anext__())
            self.gave(scope, chunk)
            for tap in scope.taps:
                if tap.is_full:
                    await tap.room()
        except StopAsyncIteration:
            await self._finish()
            raise
        except BaseException as exc:
            if self.scope is None:
                self.done = True
                await close_on_loop(self.source)
            elif not self.done:
                await self._fail(trimmed(exc))
            raise
        finally:
            self.busy = False
        return chunk

    async def _first(self) -> tuple[Any] | None:
        try:
            return (await self.source.__anext__(),)
        except StopAsyncIteration:
            return None

    async def aclose(self) -> None:
        """Leave the stream: the run ends as abandoned, its upstream is closed.

        Raises:
            RuntimeError: If another task is reading it.
        """
        if self.done:
            return
        self.occupy("aclose()")
        if self.flow is None:
            self.done = True
            await close_on_loop(self.source)
            return
        await self._fail(GeneratorExit())

    async def _finish(self) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            await close_on_loop(self.source)
            output, late_input = self.results(scope)
        except BaseException as exc:
            await self._fail(exc)
            raise
        if scope.finish(output, late_input) and scope.handlers:
            await ashielded(scope.handlers, end_call(scope, output, late_input))

    async def _fail(self, error: BaseException) -> None:
        self.done = True
        scope = self.scope
        assert scope is not None
        try:
            if self.flow is not None:
                await in_context(scope.context, self.flow.aclose())
        finally:
            try:
                await close_on_loop(self.source)
            finally:
                if scope.fail(error) and scope.handlers:
                    await ashielded(scope.handlers, error_call(scope, error))

    def __del__(self) -> None:
        if not self.done and self.scope is not None:
            self.done = True
            leave(partial(_end_on_loop, self.runnable, self.source, self.scope, self.flow, self.loop))
            with suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(drain)


def _end_on_loop(runnable: Flowing, source: Any, scope: RunScope, flow: Any, loop: asyncio.AbstractEventLoop) -> None:
    """End a run whose async iterator was collected: in its loop while that runs, else here, its code left as it is."""
    run = LoopRun(runnable, source, None, {})
    run.scope, run.flow, run.loop = scope, flow, loop
    if loop.is_closed() or not loop.is_running():
        _end_here(run)
        return
    hold(run, loop.is_closed, partial(_end_here, run))
    if asyncio._get_running_loop() is loop:
        _close_later(run)
        return
    with suppress(RuntimeError):  # closed in between: it is held
        loop.call_soon_threadsafe(_close_later, run)


def _close_later(run: LoopRun) -> None:
    run.loop.create_task(run.aclose()).add_done_callback(partial(_closed, run))


def _closed(run: LoopRun, task: asyncio.Task[None]) -> None:
    """Let go of a run that was closed. One whose task the ending loop cancelled before it began stays held."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.warn_once("abandoned", repr(type(error)), "an abandoned run could not be closed", error=repr(error))
    if run.done:
        release(run)


def _end_here(run: LoopRun) -> None:
    """End the run, and those that feed it, without touching their code."""
    run.done = True
    error, scope, source = GeneratorExit(), run.scope, run.source
    if scope is not None and scope.fail(error) and scope.handlers:
        emit(scope.handlers, error_call(scope, error))
    if isinstance(source, LoopRun) and not source.done:
        _end_here(source)
