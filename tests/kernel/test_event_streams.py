"""Live event streams among each other, under pressure, and when somebody leaves or fails."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from spanloom.runtime.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import FilterError, adispatch_custom_event, canonical, dispatch_custom_event
from spanloom.tracing.events import stream as stream_module
from spanloom.tracing.events.stream import HIGH_WATER, EventStream

Records = list[dict[str, Any]]


def as_json(records: Any) -> str:
    return json.dumps(list(records), sort_keys=True)


async def read(chain: Runnable[Any, Any], value: Any = "x", **filters: Any) -> Records:
    return [record async for record in chain.astream_events(value, version="v2", **filters)]


async def until(is_so: Callable[[], bool]) -> None:
    """Give the loop turns until it is so."""
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came about")


def shout(value: Any) -> str:
    return str(value).upper()


async def test_a_stream_inside_a_stream_sees_its_own_subtree_only(spans: SpanRecorder) -> None:
    """The outer one sees both; both are replayed, the inner one from its own root."""
    inner: Records = []

    async def step(value: Any) -> Any:
        inner.extend(await read((RunnableLambda(shout) | RunnablePassthrough()).with_config(run_name="inner"), value))
        return value

    outer = await read(RunnablePassthrough() | RunnableLambda(step))
    root = outer[0]["run_id"]
    assert inner[0]["name"] == "inner"
    assert inner[0]["data"] == {"input": "x"}
    assert all(record["parent_ids"][0] == root for record in inner)
    assert all(inner[0]["run_id"] in [record["run_id"], *record["parent_ids"]] for record in inner)
    below = [record for record in outer if inner[0]["run_id"] in [record["run_id"], *record["parent_ids"]]]
    assert [(r["event"], r["run_id"]) for r in below] == [(r["event"], r["run_id"]) for r in inner]
    assert len(below) < len(outer)
    assert as_json(spans.records()) == as_json(map(canonical, outer))
    assert as_json(spans.records(root_run_id=inner[0]["run_id"])) == as_json(map(canonical, inner))


async def test_streams_side_by_side_do_not_mix(spans: SpanRecorder) -> None:
    """Each is equal to the replay of its root."""

    async def step(value: Any) -> Any:
        for place in range(5):
            await adispatch_custom_event("at", {"place": place, "of": value})
            await asyncio.sleep(0)
        return value

    chain = RunnablePassthrough() | RunnableParallel(a=step, b=shout)
    streams = await asyncio.gather(*(read(chain, f"v{place}") for place in range(8)))
    for place, records in enumerate(streams):
        assert records[0]["data"] == {"input": f"v{place}"}
        assert {r["data"]["of"] for r in records if r["event"] == "on_custom_event"} == {f"v{place}"}
        root = records[0]["run_id"]
        assert as_json(spans.records(root_run_id=root)) == as_json(map(canonical, records))


@pytest.mark.parametrize("data", ["text", {"a": 1}, {}, [1, 2], None, 7], ids=repr)
@pytest.mark.parametrize("blocking", [False, True])
async def test_a_custom_event_may_come_first(data: Any, blocking: bool, spans: SpanRecorder) -> None:
    """Its data is left as it is, live and replayed, and no later record gets the caller's input."""

    def step(value: Any) -> Any:
        dispatch_custom_event("progress", data)
        return value

    async def astep(value: Any) -> Any:
        await adispatch_custom_event("progress", data)
        return value

    chain = (RunnableLambda(step) if blocking else RunnableLambda(astep)) | RunnableLambda(shout)
    filters = {"include_names": ["progress", "shout"]}
    records = await read(chain, "x", **filters)
    assert [record["event"] for record in records][0] == "on_custom_event"
    assert records[0]["data"] == data
    assert "input" not in records[1]["data"], "a step driven by a stream does not know its input at the start"
    assert as_json(spans.records(**filters)) == as_json(map(canonical, records))


async def test_a_custom_event_of_a_run_that_has_ended_is_told_to_nobody(spans: SpanRecorder) -> None:
    """A task that outlives its run while the root goes on: live and replayed agree."""
    go, told = asyncio.Event(), asyncio.Event()
    tasks = []

    async def late() -> None:
        await go.wait()
        await adispatch_custom_event("late", 1)
        told.set()

    async def first(value: Any) -> Any:
        tasks.append(asyncio.create_task(late()))
        return value

    async def second(value: Any) -> Any:
        go.set()
        await told.wait()
        return value

    live = await read(RunnableLambda(first) | RunnableLambda(second))
    assert as_json(spans.records()) == as_json(map(canonical, live))
    assert "on_custom_event" not in [record["event"] for record in live]


