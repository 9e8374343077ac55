"""The blocking driver: every awaitable is done when it is given."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Lock
from time import sleep as pause
from typing import Any

from ...tracing.callbacks.run_managers import RunManager, manager_of
from ...tracing.scope import RunScope
from ..exceptions import AsyncOnlyError
from .config import RunnableConfig, child_config, ensure_config, visible_config
from .frames import hidden
from .io import Io, Place, Step, StreamedStep
from .threads import DEFAULT_CONCURRENCY, submit
from .unhooked import unhooked

__all__ = [
    "AsAsync",
    "AsBlocking",
    "BlockingIo",
    "close_blocking",
    "finish_now",
    "next_now",
    "pause",
    "run_as_completed",
    "run_jobs",
]

_END = object()


@hidden
def finish_now(coroutine: Coroutine[Any, Any, Any] | Any) -> Any:
    """Return the result of an awaitable that never waits.

    Args:
        coroutine: A coroutine, or what `__anext__` of an async generator returns.

    Raises:
        AsyncOnlyError: If it waits: the step works on an event loop only.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AsyncOnlyError("A step waited for an event loop in a blocking call; call it with ainvoke, astream or abatch.")


@hidden
def next_now(generator: Any) -> Any:
    """Return the next chunk of an async generator that never waits.

    Raises:
        StopAsyncIteration: At its end.
    """
    return finish_now(generator.__anext__())


def close_blocking(stream: object) -> None:
    """Close an iterator, a blocking stream or an async generator that never waits; others are left alone."""
    close = getattr(stream, "close", None)
    if close is not None:
        close()
        return
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        finish_now(aclose())


class AsAsync:
    """A blocking iterator as an async one that never waits.

    Args:
        source: The iterator.
    """

    __slots__ = ("source",)

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source

    def __aiter__(self) -> AsAsync:
        return self

    @hidden
    async def __anext__(self) -> Any:
        chunk = next(self.source, _END)
        if chunk is _END:
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Close the iterator, if it can be closed."""
        close_blocking(self.source)


class AsBlocking:
    """An async iterator that never waits, as a blocking one.

    Args:
        source: The async iterator.
    """

    __slots__ = ("source",)

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> AsBlocking:
        return self

    @hidden
    def __next__(self) -> Any:
        try:
            return finish_now(self.source.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close the async iterator, if it can be closed."""
        close_blocking(self.source)


