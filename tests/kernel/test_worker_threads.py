"""Parallel steps and batches: bounded, ordered, never starved, and alive after a fork."""

import asyncio
import os
import threading
from collections import deque
from typing import Any

import pytest

from spanloom.runtime.runnables import (
    Runnable,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    threads,
)
from spanloom.testing.recorder import SpanRecorder


class Crowd:
    """Counts how many are inside at once, and lets each in only when as many as expected have come or given up."""

    def __init__(self, expected: int) -> None:
        self.lock = threading.Lock()
        self.full = threading.Event()
        self.expected, self.inside, self.most = expected, 0, 0

    def enter(self, value: Any) -> Any:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            if self.inside >= self.expected:
                self.full.set()
        self.full.wait(0.05)
        with self.lock:
            self.inside -= 1
        return value

    async def aenter(self, value: Any) -> Any:
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(5):
            await asyncio.sleep(0)
        self.inside -= 1
        return value

    def chunks(self, chunks: Any) -> Any:
        for chunk in chunks:
            for _ in range(3):
                self.enter(chunk)
                yield chunk

    async def achunks(self, chunks: Any) -> Any:
        async for chunk in chunks:
            for _ in range(3):
                await self.aenter(chunk)
                yield chunk


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "ainvoke in threads", "batch", "abatch", "each", "aeach"])
async def test_no_more_run_at_once_than_max_concurrency_says(way: str, limit: int) -> None:
    """And as many as it says do."""
    crowd = Crowd(limit)
    config: Any = {"max_concurrency": limit}
    step = RunnableLambda(crowd.enter, crowd.aenter if way != "ainvoke in threads" else None)
    parallel = RunnableParallel({f"k{place}": step for place in range(6)})
    if way == "invoke":
        assert list(parallel.invoke(1, config)) == [f"k{place}" for place in range(6)]
    elif way.startswith("ainvoke"):
        assert list(await parallel.ainvoke(1, config)) == [f"k{place}" for place in range(6)]
    elif way == "batch":
        assert step.batch(list(range(6)), config) == list(range(6))
    elif way == "abatch":
        assert await step.abatch(list(range(6)), config) == list(range(6))
    elif way == "each":
        assert RunnableEach(step).invoke(list(range(6)), config) == list(range(6))
    else:
        assert await RunnableEach(step).ainvoke(list(range(6)), config) == list(range(6))
    assert crowd.most == limit


@pytest.mark.parametrize("limit", [1, 2])
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_parallel_stream_honours_max_concurrency_too(way: str, limit: int) -> None:
    """No more branches are asked for a chunk at once; every chunk of every branch arrives."""
    crowd = Crowd(limit)
    branch = RunnableGenerator(crowd.chunks if way == "stream" else crowd.achunks)
    parallel = RunnableParallel({f"k{place}": branch for place in range(4)})
    config: Any = {"max_concurrency": limit}
    if way == "stream":
        chunks = list(parallel.stream("x", config))
    else:
        chunks = [chunk async for chunk in parallel.astream("x", config)]
    assert sorted(key for chunk in chunks for key in chunk) == [f"k{place}" for place in range(4) for _ in range(3)]
    assert crowd.most == limit


def deep(depth: int, leaf: Any) -> Runnable[Any, Any]:
    if depth == 0:
        return RunnableLambda(leaf)
    return RunnableParallel(a=deep(depth - 1, leaf), b=deep(depth - 1, leaf))


@pytest.mark.parametrize("limit", [1, 2, None])
@pytest.mark.parametrize("way", ["invoke", "stream", "batch", "ainvoke", "astream", "abatch"])
async def test_parallel_steps_inside_parallel_steps_never_wait_for_a_thread(way: str, limit: int | None) -> None:
    """Whatever the limit, at every level: a step that waits for others does not hold up those it waits for."""
    chain = deep(4, lambda value: value)
    config: Any = {"max_concurrency": limit}
    if way == "invoke":
        chain.invoke(1, config)
    elif way == "stream":
        assert len(list(chain.stream(1, config))) == 16
    elif way == "batch":
        assert len(chain.batch([1] * 5, config)) == 5
    elif way == "ainvoke":
        await chain.ainvoke(1, config)
    elif way == "astream":
        assert len([chunk async for chunk in chain.astream(1, config)]) == 16
    else:
        assert len(await chain.abatch([1] * 5, config)) == 5


