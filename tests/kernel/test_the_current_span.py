"""The span of a step is current inside its code, wherever that code runs; what is opened there hangs below it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace

from spanloom.runtime.runnables import (
    Runnable,
    RunnableEach,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    carry_context,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.scope import CURRENT

Seen = list[tuple[str, int, str]]


def look(seen: Seen) -> None:
    scope = CURRENT.get()
    assert scope is not None
    seen.append((scope.run.name, trace.get_current_span().get_span_context().span_id, threading.current_thread().name))


def steps(seen: Seen) -> dict[str, Runnable[Any, Any]]:
    """One runnable of every kind of user code; each notes where it is."""

    def plain(value: Any) -> Any:
        look(seen)
        return value

    async def awaited(value: Any) -> Any:
        look(seen)
        await asyncio.sleep(0)
        look(seen)
        return value

    def generated(chunks: Any) -> Any:
        look(seen)
        for chunk in chunks:
            look(seen)
            yield chunk
            look(seen)

    async def agenerated(chunks: Any) -> Any:
        look(seen)
        async for chunk in chunks:
            await asyncio.sleep(0)
            look(seen)
            yield chunk
            look(seen)

    def yields(value: Any) -> Any:
        look(seen)
        yield value
        look(seen)

    async def ayields(value: Any) -> Any:
        look(seen)
        yield value
        await asyncio.sleep(0)
        look(seen)

    return {
        "plain": RunnableLambda(plain),
        "generated": RunnableGenerator(generated),
        "yields": RunnableLambda(yields),
        "awaited": RunnableLambda(awaited),
        "agenerated": RunnableGenerator(agenerated),
        "ayields": RunnableLambda(ayields),
    }


BLOCKING = ["plain", "generated", "yields"]
ALL = [*BLOCKING, "awaited", "agenerated", "ayields"]
WAYS = ["invoke", "stream", "batch", "ainvoke", "astream", "abatch", "astream_events"]


async def driven(chain: Runnable[Any, Any], way: str, value: Any = "x") -> None:
    if way == "invoke":
        chain.invoke(value)
    elif way == "stream":
        list(chain.stream(value))
    elif way == "batch":
        chain.batch([value, value, value])
    elif way == "ainvoke":
        await chain.ainvoke(value)
    elif way == "astream":
        assert [chunk async for chunk in chain.astream(value)]
    elif way == "abatch":
        await chain.abatch([value, value, value])
    else:
        assert [record async for record in chain.astream_events(value, version="v2")]


@pytest.mark.parametrize("shape", ["alone", "sequence", "parallel", "each", "nested"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ALL)
async def test_the_span_of_a_step_is_current_in_its_code(kind: str, way: str, shape: str, spans: SpanRecorder) -> None:
    """Every look from user code finds the span of its own run, and no other."""
    if kind not in BLOCKING and way in ("invoke", "stream", "batch"):
        pytest.skip("async code has no blocking call")
    seen: Seen = []
    step = steps(seen)[kind]
    other: Runnable[Any, Any] = RunnableLambda(lambda v: v, name="other")
    value: Any = "x"
    chain = step
    if shape == "sequence":
        chain = RunnablePassthrough() | step | other | step
    elif shape == "parallel":
        chain = RunnableParallel(a=step, b=RunnableParallel(c=step, d=other))
    elif shape == "each":
        chain, value = RunnableEach(step), ["x", "y", "z"]
    elif shape == "nested":
        chain = step | RunnableLambda(lambda v: step)
    await driven(chain, way, value)
    assert seen
    named = {span.span_id: span.name for span in spans}
    assert {named[span_id] for _, span_id, _ in seen} == {kind} == {name for name, _, _ in seen}
    assert {span_id for _, span_id, _ in seen} == {span.span_id for span in spans if span.name == kind}
    ids = {span.span_id for span in spans}
    roots = [span for span in spans if span.parent_id is None]
    assert all(span.parent_id in ids for span in spans if span not in roots)
    assert len(roots) == 1, "a batch has one span around its items"
    assert all(span.trace_id in {root.trace_id for root in roots} for span in spans)


@pytest.mark.parametrize("way", WAYS)
async def test_a_span_of_the_users_own_stands_between_the_step_and_what_it_calls(way: str, spans: SpanRecorder) -> None:
    """Step, then user span, then the runnable invoked inside it."""
    tracer = spans.provider.get_tracer("mine")
    inner = RunnableLambda(lambda v: v, name="inner")

    def step(value: Any) -> Any:
        with tracer.start_as_current_span("mine"):
            return inner.invoke(value)

    async def astep(value: Any) -> Any:
        with tracer.start_as_current_span("mine"):
            await asyncio.sleep(0)
            return await inner.ainvoke(value)

    chain = RunnablePassthrough() | (RunnableLambda(step, astep) if way[0] == "a" else RunnableLambda(step))
    await driven(chain, way)
    branch = [("step", [("mine", [("inner", [])])])]
    one = ("RunnableSequence", [("RunnablePassthrough", []), *branch])
    assert spans.tree() == ([("batch RunnableSequence", [one] * 3)] if way in ("batch", "abatch") else [one])


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_span_of_the_users_own_around_a_yield_stays_below_its_step(way: str, spans: SpanRecorder) -> None:
    """A generator that holds its own span open across its yields disturbs nobody outside."""
    tracer = spans.provider.get_tracer("mine")

    def step(chunks: Any) -> Any:
        for chunk in chunks:
            with tracer.start_as_current_span("mine"):
                yield chunk
                yield chunk

    async def astep(chunks: Any) -> Any:
        async for chunk in chunks:
            with tracer.start_as_current_span("mine"):
                yield chunk
                yield chunk

    chain = RunnableGenerator(step if way == "stream" else astep, name="step") | RunnableLambda(
        lambda v: v, name="next"
    )
    before = trace.get_current_span()
    if way == "stream":
        for _ in chain.stream("x"):
            assert trace.get_current_span() is before
    else:
        async for _ in chain.astream("x"):
            assert trace.get_current_span() is before
    assert spans.tree() == [("RunnableSequence", [("step", [("mine", [])]), ("next", [])])]


@pytest.mark.parametrize("carried", [True, False])
def test_an_executor_with_carried_context_keeps_the_parent(carried: bool, spans: SpanRecorder) -> None:
    """`carry_context` is what makes the difference; one carried function may run in several threads at once."""
    inner = RunnableLambda(lambda v: v, name="inner")
    gate = threading.Barrier(3)

    def work(value: int) -> int:
        gate.wait(10)
        return inner.invoke(value)

    def step(value: Any) -> Any:
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(carry_context(work) if carried else work, range(3)))

    assert RunnableLambda(step).invoke(0) == [0, 1, 2]
    leaf: Any = ("inner", [])
    assert sorted(spans.tree(), key=str) == ([("step", [leaf] * 3)] if carried else [leaf, leaf, leaf, ("step", [])])


async def test_tasks_that_user_code_creates_keep_the_parent(spans: SpanRecorder) -> None:
    """Context variables reach them; a run that outlives its parent still ends once."""
    inner = RunnableLambda(lambda v: v, name="inner")
    late: list[asyncio.Task[Any]] = []
    go = asyncio.Event()

    async def outlives(value: Any) -> Any:
        await go.wait()
        return await inner.ainvoke(value)

    async def step(value: Any) -> Any:
        await asyncio.gather(*(asyncio.create_task(inner.ainvoke(place)) for place in range(3)))
        late.append(asyncio.create_task(outlives(value)))
        return value

    await RunnableLambda(step).ainvoke(1)
    go.set()
    await late[0]
    assert spans.tree() == [("step", [("inner", [])] * 4)]
    assert spans.started == len(spans) == 5
