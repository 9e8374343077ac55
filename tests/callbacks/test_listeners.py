"""Listeners are told of one runnable's own runs: when they start, end and fail."""

import asyncio
import threading
from datetime import UTC
from typing import Any

import pytest

from spanloom.runtime.runnables import Runnable, RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.callbacks import dispatch

WAYS = ["invoke", "stream", "batch", "ainvoke", "astream", "abatch"]


def double(value: Any) -> Any:
    if value == "fail":
        raise ValueError("no")
    return value * 2


async def adouble(value: Any) -> Any:
    return double(value)


async def driven(chain: Runnable[Any, Any], way: str, value: Any, config: Any = None) -> Any:
    if way == "invoke":
        return chain.invoke(value, config)
    if way == "stream":
        return list(chain.stream(value, config))[-1]
    if way == "batch":
        return chain.batch([value], config)[0]
    if way == "ainvoke":
        return await chain.ainvoke(value, config)
    if way == "astream":
        return [chunk async for chunk in chain.astream(value, config)][-1]
    return (await chain.abatch([value], config))[0]


class Notes(list[Any]):
    """Listener functions that note what they are told."""

    def start(self, run: Any) -> None:
        self.append(("start", run))

    def end(self, run: Any, config: Any) -> None:
        self.append(("end", run, config))

    def error(self, run: Any) -> None:
        self.append(("error", run))

    async def astart(self, run: Any) -> None:
        await asyncio.sleep(0)
        self.start(run)

    async def aend(self, run: Any, config: Any) -> None:
        await asyncio.sleep(0)
        self.end(run, config)

    async def aerror(self, run: Any) -> None:
        await asyncio.sleep(0)
        self.error(run)

    def on(self, chain: Runnable[Any, Any], kind: str) -> Runnable[Any, Any]:
        if kind == "sync":
            return chain.with_listeners(on_start=self.start, on_end=self.end, on_error=self.error)
        return chain.with_alisteners(on_start=self.astart, on_end=self.aend, on_error=self.aerror)


@pytest.mark.row("B3.17")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("way", WAYS)
async def test_listeners_are_told_of_the_runs_start_and_end_with_all_it_has(
    way: str, kind: str, spans: SpanRecorder
) -> None:
    """Of that run alone, not of its children, which the run holds."""
    notes = Notes()
    chain = notes.on(
        (RunnableLambda(double, adouble) | RunnableLambda(double, adouble)).with_config(run_name="c"), kind
    )
    assert await driven(chain, way, 2, {"tags": ["t"], "metadata": {"m": 1}}) == 8
    assert [note[0] for note in notes] == ["start", "end"]
    _, run, config = notes[1]
    assert notes[0][1] is run
    assert (run.name, run.type, run.run_type, run.error, run.parent_run_id) == ("c", "chain", "chain", None, None)
    assert (run.input, run.inputs, run.output, run.outputs) == (2, {"input": 2}, 8, {"output": 8})
    assert (run.tags, run.metadata) == (["t"], {"m": 1})
    assert run.start_time.tzinfo is UTC
    assert run.start_time <= run.end_time
    assert str(run.id) == spans.one("c").attributes["spanloom.run.id"]
    assert [child.name for child in run.child_runs] == ["double", "double"]
    assert [child.output for child in run.child_runs] == [4, 8]
    assert (config["tags"], config["metadata"]) == (["t"], {"m": 1})
    assert spans.tree() == [("c", [("double", []), ("double", [])])]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("way", WAYS)
async def test_an_error_is_told_and_raised(way: str, kind: str) -> None:
    """With its text; there is no end."""
    notes = Notes()
    with pytest.raises(ValueError, match="no"):
        await driven(notes.on(RunnableLambda(double, adouble), kind), way, "fail")
    assert [note[0] for note in notes] == ["start", "error"]
    run = notes[1][1]
    assert run.error.startswith("ValueError('no')")
    assert run.outputs is None
    assert run.output is None
    assert run.end_time is not None


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_failing_listener_is_counted_and_changes_nothing(way: str, kind: str, caplog: Any) -> None:
    """Not even that the others are told."""
    notes = Notes()

    def bad(run: Any) -> None:
        raise LookupError

    async def abad(run: Any) -> None:
        raise LookupError

    step = RunnableLambda(double, adouble)
    chain = step.with_listeners(on_start=bad) if kind == "sync" else step.with_alisteners(on_start=abad)
    before = dispatch.counts["handler_errors"]
    assert await driven(notes.on(chain, kind), way, 1) == 2
    assert [note[0] for note in notes] == ["start", "end"]
    assert dispatch.counts["handler_errors"] == before + 1


