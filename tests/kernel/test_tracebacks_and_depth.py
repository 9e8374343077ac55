"""What a caller sees of our frames and of a user's control-flow exceptions, and how deep runs may nest."""

import asyncio
import os
import sys
import traceback
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

OURS = (f"{os.sep}runnables{os.sep}", f"{os.sep}tracing{os.sep}")


def fails(value: Any) -> Any:
    raise ValueError("no")


async def afails(value: Any) -> Any:
    await asyncio.sleep(0)
    raise ValueError("no")


def blocking(levels: int) -> Runnable[Any, Any]:
    chain: Runnable[Any, Any] = RunnableLambda(fails)
    for level in range(levels):
        chain = [RunnablePassthrough() | chain, RunnableLambda(_calling(chain)), RunnableParallel(a=chain)][level % 3]
    return chain


def on_loop(levels: int) -> Runnable[Any, Any]:
    chain: Runnable[Any, Any] = RunnableLambda(afails)
    for level in range(levels):
        chain = [RunnablePassthrough() | chain, RunnableLambda(_acalling(chain)), RunnableParallel(a=chain)][level % 3]
    return chain


def _calling(step: Runnable[Any, Any]) -> Any:
    def calls(value: Any) -> Any:
        return step.invoke(value)

    return calls


def _acalling(step: Runnable[Any, Any]) -> Any:
    async def calls(value: Any) -> Any:
        return await step.ainvoke(value)

    return calls


@pytest.mark.parametrize("levels", [0, 1, 2, 3, 6])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
async def test_a_traceback_has_at_most_two_frames_of_ours_a_runnable(way: str, levels: int) -> None:
    """And every frame of user code."""
    with pytest.raises(ValueError, match="no") as caught:
        if way == "invoke":
            blocking(levels).invoke(1)
        elif way == "stream":
            list(blocking(levels).stream(1))
        elif way == "ainvoke":
            await on_loop(levels).ainvoke(1)
        else:
            [chunk async for chunk in on_loop(levels).astream(1)]
    frames = traceback.extract_tb(caught.value.__traceback__)
    ours = [frame for frame in frames if any(part in frame.filename for part in OURS)]
    assert len(ours) <= 2 * (levels + 1), [f"{os.path.basename(f.filename)}:{f.name}" for f in frames]
    assert frames[-1].name == ("afails" if way[0] == "a" else "fails")
    assert len([frame for frame in frames if frame.name == "calls"]) == (levels + 1) // 3


@pytest.mark.parametrize("kind", ["functions", "bindings", "returned"])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
def test_a_hundred_nested_runs_fit_the_default_recursion_limit(way: str, kind: str, spans: SpanRecorder) -> None:
    """A function that calls a runnable that calls ...; a hundred configs bound on each other; a hundred returned."""
    asynchronous = way[0] == "a"
    chain: Runnable[Any, Any] = RunnablePassthrough()
    for place in range(100):
        if kind == "functions":
            chain = RunnableLambda(_acalling(chain) if asynchronous else _calling(chain))
        elif kind == "bindings":
            chain = chain.with_config(tags=[f"t{place}"])
        else:
            chain = RunnableLambda(lambda _, made=chain: made)  # type: ignore[misc]
    config: Any = {"recursion_limit": 200}

    def run() -> Any:
        if way == "invoke":
            return chain.invoke(1, config)
        if way == "stream":
            return list(chain.stream(1, config))[-1]
        if way == "ainvoke":
            return asyncio.run(chain.ainvoke(1, config))

        async def main() -> Any:
            return [chunk async for chunk in chain.astream(1, config)][-1]

        return asyncio.run(main())

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    try:
        assert run() == 1
    finally:
        sys.setrecursionlimit(limit)
    assert spans.started == len(spans) == (1 if kind == "bindings" else 101)


STOPS = [StopIteration("mine"), StopAsyncIteration("mine")]


