"""The live event stream of a runnable: the runnable runs in a task of its own, its events are read here.

When the consumer leaves, the task is cancelled and waited for: its runs end as abandoned. When the run fails, the
records before the failure are delivered, then the exception is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from ...tracing.callbacks.manager import AsyncCallbackManager
from ...tracing.events.filters import Filters
from ...tracing.events.stream import EventStream
from ...tracing.scope import ABANDONED, Parent
from .base import Runnable
from .config import RunnableConfig, resolve

__all__ = ["stream_events"]

_SixFilters = tuple[Sequence[str] | None, ...]


def stream_events(
    runnable: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    filters: _SixFilters,
    kwargs: Mapping[str, Any],
) -> AsyncIterator[dict[str, Any]]:
    """Return the records of the runnable's run; it starts with the first one asked for.

    Args:
        runnable: What runs.
        input: Its input.
        config: The config of the call.
        filters: The six filters.
        kwargs: Passed on to the work.

    Raises:
        FilterError: If a filter is not a list of strings.
    """
    return _streamed(runnable, input, config, Filters(*filters), kwargs)


async def _streamed(
    runnable: Runnable[Any, Any],
    input: Any,
    config: RunnableConfig | None,
    filters: Filters,
    kwargs: Mapping[str, Any],
) -> AsyncIterator[dict[str, Any]]:
    stream = EventStream(filters, input)
    callbacks, merged = resolve(config)
    manager = (
        AsyncCallbackManager.of(callbacks)
        if isinstance(callbacks, Parent)
        else AsyncCallbackManager.configure(callbacks)
    )
    tapped = cast(RunnableConfig, {**merged, "callbacks": manager.with_stream(stream)})
    producer = asyncio.ensure_future(_produced(runnable.astream(input, tapped, **kwargs)))
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


async def _produced(chunks: AsyncIterator[Any]) -> None:
    async for _ in chunks:
        pass
