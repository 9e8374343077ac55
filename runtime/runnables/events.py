"""The live streams of a runnable's events and log: it runs in a task of its own, what happens is read here.

When the consumer leaves, the task is cancelled and waited for: its runs end as abandoned. When the run fails, the
records before the failure are delivered, then the exception is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, cast

from ...tracing.callbacks.manager import AsyncCallbackManager
from ...tracing.events.filters import Filters
from ...tracing.events.log import LogStream, RootStream, RunLog, RunLogPatch
from ...tracing.events.stream import EventStream
from ...tracing.events.version_one import VersionOneStream
from ...tracing.scope import ABANDONED, Parent
from .base import Runnable
from .config import RunnableConfig, resolve
from .io_streams import close_on_loop

__all__ = ["stream_events", "stream_log"]

_SixFilters = tuple[Sequence[str] | None, ...]
_Call = tuple[Runnable[Any, Any], Any, RunnableConfig | None, Mapping[str, Any]]


def stream_events(
    runnable: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    filters: _SixFilters,
    kwargs: Mapping[str, Any],
    *,
    version: str = "v2",
    errors: bool = False,
    timing: bool = False,
) -> AsyncIterator[dict[str, Any]]:
    """Return the records of the runnable's run; it starts with the first one asked for.

    Args:
        runnable: What runs.
        input: Its input.
        config: The config of the call.
        filters: The six filters.
        kwargs: Passed on to the work.
        version: v1 or v2.
        errors: Whether runs that end otherwise than well have a record of that; version 2 only.
        timing: Whether records tell their time and number; version 2 only.

    Raises:
        FilterError: If a filter is not a list of strings.
    """
    wanted, call = Filters(*filters), (runnable, input, config, kwargs)
    if version == "v1":
        return _version_one(call, wanted)
    return _streamed(call, lambda: EventStream(wanted, input, errors, timing))


def stream_log(
    runnable: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    filters: _SixFilters,
    kwargs: Mapping[str, Any],
    *,
    diff: bool = True,
    with_streamed_output_list: bool = True,
) -> AsyncIterator[RunLogPatch] | AsyncIterator[RunLog]:
    """Return the log of the runnable's run; it starts with the first patch asked for.

    Args:
        runnable: What runs.
        input: Its input.
        config: The config of the call.
        filters: The six filters.
        kwargs: Passed on to the work.
        diff: Whether to give each change, or each time the whole log.
        with_streamed_output_list: Whether what the root yields is listed too.

    Raises:
        FilterError: If a filter is not a list of strings.
    """
    wanted = Filters(*filters)
    patches = _streamed((runnable, input, config, kwargs), lambda: LogStream(wanted, with_streamed_output_list))
    return patches if diff else _summed(patches)


async def _summed(patches: AsyncIterator[RunLogPatch]) -> AsyncIterator[RunLog]:
    log = RunLog(state=None)
    try:
        async for patch in patches:
            log = log + patch
            yield log
    finally:
        await close_on_loop(patches)


async def _version_one(call: _Call, filters: Filters) -> AsyncIterator[dict[str, Any]]:
    made: list[VersionOneStream] = []

    def make() -> VersionOneStream:
        made.append(VersionOneStream(filters, call[1]))
        return made[0]

    records = _streamed(call, make)
    try:
        async for record in records:
            yield record
    finally:
        await close_on_loop(records)
    last = made[0].last()
    if last is not None:
        yield last


async def _streamed(call: _Call, make: Callable[[], EventStream]) -> AsyncIterator[Any]:
    runnable, input, config, kwargs = call
    stream = make()
    callbacks, merged = resolve(config)
    manager = (
        AsyncCallbackManager.of(callbacks)
        if isinstance(callbacks, Parent)
        else AsyncCallbackManager.configure(callbacks)
    )
    tapped = cast(RunnableConfig, {**merged, "callbacks": manager.with_stream(stream)})
    producer = asyncio.ensure_future(_produced(runnable.astream(input, tapped, **kwargs), stream))
    producer.add_done_callback(stream.end)
    records = stream.records()
    message: str | None = ABANDONED
    try:
        async for record in records:
            yield record
        await producer
    except asyncio.CancelledError as exc:
        message = ABANDONED if ABANDONED in exc.args else None
        raise
    finally:
        await records.aclose()
        stream.end()
        producer.cancel(message)
        await asyncio.gather(producer, return_exceptions=True)


async def _produced(chunks: AsyncIterator[Any], stream: EventStream) -> None:
    if not isinstance(stream, RootStream):
        async for _ in chunks:
            pass
        return
    async for chunk in chunks:
        stream.gave(chunk)
        await stream.room()