async def test_each_item_of_a_batch_is_told_by_itself() -> None:
    """In any order, each start before its end."""
    notes = Notes()
    assert notes.on(RunnableLambda(double), "sync").batch([1, 2, 3]) == [2, 4, 6]
    assert await notes.on(RunnableLambda(double, adouble), "async").abatch([4, 5]) == [8, 10]
    assert sorted(note[1].input for note in notes if note[0] == "end") == [1, 2, 3, 4, 5]
    assert len({note[1].id for note in notes}) == 5
    for _, run in [note for note in notes if note[0] == "start"]:
        assert [note[0] for note in notes if note[1] is run] == ["start", "end"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_listeners_go_with_bound_config_and_arguments(order: str) -> None:
    """Bound before or after."""
    notes = Notes()
    step = RunnableLambda(lambda value, extra=0: value + extra)
    bind = lambda r: r.bind(extra=5).with_config(run_name="named", tags=["t"])  # noqa: E731
    chain = bind(notes.on(step, "sync")) if order == "after" else notes.on(bind(step), "sync")
    assert chain.invoke(1) == 6
    assert [(note[1].name, note[1].tags) for note in notes] == [("named", ["t"])] * 2


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_runnable_with_listeners_joins_the_tree_it_is_called_in(mode: str, spans: SpanRecorder) -> None:
    """As a step and as a call inside a function; its run names its parent."""
    notes = Notes()
    inner = notes.on(RunnableLambda(double, adouble).with_config(run_name="inner"), mode)

    def outer(value: Any) -> Any:
        return inner.invoke(value)

    async def aouter(value: Any) -> Any:
        return await inner.ainvoke(value)

    chain = RunnableLambda(outer, aouter).with_config(run_name="outer") | inner
    assert (chain.invoke(1) if mode == "sync" else await chain.ainvoke(1)) == 4
    assert spans.tree() == [("RunnableSequence", [("outer", [("inner", [])]), ("inner", [])])]
    assert spans.spans[-2].attributes["spanloom.run.step"] == "seq:step:2"
    parents = [str(note[1].parent_run_id) for note in notes if note[0] == "end"]
    ids = [spans.one(name).attributes["spanloom.run.id"] for name in ("outer", "RunnableSequence")]
    assert parents == ids


@pytest.mark.row("B3.18")
async def test_async_listeners_begin_together_and_are_awaited_around_each_body() -> None:
    """Two runs at once: both starts begin before either body, each end follows its own body."""
    told: list[tuple[str, str]] = []
    both_started, release = asyncio.Barrier(2), {2: asyncio.Event(), 3: asyncio.Event()}

    async def on_start(run: Any) -> None:
        told.append(("on_start begins", str(run.input)))
        await both_started.wait()
        told.append(("on_start ends", str(run.input)))

    async def on_end(run: Any) -> None:
        told.append(("on_end begins", str(run.input)))
        await asyncio.sleep(0)
        told.append(("on_end ends", str(run.input)))

    async def work(seconds: int) -> int:
        told.append(("body begins", str(seconds)))
        await release[seconds].wait()
        told.append(("body ends", str(seconds)))
        return seconds

    runnable = RunnableLambda(work).with_alisteners(on_start=on_start, on_end=on_end)
    running = asyncio.gather(runnable.ainvoke(2), runnable.ainvoke(3))
    while len(told) < 6:
        await asyncio.sleep(0)
    assert [what for what, _ in told] == ["on_start begins"] * 2 + ["on_start ends", "body begins"] * 2 or [
        what for what, _ in told
    ] == ["on_start begins"] * 2 + ["on_start ends"] * 2 + ["body begins"] * 2
    release[2].set()
    while ("on_end ends", "2") not in told:
        await asyncio.sleep(0)
    assert ("body ends", "3") not in told
    release[3].set()
    assert await running == [2, 3]
    order = ["on_start begins", "on_start ends", "body begins", "body ends", "on_end begins", "on_end ends"]
    for run in ("2", "3"):
        assert [what for what, which in told if which == run] == order


async def test_blocking_listeners_of_a_run_on_a_loop_run_off_it() -> None:
    """The loop goes on meanwhile."""
    seen: list[bool] = []
    chain = RunnableLambda(adouble).with_listeners(
        on_start=lambda run: seen.append(threading.current_thread() is threading.main_thread())
    )
    assert await chain.ainvoke(1) == 2
    assert seen == [False]


@pytest.mark.parametrize("function", [lambda: None, lambda a, b, c: None])
def test_a_function_that_cannot_be_a_listener_is_refused_at_once(function: Any) -> None:
    """With what was given and what is wanted."""
    with pytest.raises(TypeError, match="a listener takes the run, or the run and its config"):
        RunnableLambda(double).with_listeners(on_start=function)


def test_a_stream_left_early_is_told_as_an_error() -> None:
    """And one never read is not told at all."""
    notes = Notes()

    def count(chunks: Any) -> Any:
        for _ in chunks:
            yield 1
            yield 2

    from spanloom.runtime.runnables import RunnableGenerator

    chain = notes.on(RunnableGenerator(count), "sync")
    chain.stream(0)
    assert not notes
    stream = chain.stream(0)
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert [note[0] for note in notes] == ["start", "error"]
    assert notes[1][1].error.startswith("GeneratorExit")