@pytest.mark.parametrize("way", ["batch", "abatch"])
async def test_a_batch_keeps_order_and_gives_each_input_its_config(way: str, spans: SpanRecorder) -> None:
    """Exceptions take their place when asked to; configs are one each, or one for all."""

    def step(value: int) -> int:
        if value % 3 == 2:
            raise ValueError(value)
        return value * 10

    runnable = RunnableLambda(step)
    configs: list[Any] = [{"tags": [f"t{place}"], "metadata": {"place": place}} for place in range(9)]
    if way == "batch":
        results = runnable.batch(list(range(9)), configs, return_exceptions=True)
    else:
        results = await runnable.abatch(list(range(9)), configs, return_exceptions=True)
    shown = [value if isinstance(value, int) else type(value) for value in results]
    assert shown == [0, 10, ValueError, 30, 40, ValueError, 60, 70, ValueError]
    assert [value.args for value in results if isinstance(value, ValueError)] == [(2,), (5,), (8,)]
    items = [span.attributes for span in spans if "spanloom.run.id" in span.attributes]
    assert sorted(item["spanloom.metadata.place"] for item in items) == list(range(9))
    with pytest.raises(ValueError, match="8 configs were given for 9 inputs"):
        if way == "batch":
            runnable.batch(list(range(9)), configs[:8])
        else:
            await runnable.abatch(list(range(9)), configs[:8])
    assert (runnable.batch([]) if way == "batch" else await runnable.abatch([])) == []


@pytest.mark.parametrize("way", ["batch", "abatch", "invoke", "ainvoke"])
async def test_the_first_failure_is_raised_and_nothing_new_is_begun(way: str, spans: SpanRecorder) -> None:
    """Every run that was begun has ended by the time the exception arrives."""

    async def astep(value: Any) -> Any:
        await asyncio.sleep(0)
        raise ValueError("first")

    def step(value: Any) -> Any:
        raise ValueError("first")

    failing = RunnableLambda(step, astep)
    config: Any = {"max_concurrency": 2}
    with pytest.raises(ValueError, match="first"):
        if way == "batch":
            failing.batch([0] * 50, config)
        elif way == "abatch":
            await failing.abatch([0] * 50, config)
        elif way == "invoke":
            RunnableParallel({f"k{place}": failing for place in range(50)}).invoke(0, config)
        else:
            await RunnableParallel({f"k{place}": failing for place in range(50)}).ainvoke(0, config)
    assert spans.started == len(spans)
    assert len([span for span in spans if span.name == "step"]) <= 4


def test_one_run_id_for_a_batch_goes_to_its_first_input(spans: SpanRecorder) -> None:
    """The others get ids of their own."""
    wanted = "0190a5b2-7c00-7abc-8def-0123456789ab"
    RunnableLambda(lambda v: v).batch([1, 2, 3], {"run_id": wanted, "max_concurrency": 1})  # type: ignore[typeddict-item]
    ids = [span.attributes["spanloom.run.id"] for span in spans if "spanloom.run.id" in span.attributes]
    assert ids[0] == wanted
    assert len(set(ids)) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_worker_threads_of_its_own() -> None:
    """The parent's idle threads do not exist in the child; it must not wait for them."""
    chain = RunnableParallel({f"k{place}": lambda value: value + 1 for place in range(4)})
    assert chain.invoke(1) == {f"k{place}": 2 for place in range(4)}
    assert RunnableLambda(lambda v: v).batch([1, 2, 3]) == [1, 2, 3]
    abandoned = RunnableGenerator(lambda chunks: (yield from chunks)).stream("x")
    next(abandoned)
    child = os.fork()
    if child == 0:
        try:
            good = chain.invoke(2) == {f"k{place}": 3 for place in range(4)}
            good = good and asyncio.run(chain.ainvoke(3)) == {f"k{place}": 4 for place in range(4)}
            os._exit(0 if good else 1)
        finally:
            os._exit(2)
    for _ in range(1000):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        threading.Event().wait(0.02)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child waits for a thread that it does not have")
    assert os.waitstatus_to_exitcode(status) == 0
    assert chain.invoke(1) == {f"k{place}": 2 for place in range(4)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_does_not_end_the_runs_that_its_parent_left(spans: SpanRecorder) -> None:
    """Runs waiting to be ended at the fork belong to the parent: ended in both, their spans would exist twice."""
    for _ in RunnableGenerator(lambda chunks: (yield from chunks)).stream("x"):
        break
    child = os.fork()
    if child == 0:
        os._exit(len(spans))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(spans) == 1


def test_an_idle_worker_leaves_and_the_next_job_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool that grew for a burst does not keep its threads for ever."""
    monkeypatch.setattr(threads, "IDLE_S", 0.01)
    monkeypatch.setattr(threads, "_idle", deque())
    first = threads.submit(threading.current_thread).result()
    first.join()
    assert not threads._idle
    second = threads.submit(threading.current_thread).result()
    assert second is not first
    second.join()