@pytest.mark.parametrize("version", ["v0", "v3", "", 2])
def test_an_unknown_version_is_refused_when_asked_for(version: Any) -> None:
    """At the call, not at the first record."""
    with pytest.raises(NotImplementedError, match="v2"):
        RunnablePassthrough().astream_events(1, version=version)


@pytest.mark.parametrize(
    "which", ["include_names", "include_types", "include_tags", "exclude_names", "exclude_types", "exclude_tags"]
)
@pytest.mark.parametrize("wrong", ["chain", 7, [1], {"a": 1}, ["a", None], object()], ids=str)
def test_a_filter_that_is_no_list_of_strings_is_refused(which: str, wrong: Any, spans: SpanRecorder) -> None:
    """Live at the call; replayed too, and before any record."""
    with pytest.raises(FilterError, match=which):
        RunnablePassthrough().astream_events(1, version="v2", **{which: wrong})
    with pytest.raises(FilterError, match=which):
        spans.records(**{which: wrong})


@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_left_early_a_stream_has_produced_next_to_nothing(kind: str, spans: SpanRecorder) -> None:
    """At most what may wait in the buffer, and what a worker thread may read ahead."""
    made = []

    async def chunks(source: Any) -> Any:
        async for chunk in source:
            for place in range(50 * HIGH_WATER):
                made.append(place)
                yield chunk

    def blocking_chunks(source: Any) -> Any:
        for chunk in source:
            for place in range(50 * HIGH_WATER):
                made.append(place)
                yield chunk

    chain = RunnableGenerator(chunks if kind == "async" else blocking_chunks)
    async for record in chain.astream_events("x", version="v2"):
        if record["event"] == "on_chain_stream":
            break
    await until(lambda: len(spans) > 0)
    assert 1 <= len(made) <= HIGH_WATER + 16
    assert set(spans.outcomes().values()) == {"abandoned"}


@pytest.mark.parametrize("kind", ["async", "threads", "blocking steps in one thread", "parallel threads"])
async def test_a_slow_reader_makes_producers_wait(kind: str, spans: SpanRecorder, monkeypatch: Any) -> None:
    """The buffer holds `HIGH_WATER` signals and one more a producer; nothing is dropped."""
    streams: list[EventStream] = []
    original = EventStream.__init__

    def noted(self: EventStream, *args: Any) -> None:
        original(self, *args)
        streams.append(self)

    monkeypatch.setattr(EventStream, "__init__", noted)
    leaf = RunnableLambda(shout)
    count = 100

    async def many(value: Any) -> Any:
        for _ in range(count):
            await leaf.ainvoke(value)
        return value

    def blocking_many(value: Any) -> Any:
        for _ in range(count):
            leaf.invoke(value)
        return value

    chain: Runnable[Any, Any] = RunnableLambda(blocking_many if kind.startswith("blocking") else many)
    producers = 1
    if kind == "threads":
        chain = RunnableLambda(lambda v: leaf.batch([v] * count, {"max_concurrency": 4}))
        producers = 4
    elif kind == "parallel threads":
        chain = RunnableParallel({f"k{place}": RunnableLambda(blocking_many) for place in range(3)})
        producers = 3
    records = 0
    async for record in chain.astream_events("x", version="v2"):
        records += record["name"] == "shout"
        if records % 40 == 0:
            await asyncio.sleep(0.01)
    assert records == 2 * count * (3 if kind == "parallel threads" else 1)
    assert streams[0].overfull <= 3 * producers, "a run gives at most its start and its end before it waits"


