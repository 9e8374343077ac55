"""The event-loop driver: bodies are awaited, blocking user code runs in worker threads."""

from __future__ import annotations

import asyncio
import inspect
from asyncio import sleep as pause
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from threading import Semaphore
from types import coroutine
from typing import Any

from ...tracing.callbacks.run_managers import AsyncRunManager, manager_of
from ...tracing.scope import ABANDONED, RunScope
from .config import RunnableConfig, child_config, ensure_config, visible_config
from .frames import hidden
from .io import Io, Place, Step, StreamedStep
from .io_streams import Ahead, Shared, close_on_loop, merged
from .threads import start
from .unhooked import unhooked

__all__ = [
    "LoopIo",
    "ThreadedIteration",
    "gather_tasks",
    "in_context",
    "in_thread",
    "is_async",
    "pause",
    "run_in_executor",
    "tasks_as_completed",
    "thread_future",
]

_END = object()

_LOOK_UP_S = 1.0
"""How often a thread that waits for its reader looks whether the reader's loop is still there, in seconds."""


@hidden
@coroutine
def in_context(context: Context, awaitable: Any) -> Generator[Any, Any, Any]:
    """Await inside a context that stays entered only while code runs, never across a wait.

    So whatever the code sets is still set at its next step, in whichever task that happens, and nothing leaks out.

    Args:
        context: The context.
        awaitable: A coroutine, or what `__anext__` or `aclose` of an async generator returns.
    """
    run, send = context.run, awaitable.send
    try:
        waiting = run(send, None)
    except StopIteration as done:
        return done.value
    while True:
        try:
            sent = yield waiting
        except BaseException as exc:  # noqa: BLE001 - thrown into the code that waits
            try:
                waiting = run(awaitable.throw, exc)
            except StopIteration as done:
                return done.value
        else:
            try:
                waiting = run(send, sent)
            except StopIteration as done:
                return done.value