def stopping(error: BaseException) -> Any:
    def stop(value: Any) -> Any:
        raise error

    return stop


@pytest.mark.parametrize("error", STOPS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("shape", ["alone", "sequence", "parallel", "nested", "batch"])
def test_a_stop_out_of_a_blocking_step_reaches_the_caller_unchanged(
    error: BaseException, shape: str, spans: SpanRecorder
) -> None:
    """The very exception, with the cause its author gave it; the spans tell it as it was."""
    cause = KeyError("why")
    error.__cause__ = cause
    step = RunnableLambda(stopping(error))
    chain: Runnable[Any, Any] = step
    if shape == "sequence":
        chain = RunnablePassthrough() | step | RunnablePassthrough()
    elif shape == "parallel":
        chain = RunnableParallel(a=RunnableParallel(b=step, c=RunnablePassthrough()), d=RunnablePassthrough())
    elif shape == "nested":
        chain = RunnableLambda(_calling(RunnableLambda(_calling(step))))
    with pytest.raises(type(error)) as caught:
        chain.batch([1, 2]) if shape == "batch" else chain.invoke(1)
    assert caught.value is error
    assert caught.value.__cause__ is cause
    described = {span.span.status.description for span in spans if span.outcome == "error"}
    assert described == {f"{type(error).__name__}: mine"}
    assert spans.started == len(spans)


@pytest.mark.parametrize("shape", ["alone", "sequence", "parallel", "nested"])
@pytest.mark.parametrize("kind", ["on the loop", "in a thread"])
async def test_a_stop_async_iteration_out_of_a_step_reaches_the_caller_unchanged(
    shape: str, kind: str, spans: SpanRecorder
) -> None:
    """Under ainvoke as well."""
    error = StopAsyncIteration("mine")

    async def stop(value: Any) -> Any:
        raise error

    step: Runnable[Any, Any] = RunnableLambda(stop if kind == "on the loop" else stopping(error))
    chain = step
    if shape == "sequence":
        chain = RunnablePassthrough() | step | RunnablePassthrough()
    elif shape == "parallel":
        chain = RunnableParallel(a=step, b=RunnablePassthrough())
    elif shape == "nested":
        chain = RunnableLambda(_acalling(RunnableLambda(_acalling(step))))
    with pytest.raises(StopAsyncIteration) as caught:
        await chain.ainvoke(1)
    assert caught.value is error
    assert spans.started == len(spans)


@pytest.mark.parametrize("error", STOPS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("way", ["stream", "astream", "astream_events"])
@pytest.mark.parametrize("shape", ["alone", "sequence"])
async def test_a_stop_out_of_a_step_is_never_mistaken_for_the_end_of_a_stream(
    error: BaseException, way: str, shape: str, spans: SpanRecorder
) -> None:
    """Out of an iterator it cannot come unchanged: it is a RuntimeError with the stop as its cause."""
    step: Runnable[Any, Any] = RunnableLambda(stopping(error))
    chain = step if shape == "alone" else RunnablePassthrough() | step | RunnablePassthrough()
    with pytest.raises(RuntimeError) as caught:
        if way == "stream":
            list(chain.stream(1))
        elif way == "astream":
            [chunk async for chunk in chain.astream(1)]
        else:
            [record async for record in chain.astream_events(1, version="v2")]
    assert caught.value.__cause__ is error
    assert spans.started == len(spans)
    assert spans.outcomes()["stop"] == "error"


def test_a_runtime_error_of_a_users_own_generator_stays_one() -> None:
    """Python turned the user's StopIteration into it before it came to us: as without us."""

    def own(value: Any) -> Any:
        def generator() -> Any:
            yield next(iter([]))

        return list(generator())

    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        RunnableLambda(own).invoke(1)
    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        (RunnablePassthrough() | RunnableLambda(own)).invoke(1)
    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        list(RunnableGenerator(own_generator).stream(1))


def own_generator(chunks: Any) -> Any:
    yield next(iter([]))
