"""Every run ends exactly once, whatever happens to it, and leaves nothing behind: no log line, no context."""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from spanloom.runtime.runnables import (
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.events.stream import HIGH_WATER
from spanloom.tracing.scope import CURRENT

OUTSIDE = otel_context.set_value("outside", "kept")


@pytest.fixture(autouse=True)
def nothing_is_left(caplog: pytest.LogCaptureFixture, spans: SpanRecorder) -> Iterator[None]:
    """No log line, the context of before, and each started span ended once, after every test of this module."""
    caplog.set_level(logging.INFO)
    token = otel_context.attach(OUTSIDE)
    before = otel_context.get_current()
    yield
    gc.collect()
    assert CURRENT.get() is None
    assert otel_context.get_current() is before
    assert trace.get_current_span() is trace.INVALID_SPAN
    otel_context.detach(token)
    ended = spans.spans
    assert spans.started == len(ended)
    assert len({span.span_id for span in ended}) == len(ended)
    for span in ended:
        assert (span.span.status.status_code is StatusCode.ERROR) == (span.outcome == "error"), span.name
    assert [record.getMessage() for record in caplog.records] == []


async def until(is_so: Callable[[], bool]) -> None:
    """Give the loop turns until it is so."""
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it never came about")


def letters(chunks: Any) -> Any:
    for chunk in chunks:
        for place in range(50):
            yield f"{chunk}{place} "


async def aletters(chunks: Any) -> Any:
    async for chunk in chunks:
        for place in range(50):
            await asyncio.sleep(0)
            yield f"{chunk}{place} "


def echo(chunks: Any) -> Any:
    yield from chunks


async def aecho(chunks: Any) -> Any:
    async for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def blocking_chain() -> Runnable[Any, Any]:
    return RunnablePassthrough() | RunnableGenerator(letters) | RunnableGenerator(echo)


def loop_chain() -> Runnable[Any, Any]:
    return RunnablePassthrough() | RunnableGenerator(aletters) | RunnableGenerator(aecho)


def threaded_chain() -> Runnable[Any, Any]:
    """Blocking generators: on a loop they are read in worker threads."""
    return blocking_chain()


def parallel_chain() -> Runnable[Any, Any]:
    return RunnablePassthrough() | RunnableParallel(a=loop_chain(), b=RunnableGenerator(aletters))


ON_LOOP = pytest.mark.parametrize("make", [loop_chain, threaded_chain, parallel_chain])


def outcomes(spans: SpanRecorder) -> set[str | None]:
    return {span.outcome for span in spans}


def raising(error: BaseException) -> Callable[[Any], Any]:
    def step(_: Any) -> Any:
        raise error

    return step


def araising(error: BaseException) -> Callable[[Any], Any]:
    async def step(_: Any) -> Any:
        await asyncio.sleep(0)
        raise error

    return step


async def test_a_run_that_returns_is_ok(spans: SpanRecorder) -> None:
    """Invoke, ainvoke, and streams read to their end."""
    blocking_chain().invoke("x")
    list(blocking_chain().stream("x"))
    for make in (loop_chain, threaded_chain):
        await make().ainvoke("x")
        assert len([chunk async for chunk in make().astream("x")]) == 50
    assert outcomes(spans) == {"ok"}
    assert len(spans) == 6 * 4


ERRORS = [ValueError("no"), KeyboardInterrupt(), SystemExit(3)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_exception_in_a_step_ends_every_open_run_as_an_error(
    error: BaseException, way: str, spans: SpanRecorder
) -> None:
    """Also those that are no `Exception`; the caller gets the very exception."""
    chain = RunnablePassthrough() | RunnableLambda(raising(error)) | RunnablePassthrough()
    with pytest.raises(type(error)) as caught:
        chain.invoke(1) if way == "invoke" else list(chain.stream(1))
    assert caught.value is error
    found = spans.outcomes()
    assert found["step"] == found["RunnableSequence"] == "error"
    assert spans.one("step").attributes.get("error.type") in (None, type(error).__qualname__)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("way", ["ainvoke", "astream"])
@pytest.mark.parametrize("kind", [raising, araising], ids=["in a thread", "on the loop"])
def test_an_exception_in_a_step_on_a_loop_ends_every_open_run_as_an_error(
    error: BaseException, way: str, kind: Any, spans: SpanRecorder
) -> None:
    """The caller gets the very exception there too."""
    chain = RunnablePassthrough() | RunnableLambda(kind(error)) | RunnablePassthrough()

    async def main() -> None:
        if way == "ainvoke":
            await chain.ainvoke(1)
        else:
            async for _ in chain.astream(1):
                pass

    with pytest.raises(type(error)) as caught:
        asyncio.run(main())
    assert caught.value is error
    found = spans.outcomes()
    assert found["step"] == found["RunnableSequence"] == "error"


@pytest.mark.parametrize("way", ["ainvoke", "astream", "astream_events"])
@pytest.mark.parametrize("shape", ["one", "sequence", "parallel"])
async def test_a_cancelled_task_ends_its_runs_as_cancelled(way: str, shape: str, spans: SpanRecorder) -> None:
    """Cancelling is no error."""
    begun = asyncio.Event()

    async def step(value: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    chain: Runnable[Any, Any] = RunnableLambda(step)
    if shape == "sequence":
        chain = RunnablePassthrough() | chain
    elif shape == "parallel":
        chain = RunnableParallel(a=chain, b=chain)

    async def main() -> None:
        if way == "ainvoke":
            await chain.ainvoke(1)
        elif way == "astream":
            async for _ in chain.astream(1):
                pass
        else:
            async for _ in chain.astream_events(1, version="v2"):
                pass

    task = asyncio.create_task(main())
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert spans.started == len(spans)
    assert {span.outcome for span in spans if span.name != "RunnablePassthrough"} == {"cancelled"}


async def test_a_consumer_cancelled_between_two_chunks_abandons_the_stream(spans: SpanRecorder) -> None:
    """The stream is collected with the task, and ended in the loop's next turns."""
    read = asyncio.Event()

    async def main() -> None:
        async for _ in loop_chain().astream("x"):
            read.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(main())
    await read.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
    assert spans.started == len(spans) == 4
    assert outcomes(spans) <= {"abandoned", "ok"}


@pytest.mark.parametrize("depth", [1, 2])
def test_a_blocking_stream_left_early_is_abandoned(depth: int, spans: SpanRecorder) -> None:
    """By close, and by being dropped."""
    chain = blocking_chain()
    if depth == 2:
        inner = chain
        chain = RunnableGenerator(lambda chunks: (yield from inner.stream("".join(chunks))))
    stream = chain.stream("x")
    next(stream)
    stream.close()
    stream.close()
    assert list(stream) == []
    assert spans.started == len(spans)
    assert spans.outcomes()["letters"] == spans.outcomes()["echo"] == "abandoned"
    spans.clear()
    for _ in chain.stream("x"):
        break
    assert spans.outcomes()["letters"] == spans.outcomes()["echo"] == "abandoned"


@ON_LOOP
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same task", "another task"])
async def test_a_stream_closed_on_a_loop_is_abandoned(make: Any, elsewhere: bool, spans: SpanRecorder) -> None:
    """Also when another task closes it: nothing was attached across the yield."""
    stream = make().astream("x")
    await anext(stream)
    if elsewhere:
        await asyncio.create_task(stream.aclose())
    else:
        await stream.aclose()
    await stream.aclose()
    assert [chunk async for chunk in stream] == []
    assert spans.started == len(spans)
    found = spans.outcomes()
    assert found["RunnableSequence"] == "abandoned"
    assert {o for n, o in found.items() if n.endswith("letters")} == {"abandoned"}


@ON_LOOP
async def test_a_broken_loop_over_a_stream_abandons_it(make: Any, spans: SpanRecorder) -> None:
    """`break` drops the iterator; the loop ends its runs in its next turns."""
    async for _ in make().astream("x"):
        break
    await until(lambda: spans.started == len(spans))
    assert spans.outcomes()["RunnableSequence"] == "abandoned"


async def test_a_stream_closed_before_its_first_chunk_starts_no_run(spans: SpanRecorder) -> None:
    """Nor does a stream that nobody reads, or that is dropped."""
    stream = loop_chain().astream("x")
    await stream.aclose()
    assert [chunk async for chunk in stream] == []
    blocking = blocking_chain().stream("x")
    blocking.close()
    assert list(blocking) == []
    blocking_chain().stream("x")
    loop_chain().astream("x")
    events = loop_chain().astream_events("x", version="v2")
    await events.aclose()
    loop_chain().astream_events("x", version="v2")
    gc.collect()
    assert spans.started == 0


async def test_a_close_while_another_task_waits_for_a_chunk_ends_the_run_once(spans: SpanRecorder) -> None:
    """The closer is told, as with any async generator; what the reader still gets is no part of a second end."""
    go, begun = asyncio.Event(), asyncio.Event()

    async def slow(chunks: Any) -> Any:
        async for chunk in chunks:
            begun.set()
            await go.wait()
            yield chunk
            yield chunk

    stream = RunnableGenerator(slow).astream("x")
    reader = asyncio.create_task(anext(stream))
    await begun.wait()
    with pytest.raises(RuntimeError, match="already running"):
        await stream.aclose()
    go.set()
    assert await reader == "x"
    await stream.aclose()
    assert spans.outcomes() == {"slow": "abandoned"}
    assert [record["event"] for record in spans.records()] == ["on_chain_start", "on_chain_stream"]


@pytest.mark.parametrize("cycle", [False, True], ids=["dropped", "in a cycle"])
def test_a_collected_blocking_stream_is_abandoned(cycle: bool, spans: SpanRecorder) -> None:
    """Its code is closed by the next run that starts, never inside the collector."""
    closed: list[bool] = []
    collecting: list[bool] = []

    def careful(chunks: Any) -> Any:
        try:
            for chunk in chunks:
                yield chunk
                yield chunk
        finally:
            closed.append(bool(collecting))

    def drop() -> None:
        stream = (RunnablePassthrough() | RunnableLambda(lambda v: v) | RunnableGenerator(careful)).stream("x")
        next(stream)
        if cycle:
            box: list[Any] = [stream]
            box.append(box)

    drop()
    collecting.append(True)
    gc.collect()
    collecting.clear()
    if not cycle:
        assert closed == []
    assert spans.outcomes()["careful"] == spans.outcomes()["RunnableSequence"] == "abandoned"
    assert len(closed) == 1


@ON_LOOP
@pytest.mark.parametrize("cycle", [False, True], ids=["dropped", "in a cycle"])
async def test_a_stream_collected_while_its_loop_runs_is_abandoned(make: Any, cycle: bool, spans: SpanRecorder) -> None:
    """Without any further call of ours: the loop ends it in its next turns."""

    async def drop() -> None:
        stream = make().astream("x")
        await anext(stream)
        if cycle:
            box: list[Any] = [stream]
            box.append(box)

    await drop()
    gc.collect()
    await until(lambda: spans.started == len(spans._spans))
    assert spans.outcomes()["RunnableSequence"] == "abandoned"


@ON_LOOP
@pytest.mark.parametrize("cycle", [False, True], ids=["dropped", "in a cycle"])
def test_a_stream_collected_after_its_loop_is_abandoned(make: Any, cycle: bool, spans: SpanRecorder) -> None:
    """Its code is left as it is; the runs end all the same."""

    async def begin() -> Any:
        stream = make().astream("x")
        await anext(stream)
        return stream

    box: list[Any] = [asyncio.run(begin())]
    if cycle:
        box.append(box)
    del box
    gc.collect()
    assert spans.outcomes()["RunnableSequence"] == "abandoned"


@ON_LOOP
def test_a_stream_dropped_in_the_last_step_of_a_loop_is_ended(make: Any, spans: SpanRecorder) -> None:
    """The loop closes right after; the run ends, and its code gets its clean-up."""

    async def main() -> None:
        stream = make().astream("x")
        await anext(stream)

    asyncio.run(main())
    assert spans.started == len(spans)
    assert spans.outcomes()["RunnableSequence"] in ("abandoned", "cancelled")


def test_a_waiting_clean_up_in_the_last_step_of_a_loop_still_ends_the_run(spans: SpanRecorder) -> None:
    """A generator that awaits in its `finally` while the loop is closing."""

    async def careful(chunks: Any) -> Any:
        try:
            async for chunk in chunks:
                yield chunk
                yield chunk
        finally:
            await asyncio.sleep(0.01)

    async def main() -> None:
        stream = RunnableGenerator(careful).astream("x")
        await anext(stream)

    asyncio.run(main())
    gc.collect()
    assert spans.outcomes() == {"careful": "abandoned"}


def test_a_blocking_stream_outlives_the_loop_on_whose_thread_it_began(spans: SpanRecorder) -> None:
    """The loop does not finalise the generators inside it."""

    async def main() -> Any:
        stream = blocking_chain().stream("x")
        next(stream)
        return stream

    stream = asyncio.run(main())
    assert len(list(stream)) == 49
    assert outcomes(spans) == {"ok"}


@ON_LOOP
async def test_a_stream_inside_a_stream_ends_with_it(make: Any, spans: SpanRecorder) -> None:
    """The inner stream is dropped by the outer one's generator."""

    async def outer(chunks: Any) -> Any:
        async for chunk in chunks:
            async for inner in make().astream(chunk):
                yield inner

    stream = RunnableGenerator(outer).astream("x")
    await anext(stream)
    await stream.aclose()
    await until(lambda: spans.started == len(spans))
    assert spans.outcomes()["outer"] == spans.outcomes()["RunnableSequence"] == "abandoned"


@pytest.mark.parametrize("records", [0, 1, 5])
@pytest.mark.parametrize("how", ["aclose", "break", "another task"])
@ON_LOOP
async def test_an_event_stream_left_early_ends_its_runs(make: Any, how: str, records: int, spans: SpanRecorder) -> None:
    """Leaving is abandoning, for every run that was going on."""
    stream = make().astream_events("x", version="v2")
    read = 0
    if records:
        async for _ in stream:
            read += 1
            if read == records:
                break
    if how == "aclose":
        await stream.aclose()
    elif how == "another task":
        await asyncio.create_task(stream.aclose())
    del stream
    await until(lambda: spans.started == len(spans))
    assert not records or spans.outcomes()["RunnableSequence"] == "abandoned"
    assert outcomes(spans) <= {"abandoned", "ok"}


async def test_leaving_an_event_stream_whose_run_has_failed_logs_nothing(spans: SpanRecorder) -> None:
    """The exception that nobody asked for any more is no lost one."""

    async def fails(chunks: Any) -> Any:
        async for chunk in chunks:
            yield chunk
            raise ValueError("no")

    stream = RunnableGenerator(fails).astream_events("x", version="v2")
    await anext(stream)
    await until(lambda: len(spans) > 0)
    await asyncio.sleep(0.01)
    await stream.aclose()
    del stream
    gc.collect()
    await asyncio.sleep(0)
    assert spans.outcomes() == {"fails": "error"}


async def test_an_unstartable_step_closes_the_run_that_feeds_it(spans: SpanRecorder) -> None:
    """A step whose config is wrong fails before its run; the upstream run, begun already, is closed and not left."""
    wrong = RunnableGenerator(aecho).with_config(run_id="no id")  # type: ignore[typeddict-item]
    with pytest.raises(ValueError, match="no id") as kept:
        async for _ in (RunnableGenerator(aletters) | wrong).astream("x"):
            pass
    assert spans.started == len(spans) == 2, kept
    assert spans.outcomes() == {"aletters": "abandoned", "RunnableSequence": "error"}
    spans.clear()
    with pytest.raises(ValueError, match="no id") as kept:
        list((RunnableGenerator(letters) | RunnableGenerator(echo).with_config(run_id="no id")).stream("x"))  # type: ignore[typeddict-item]
    assert spans.started == len(spans) == 2, kept
    assert spans.outcomes() == {"letters": "abandoned", "RunnableSequence": "error"}


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream", "left early", "cancelled"])
async def test_a_context_that_user_code_leaves_attached_stays_inside(way: str, spans: SpanRecorder) -> None:
    """Attach without detach, in the step and in a handler-free chain, is over with the run."""
    before = otel_context.get_current()

    def leaks(value: Any) -> Any:
        otel_context.attach(trace.set_span_in_context(trace.NonRecordingSpan(trace.SpanContext(1, 1, False))))
        return value

    async def aleaks(value: Any) -> Any:
        return leaks(value)

    async def leaky(chunks: Any) -> Any:
        async for chunk in chunks:
            leaks(chunk)
            yield chunk
            leaks(chunk)
            if way == "cancelled":
                await asyncio.Event().wait()
            yield chunk

    if way == "invoke":
        (RunnableLambda(leaks) | RunnableLambda(leaks)).invoke(1)
    elif way == "stream":
        for _ in (RunnableLambda(leaks) | RunnableLambda(leaks)).stream(1):
            assert otel_context.get_current() is before
    elif way == "ainvoke":
        await (RunnableLambda(aleaks) | RunnableLambda(aleaks) | RunnableLambda(leaks)).ainvoke(1)
    else:
        stream = (RunnableLambda(aleaks) | RunnableGenerator(leaky)).astream(1)
        await anext(stream)
        assert otel_context.get_current() is before
        if way == "astream":
            await anext(stream)
        elif way == "cancelled":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 0.01)
        await stream.aclose()
    assert otel_context.get_current() is before
    assert CURRENT.get() is None


@pytest.mark.parametrize("way", ["stream", "astream", "astream_events"])
async def test_a_stream_closed_after_one_chunk_has_produced_one(way: str, spans: SpanRecorder) -> None:
    """Of fifty: nothing is read to its end, and nothing is read ahead."""
    made: list[int] = []

    def fifty(chunks: Any) -> Any:
        for chunk in chunks:
            for place in range(50):
                made.append(place)
                yield chunk

    async def afifty(chunks: Any) -> Any:
        async for chunk in chunks:
            for place in range(50):
                made.append(place)
                yield chunk
                await asyncio.sleep(0)

    if way == "stream":
        stream = (RunnablePassthrough() | RunnableGenerator(fifty) | RunnableGenerator(echo)).stream("x")
        next(stream)
        stream.close()
        assert made == [0]
    elif way == "astream":
        astream = (RunnablePassthrough() | RunnableGenerator(afifty) | RunnableGenerator(aecho)).astream("x")
        await anext(astream)
        await astream.aclose()
        assert made == [0]
    else:
        events = (RunnableGenerator(afifty) | RunnableGenerator(aecho)).astream_events("x", version="v2")
        async for record in events:
            if record["event"] == "on_chain_stream":
                break
        await events.aclose()
        assert 1 <= len(made) <= HIGH_WATER
    assert spans.outcomes()["RunnableSequence"] == "abandoned"


@pytest.mark.parametrize("fails_in", ["close of the source", "clean-up of the step"])
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_failing_clean_up_still_ends_the_run(fails_in: str, way: str, spans: SpanRecorder) -> None:
    """Whoever closes the stream gets the exception."""

    class Source:
        def __iter__(self) -> Any:
            return self

        __aiter__ = __iter__

        def __next__(self) -> Any:
            return "x"

        async def __anext__(self) -> Any:
            return "x"

        def close(self) -> None:
            if fails_in == "close of the source":
                raise LookupError(fails_in)

    def step(chunks: Any) -> Any:
        try:
            yield from chunks
        finally:
            if fails_in == "clean-up of the step":
                raise LookupError(fails_in)

    async def astep(chunks: Any) -> Any:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            if fails_in == "clean-up of the step":
                raise LookupError(fails_in)

    source: Any = Source()
    with pytest.raises(LookupError, match=fails_in):
        if way == "stream":
            stream = RunnableGenerator(step).transform(source)
            next(stream)
            stream.close()
        else:
            astream = RunnableGenerator(astep).atransform(source)
            await anext(astream)
            await astream.aclose()
    assert spans.outcomes() == {("step" if way == "stream" else "astep"): "abandoned"}


async def test_an_event_consumer_cancelled_under_pressure_ends_every_run(spans: SpanRecorder) -> None:
    """The producer waits for room when it is cancelled: its generator is closed, not left to the collector."""
    closed: list[str] = []

    async def endless(chunks: Any) -> Any:
        try:
            async for chunk in chunks:
                while True:
                    yield chunk
        finally:
            closed.append("closed")

    async def main() -> None:
        async for _ in (RunnablePassthrough() | RunnableGenerator(endless)).astream_events("x", version="v2"):
            await asyncio.sleep(3600)

    gc.disable()
    try:
        task = asyncio.create_task(main())
        for _ in range(400):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        await until(lambda: spans.started == len(spans))
    finally:
        gc.enable()
    assert closed == ["closed"]
    assert spans.started == 3