@hidden
async def in_thread(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what blocking code returns, run in a worker thread in a copy of this context.

    A cancelled waiter leaves at once; the function itself runs on, its result unseen.
    """
    return await thread_future(function, *args, **kwargs)


async def run_in_executor(
    executor_or_config: Executor | RunnableConfig | None, func: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """Return what a blocking function returns, run beside the loop in a copy of this context.

    Args:
        executor_or_config: What runs it; a worker thread of the runtime where it is a config or None.
        func: The function.
        args: Its arguments.
        kwargs: Its named arguments.

    Raises:
        RuntimeError: If the function raises StopIteration, which no future can carry.
    """
    if not isinstance(executor_or_config, Executor):
        return await in_thread(func, *args, **kwargs)

    def call() -> Any:
        try:
            return func(*args, **kwargs)
        except StopIteration as err:
            raise RuntimeError("A function raised StopIteration, which cannot leave a worker thread.") from err

    return await asyncio.get_running_loop().run_in_executor(executor_or_config, partial(copy_context().run, call))


def thread_future(function: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
    """Start blocking code in a worker thread, in a copy of this context, and return its future."""
    context = copy_context()
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def job() -> Callable[[], object]:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function, *args, **kwargs)
        except StopIteration as exc:
            error = RuntimeError("A function raised StopIteration, which cannot leave a worker thread.")
            error.__cause__ = exc
        except BaseException as exc:  # noqa: BLE001 - the future carries it
            error = exc
        return partial(_tell, loop, future, result, error)

    start(job)
    return future


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: Any, error: BaseException | None
) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class LoopIo:
    """What the body of a run may do on an event loop.

    Args:
        scope: The run.
    """

    __slots__ = ("scope",)

    blocking = False
    """False: awaitables may wait."""

    def __init__(self, scope: RunScope) -> None:
        self.scope = scope

    @property
    def manager(self) -> AsyncRunManager:
        """The manager that user code inside this run gets."""
        return manager_of(self.scope, blocking=False)  # type: ignore[return-value]  # not blocking gives AsyncRunManager

    def config(self, tag: str | None = None) -> RunnableConfig:
        """Return a complete config for a child, as user code may look at it."""
        return visible_config(self.scope, tag, blocking=False)

    @hidden
    async def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what user code returns; blocking code runs in a worker thread."""
        if is_async(function):
            return await function(*args, **kwargs)
        return await in_thread(function, *args, **kwargs)

    @hidden
    async def invoke(self, step: Step, value: Any, tag: str | None = None, /, **kwargs: Any) -> Any:
        """Run a step as a child of this run and return its output."""
        return await step.ainvoke(value, self._config_for(step, tag), **kwargs)

    def stream(self, step: StreamedStep, value: Any, place: Place = None, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Run a step over one input as a child of this run and return its chunks."""
        made: AsyncIterator[Any] = step.astream(value, self._config_for(step, place), **kwargs)
        return made

    def transform(
        self, step: Step, chunks: AsyncIterator[Any], tag: Place = None, /, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Run a step over a stream as a child of this run and return its chunks."""
        made: AsyncIterator[Any] = step.atransform(chunks, self._config_for(step, tag), **kwargs)
        return made

    def _config_for(self, step: Step, tag: Place) -> RunnableConfig:
        if tag is not None and not isinstance(tag, str):
            return tag if getattr(step, "takes_child_config", False) else ensure_config(tag)
        if getattr(step, "takes_child_config", False):
            return child_config(self.scope, tag)
        return visible_config(self.scope, tag, blocking=False)

    def iterate(self, make: Callable[[], Any]) -> AsyncIterator[Any]:
        """Return what user code yields; a blocking iterator is read in a worker thread."""
        return _iterated(make)

    async def gather(self, jobs: Sequence[Callable[[Io], Awaitable[Any]]], limit: int | None) -> list[Any]:
        """Run jobs as tasks and return their results in order."""
        if len(jobs) == 1:
            return [await jobs[0](self)]
        return await gather_tasks([lambda job=job: job(self) for job in jobs], limit)  # type: ignore[misc]

    def merge(self, streams: Mapping[str, AsyncIterator[Any]]) -> AsyncIterator[tuple[str, Any]]:
        """Yield the chunks of several streams as they come; each is asked for one at a time."""
        return merged(streams, self.scope.config.get("max_concurrency"))

    def tee(self, chunks: AsyncIterator[Any], count: int) -> list[AsyncIterator[Any]]:
        """Return iterators that each give all the chunks, in whichever task they are read."""
        shared = Shared(chunks, count)
        return [shared.branch(place) for place in range(count)]

    def ahead(self, stream: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Return the stream; its first chunk is asked for at once."""
        return Ahead(stream)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await pause(seconds)

    async def close(self, *streams: object) -> None:
        """Close streams that will not be read on."""
        for stream in streams:
            await close_on_loop(stream)


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling it gives an awaitable, also for partials and objects with an async `__call__`."""
    function = inspect.unwrap(function) if hasattr(function, "__wrapped__") else function
    while (inner := getattr(function, "func", None)) is not None:  # a partial
        function = inner
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


@unhooked
async def _iterated(make: Callable[[], Any]) -> AsyncIterator[Any]:
    made = make()
    source: Any = made if hasattr(made, "__aiter__") else ThreadedIteration(lambda: made)
    try:
        async for chunk in source:
            yield chunk
    finally:
        await close_on_loop(source)


async def gather_tasks(jobs: Sequence[Callable[[], Awaitable[Any]]], limit: int | None) -> list[Any]:
    """Return the results of the jobs, run as tasks, in order.

    On the first failure, or when the caller is cancelled, the others are cancelled and waited for.

    Args:
        jobs: What to run.
        limit: How many at once; None for all.
    """
    results: list[Any] = [None] * len(jobs)
    turns = iter(range(len(jobs)))
    context = copy_context()

    async def work() -> None:
        for place in turns:
            results[place] = await in_context(context.copy(), jobs[place]())

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(work()) for _ in range(min(limit or len(jobs), len(jobs)))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    except BaseException as exc:
        message = ABANDONED if ABANDONED in exc.args else None
        for task in tasks:
            task.cancel(message)
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    return results


async def tasks_as_completed(
    jobs: Sequence[Callable[[], Awaitable[Any]]], limit: int | None
) -> AsyncIterator[tuple[int, Any, Exception | None]]:
    """Yield each job's place, result and exception, in the order in which they finish as tasks.

    Left early, the others are cancelled and waited for.

    Args:
        jobs: What to run.
        limit: How many at once; None for all.
    """
    gate = asyncio.Semaphore(limit or len(jobs) or 1)
    arrived: asyncio.Queue[tuple[int, Any, BaseException | None]] = asyncio.Queue()

    async def run(place: int, job: Callable[[], Awaitable[Any]]) -> None:
        try:
            async with gate:
                result = await job()
        except BaseException as exc:  # noqa: BLE001 - told to the reader
            arrived.put_nowait((place, None, exc))
        else:
            arrived.put_nowait((place, result, None))

    tasks = [asyncio.get_running_loop().create_task(run(place, job)) for place, job in enumerate(jobs)]
    message: str | None = ABANDONED
    try:
        for _ in tasks:
            place, result, error = await arrived.get()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield place, result, error
    except asyncio.CancelledError as exc:
        message = ABANDONED if ABANDONED in exc.args else None
        raise
    finally:
        for task in tasks:
            task.cancel(message)
        await asyncio.gather(*tasks, return_exceptions=True)


class ThreadedIteration:
    """A blocking iterator read by one worker thread for its whole life, as an async iterator.

    At most `AHEAD` chunks are read ahead. Closing lets the thread close the iterator and leave.

    Args:
        make: Called in the thread; returns the iterator.
    """

    AHEAD = 8
    """How many chunks may wait for the reader."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make
        self._arrived: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()
        self._permits = Semaphore(self.AHEAD)
        self._closed = False
        self._thread: asyncio.Future[None] | None = None

    def __aiter__(self) -> ThreadedIteration:
        return self

    async def __anext__(self) -> Any:
        if self._closed:
            raise StopAsyncIteration
        if self._thread is None:
            self._thread = thread_future(self._read, asyncio.get_running_loop())
        chunk, error = await self._arrived.get()
        self._permits.release()
        if chunk is _END:
            self._closed = True
            if error is not None:
                raise error
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Stop reading, close the iterator and wait for the thread."""
        self._closed = True
        self._permits.release()
        if self._thread is not None:
            await self._thread

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        error: BaseException | None = None
        source: Any = None
        try:
            source = iter(self._make())
            while True:
                while not self._permits.acquire(timeout=_LOOK_UP_S) and not loop.is_closed():
                    pass
                if self._closed or loop.is_closed():
                    break
                chunk = next(source, _END)
                if chunk is _END:
                    break
                loop.call_soon_threadsafe(self._arrived.put_nowait, (chunk, None))
        except BaseException as exc:  # noqa: BLE001 - raised again by the reader
            error = exc
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._arrived.put_nowait, (_END, error))