class BlockingIo:
    """What the body of a run may do under a blocking call.

    Args:
        scope: The run.
    """

    __slots__ = ("scope",)

    blocking = True
    """True: awaitables are done when given."""

    def __init__(self, scope: RunScope) -> None:
        self.scope = scope

    @property
    def manager(self) -> RunManager:
        """The manager that user code inside this run gets."""
        return manager_of(self.scope, blocking=True)  # type: ignore[return-value]  # blocking gives RunManager

    def config(self, tag: str | None = None) -> RunnableConfig:
        """Return a complete config for a child, as user code may look at it."""
        return visible_config(self.scope, tag)

    @hidden
    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what user code returns."""
        return function(*args, **kwargs)

    @hidden
    async def invoke(self, step: Step, value: Any, tag: str | None = None, /, **kwargs: Any) -> Any:
        """Run a step as a child of this run and return its output."""
        return step.invoke(value, self._config_for(step, tag), **kwargs)

    def stream(self, step: StreamedStep, value: Any, place: Place = None, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Run a step over one input as a child of this run and return its chunks."""
        made: AsyncIterator[Any] = AsAsync(step.stream(value, self._config_for(step, place), **kwargs))
        return made

    def transform(
        self, step: Step, chunks: AsyncIterator[Any], tag: Place = None, /, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Run a step over a stream as a child of this run and return its chunks."""
        source = chunks.source if type(chunks) is AsAsync else AsBlocking(chunks)
        return AsAsync(step.transform(source, self._config_for(step, tag), **kwargs))

    def _config_for(self, step: Step, tag: Place) -> RunnableConfig:
        if tag is not None and not isinstance(tag, str):
            return tag if getattr(step, "takes_child_config", False) else ensure_config(tag)
        if getattr(step, "takes_child_config", False):
            return child_config(self.scope, tag)
        return visible_config(self.scope, tag)

    @unhooked
    async def iterate(self, make: Callable[[], Any]) -> AsyncIterator[Any]:
        """Yield what user code yields."""
        source = iter(make())
        try:
            for chunk in source:
                yield chunk
        finally:
            close_blocking(source)

    async def gather(self, jobs: Sequence[Callable[[Io], Awaitable[Any]]], limit: int | None) -> list[Any]:
        """Run jobs in worker threads and return their results in order."""
        if len(jobs) == 1 or limit == 1:
            return [await job(self) for job in jobs]
        return run_jobs([_Job(job, self) for job in jobs], limit)

    def merge(self, streams: Mapping[str, AsyncIterator[Any]]) -> AsyncIterator[tuple[str, Any]]:
        """Yield the chunks of several streams as they come; each is read by one worker thread at a time."""
        return _merged(streams, self.scope.config.get("max_concurrency"))

    def tee(self, chunks: AsyncIterator[Any], count: int) -> list[AsyncIterator[Any]]:
        """Return iterators that each give all the chunks, in whichever thread they are read."""
        shared = _Shared(chunks, count)
        return [shared.branch(place) for place in range(count)]

    def ahead(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return the stream as it is."""
        return stream

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        pause(seconds)  # noqa: ASYNC251 - driven blocking: there is no loop to hold up

    async def close(self, *streams: object) -> None:
        """Close streams that will not be read on."""
        for stream in streams:
            close_blocking(stream)


class _Job:
    """One coroutine function to be finished in a worker thread."""

    __slots__ = ("io", "job")

    def __init__(self, job: Callable[[Io], Awaitable[Any]], io: BlockingIo) -> None:
        self.job, self.io = job, io

    def __call__(self) -> Any:
        return finish_now(self.job(self.io))


def run_jobs(jobs: Sequence[Callable[[], Any]], limit: int | None) -> list[Any]:
    """Return the results of the jobs, in order; they run in this thread and in workers that take them in turn.

    After a failure no further job is begun; those that run are waited for, then the first failure is raised. An
    interrupt of this thread is raised at once.

    Args:
        jobs: What to run; each in a context of its own.
        limit: How many at once; None for the default.
    """
    results: list[Any] = [None] * len(jobs)
    turns = iter(range(len(jobs)))
    failures: list[BaseException] = []
    context = copy_context()

    def work() -> None:
        while not failures:
            place = next(turns, None)
            if place is None:
                return
            try:
                results[place] = context.copy().run(jobs[place])
            except BaseException as exc:  # noqa: BLE001 - raised again below
                failures.append(exc)

    helpers = [submit(work) for _ in range(min(limit or DEFAULT_CONCURRENCY, len(jobs)) - 1)]
    work()
    if failures and not isinstance(failures[0], Exception):
        raise failures[0]
    for helper in helpers:
        helper.result()
    if failures:
        raise failures[0]
    return results


def run_as_completed(
    jobs: Sequence[Callable[[], Any]], limit: int | None
) -> Iterator[tuple[int, Any, Exception | None]]:
    """Yield each job's place, result and exception, in the order in which they finish in their worker threads.

    Left early, no further job is begun; those that run are waited for.

    Args:
        jobs: What to run.
        limit: How many at once; None for the default.
    """
    arrived: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()

    def run(place: int, job: Callable[[], Any]) -> None:
        try:
            arrived.put((place, job(), None))
        except BaseException as exc:  # noqa: BLE001 - told to the reader
            arrived.put((place, None, exc))

    left = iter(enumerate(jobs))
    running = 0
    try:
        while True:
            while running < max(1, limit or DEFAULT_CONCURRENCY) and (job := next(left, None)) is not None:
                submit(run, *job)
                running += 1
            if not running:
                return
            place, result, error = arrived.get()
            running -= 1
            if error is not None and not isinstance(error, Exception):
                raise error
            yield place, result, error
    finally:
        for _ in range(running):
            arrived.get()


@unhooked
async def _merged(streams: Mapping[str, AsyncIterator[Any]], limit: int | None) -> AsyncIterator[tuple[str, Any]]:
    """Yield chunks as they come, asking each stream for one at a time, from a worker thread."""
    context = copy_context()
    idle = deque(streams.items())
    wanted = max(1, limit or len(streams))
    arrived: SimpleQueue[tuple[str, Any, BaseException | None]] = SimpleQueue()

    def ask(key: str, stream: AsyncIterator[Any]) -> None:
        try:
            arrived.put((key, next_now(stream), None))
        except StopAsyncIteration:
            arrived.put((key, _END, None))
        except BaseException as exc:  # noqa: BLE001 - raised again by the reader
            arrived.put((key, _END, exc))

    asked = 0
    try:
        while idle or asked:
            while idle and asked < wanted:
                context.copy().run(partial(submit, ask, *idle.popleft()))
                asked += 1
            key, chunk, error = arrived.get()
            asked -= 1
            if error is not None:
                raise error
            if chunk is not _END:
                yield key, chunk
                idle.append((key, streams[key]))
    finally:
        for _ in range(asked):
            arrived.get()
        for stream in streams.values():
            close_blocking(stream)


class _Shared:
    """A stream read once and given to several readers."""

    def __init__(self, source: AsyncIterator[Any], count: int) -> None:
        self.source = source
        self.lock = Lock()
        self.buffers: list[deque[Any]] = [deque() for _ in range(count)]
        self.open = count

    @unhooked
    async def branch(self, place: int) -> AsyncIterator[Any]:
        buffer = self.buffers[place]
        try:
            while True:
                with self.lock:
                    if not buffer:
                        try:
                            chunk = next_now(self.source)
                        except StopAsyncIteration:
                            return
                        for other in self.buffers:
                            other.append(chunk)
                    chunk = buffer.popleft()
                yield chunk
        finally:
            with self.lock:
                self.open -= 1
                last = self.open == 0
            if last:
                close_blocking(self.source)