async def test_blocking_code_on_the_readers_own_thread_is_not_stuck(spans: SpanRecorder, monkeypatch: Any) -> None:
    """The loop waits for worker threads there: they notice once, not at every step, and the buffer grows."""
    asked = []
    original = EventStream._on_loop

    def counted(self: EventStream, callback: Any) -> bool:
        if getattr(callback, "__name__", "") == "set":
            asked.append(threading.get_ident())
        return original(self, callback)

    monkeypatch.setattr(EventStream, "_on_loop", counted)
    leaf = RunnableLambda(shout)

    async def step(value: Any) -> Any:
        return leaf.batch([value] * 300, {"max_concurrency": 4})

    records = await read(RunnableLambda(step))
    assert len([record for record in records if record["name"] == "shout"]) == 600
    assert as_json(spans.records()) == as_json(map(canonical, records))
    assert len(asked) <= 8, "a thread that has found the loop waiting does not ask again before it answers"


@pytest.mark.parametrize("kind", ["on the loop", "in a thread"])
async def test_a_reader_that_leaves_waits_for_the_producer(kind: str, spans: SpanRecorder) -> None:
    """When `aclose` returns, the run's code has been stopped and cleaned up."""
    events = []

    async def careful(source: Any) -> Any:
        try:
            async for chunk in source:
                while True:
                    yield chunk
                    await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.01)
            events.append("cleaned up")

    def blocking_careful(source: Any) -> Any:
        try:
            for chunk in source:
                while True:
                    yield chunk
        finally:
            events.append("cleaned up")

    stream = RunnableGenerator(careful if kind == "on the loop" else blocking_careful).astream_events("x", version="v2")
    async for record in stream:
        if record["event"] == "on_chain_stream":
            break
    await stream.aclose()  # type: ignore[attr-defined]
    assert events == ["cleaned up"]
    assert spans.started == len(spans) == 1


@pytest.mark.parametrize("way", ["astream", "astream_events"])
async def test_leaving_does_not_wait_for_an_upstream_that_gives_nothing(way: str, spans: SpanRecorder) -> None:
    """A blocking generator in a thread reads ahead from an async one that waits for ever: it is let go."""

    async def first(source: Any) -> Any:
        async for chunk in source:
            yield chunk
            await asyncio.Event().wait()

    def second(source: Any) -> Any:
        yield from source

    chain = RunnableGenerator(first) | RunnableGenerator(second)
    stream: Any = chain.astream("x") if way == "astream" else chain.astream_events("x", version="v2")
    async for chunk in stream:
        if way == "astream" or chunk["event"] == "on_chain_stream":
            break
    await asyncio.wait_for(stream.aclose(), 20)
    assert spans.started == len(spans) == 3
    assert set(spans.outcomes().values()) == {"abandoned"}


@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_an_exception_comes_after_the_records_before_it(kind: str, spans: SpanRecorder) -> None:
    """All of them, and the exception itself is the one that was raised."""
    error = ValueError("no")

    async def fails(source: Any) -> Any:
        async for chunk in source:
            for _ in range(3):
                yield chunk
            raise error

    def blocking_fails(source: Any) -> Any:
        for chunk in source:
            for _ in range(3):
                yield chunk
            raise error

    chain = RunnablePassthrough() | RunnableGenerator(fails if kind == "async" else blocking_fails)
    records: Records = []
    with pytest.raises(ValueError, match="no") as caught:
        async for record in chain.astream_events("x", version="v2"):
            records.append(record)
            await asyncio.sleep(0.002)
    assert caught.value is error
    assert len([record for record in records if record["event"] == "on_chain_stream"]) == 7
    assert as_json(spans.records()) == as_json(map(canonical, records))
    assert "on_chain_end" not in [r["event"] for r in records if r["name"] != "RunnablePassthrough"]


async def test_a_tool_less_failure_in_a_filtered_stream_still_raises() -> None:
    """Also when the filters leave nothing of the run."""

    async def fails(value: Any) -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await read(RunnableLambda(fails), include_names=["nobody"])


def test_a_worker_that_meets_a_closed_loop_goes_on(spans: SpanRecorder) -> None:
    """The reader and its loop are gone while a thread still runs."""
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def step(value: Any) -> Any:
        begun.set()
        go.wait(10)
        for _ in range(2 * HIGH_WATER):
            RunnableLambda(shout).invoke(value)
        done.set()
        return value

    async def main() -> None:
        stream = RunnableLambda(step).astream_events("x", version="v2")
        await anext(stream)
        await until(begun.is_set)
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    go.set()
    assert done.wait(20)
    assert stream_module.HIGH_WATER == HIGH_WATER
