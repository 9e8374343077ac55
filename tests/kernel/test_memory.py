"""State is per run and freed at its end: ten thousand runs more hold not a byte each."""

import asyncio
import gc
import logging
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from spanloom.exporters.provider import RunIdGenerator
from spanloom.runtime.runnables import RunnableGenerator, RunnableLambda, RunnableParallel, RunnablePassthrough
from spanloom.tracing import BaseCallbackHandler, drain, journal, otel

RUNS_MORE = 10_000


class Dropping(SpanProcessor):
    """Takes each journal, reads it once in a while, and keeps nothing."""

    seen = 0

    def on_end(self, span: Any) -> None:
        context = span.get_span_context()
        found = journal.take(context.trace_id, context.span_id)
        assert found is not None
        Dropping.seen += 1
        if Dropping.seen % 100 == 0:
            found.text("chunks")


@pytest.fixture
def dropping() -> Iterator[None]:
    provider = TracerProvider(id_generator=RunIdGenerator())
    provider.add_span_processor(Dropping())
    otel.use_provider(provider)
    token = journal.attach("chunks")
    yield
    journal.detach(token)
    otel.use_provider(None)


async def letters(chunks: Any) -> Any:
    async for chunk in chunks:
        for place in range(5):
            yield f"{chunk}{place}"


def fails(value: Any) -> Any:
    raise ValueError(value)


async def waits(value: Any) -> Any:
    await asyncio.Event().wait()


STREAM = RunnablePassthrough() | RunnableGenerator(letters)
PLAIN = RunnablePassthrough() | RunnableLambda(lambda v: v)
FAILING = RunnablePassthrough() | RunnableLambda(fails)


async def afails(value: Any) -> Any:
    raise ValueError(value)


AFAILING = RunnablePassthrough() | RunnableLambda(afails)
WAITING = RunnablePassthrough() | RunnableLambda(waits)
PARALLEL = RunnableParallel(a=RunnableGenerator(letters), b=RunnablePassthrough())
HANDLED = PLAIN.with_config(callbacks=[BaseCallbackHandler()], tags=["t"], metadata={"a": 1})


async def swallowed(awaitable: Any) -> None:
    with suppress(ValueError, asyncio.CancelledError):
        await awaitable


async def all_of(chunks: Any) -> None:
    async for _ in chunks:
        pass


async def first_of(chunks: Any, close: bool = False) -> None:
    async for _ in chunks:
        break
    if close:
        await chunks.aclose()


async def cancelled(awaitable: Any) -> None:
    task = asyncio.ensure_future(awaitable)
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    await swallowed(task)


async def mix() -> int:
    """Fifteen ways to run; how many runs they were, counted by their spans."""
    before = Dropping.seen
    PLAIN.invoke(1)
    HANDLED.invoke(1)
    with suppress(ValueError):
        FAILING.invoke(1)
    for _ in (RunnablePassthrough() | RunnablePassthrough()).stream("x"):
        break
    await PLAIN.ainvoke(1)
    await swallowed(AFAILING.ainvoke(1))
    await cancelled(WAITING.ainvoke(1))
    await all_of(STREAM.astream("x"))
    await first_of(STREAM.astream("x"))
    await first_of(STREAM.astream("x"), close=True)
    await swallowed(all_of(AFAILING.astream("x")))
    await cancelled(all_of(WAITING.astream("x")))
    await all_of(PARALLEL.astream_events("x", version="v2"))
    await first_of(STREAM.astream_events("x", version="v2"), close=True)
    await swallowed(all_of(AFAILING.astream_events("x", version="v2")))
    await cancelled(all_of(WAITING.astream_events("x", version="v2")))
    await asyncio.sleep(0)
    return Dropping.seen - before


def held() -> int:
    drain()
    gc.collect()
    ours = [tracemalloc.Filter(True, f"*/{part}/*") for part in ("spanloom/tracing", "spanloom/runtime")]
    return sum(statistic.size for statistic in tracemalloc.take_snapshot().filter_traces(ours).statistics("filename"))


async def test_memory_does_not_grow_with_runs(dropping: None, caplog: pytest.LogCaptureFixture) -> None:
    """Good, failing, cancelled and abandoned ones, with journals, handlers and event streams."""
    caplog.set_level(logging.ERROR)
    runs = 0
    while runs < 1_000:
        runs += await mix()
    tracemalloc.start()
    try:
        runs = 0
        while runs < 500:  # what is made once while tracing is counted before, not as growth
            runs += await mix()
        await asyncio.sleep(0.01)
        before = held()
        runs = 0
        while runs < RUNS_MORE:
            runs += await mix()
        await asyncio.sleep(0.01)
        grown = held() - before
    finally:
        tracemalloc.stop()
    assert grown < runs, f"{grown} bytes more after {runs} runs"
    assert caplog.records == []
