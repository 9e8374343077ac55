"""Batches: order, limits, results as they finish, and the span that groups the items and is no run."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloom.runtime.runnables import Runnable, RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

WAYS = ["batch", "abatch", "batch_as_completed", "abatch_as_completed"]


def ten(value: int) -> int:
    return value * 10


def odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError(value)
    return value


def run(chain: Runnable[Any, Any], way: str, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
    """The outputs in order, by the method named."""

    async def pairs() -> list[Any]:
        return [pair async for pair in chain.abatch_as_completed(inputs, config, **kwargs)]

    if way == "batch":
        return chain.batch(inputs, config, **kwargs)
    if way == "abatch":
        return asyncio.run(chain.abatch(inputs, config, **kwargs))
    found = asyncio.run(pairs()) if way == "abatch_as_completed" else None
    found = list(chain.batch_as_completed(inputs, config, **kwargs)) if found is None else found
    assert sorted(place for place, _ in found) == list(range(len(inputs)))
    return [output for _, output in sorted(found, key=lambda pair: pair[0])]


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span."""
    with SpanRecorder() as recorder:
        yield recorder


@pytest.mark.row("B3.04")
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=25, deadline=None)
@given(inputs=st.lists(st.integers(-9, 9), max_size=8), limit=st.sampled_from([None, 1, 2, 5]))
def test_outputs_stand_where_their_inputs_stood(way: str, inputs: list[int], limit: int | None) -> None:
    """Whatever the limit, failures in place too."""
    shown = run(RunnableLambda(odd), way, inputs, {"max_concurrency": limit}, return_exceptions=True)
    assert [value if isinstance(value, int) else str(value) for value in shown] == [
        value if value % 2 else str(value) for value in inputs
    ]


@pytest.mark.row("B3.04")
@pytest.mark.row("B3.05")
@pytest.mark.parametrize("way", WAYS)
def test_a_config_each(way: str, spans: SpanRecorder) -> None:
    """Name and tags are the item's own; too few configs are an error."""
    run(RunnableLambda(ten), way, [1, 2], [{"run_name": "first"}, {"run_name": "second", "tags": ["t"]}])
    assert sorted(spans.outcomes()) == ["batch ten", "first", "second"]
    assert spans.one("second").attributes["spanloom.run.tags"] == ("t",)
    with pytest.raises(ValueError, match="1 configs were given for 2 inputs"):
        run(RunnableLambda(ten), way, [1, 2], [{}])


@pytest.mark.row("B3.04")
@pytest.mark.row("B3.05")
@pytest.mark.parametrize("way", WAYS)
def test_no_more_than_the_limit_run_at_once(way: str) -> None:
    """And with a limit that many do."""
    lock, meet = threading.Lock(), threading.Barrier(2)
    now, most = 0, 0

    def blocking(value: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        meet.wait(timeout=30)
        with lock:
            now -= 1
        return value

    assert run(RunnableLambda(blocking), way, [1, 2, 3, 4], {"max_concurrency": 2}) == [1, 2, 3, 4]
    assert most == 2


@pytest.mark.row("B3.05")
def test_outputs_come_as_they_finish() -> None:
    """Each is let go only when the one after it has been read: the last input comes first."""
    gates = [threading.Event() for _ in range(3)]
    gates[2].set()

    def wait(place: int) -> int:
        assert gates[place].wait(timeout=30)
        return place

    came = []
    for place, output in RunnableLambda(wait).batch_as_completed([0, 1, 2]):
        came.append((place, output))
        if place:
            gates[place - 1].set()
    assert came == [(2, 2), (1, 1), (0, 0)]


@pytest.mark.row("B3.05")
async def test_outputs_come_as_they_finish_on_a_loop() -> None:
    """Each is let go only when the one after it has been read: the last input comes first."""
    gates = [asyncio.Event() for _ in range(3)]
    gates[2].set()

    async def wait(place: int) -> int:
        await gates[place].wait()
        return place

    came = []
    async for place, output in RunnableLambda(wait).abatch_as_completed([0, 1, 2]):
        came.append((place, output))
        if place:
            gates[place - 1].set()
    assert came == [(2, 2), (1, 1), (0, 0)]


@pytest.mark.row("B3.05")
@pytest.mark.parametrize("way", WAYS)
def test_a_failure_is_raised_and_nothing_is_left_open(way: str, spans: SpanRecorder) -> None:
    """The group's span ends without a status of its own."""
    with pytest.raises(ValueError, match="2"):
        run(RunnableLambda(odd), way, [2, 4, 6], {"max_concurrency": 1})
    assert spans.started == len(spans)
    assert spans.one("batch odd").span.status.is_unset
    first, *others = [span.outcome for span in spans if span.name == "odd"]
    assert first == "error"
    assert set(others) <= {"abandoned"}, "one that had begun on the loop is cancelled"


def test_leaving_early_begins_no_other_and_ends_the_group(spans: SpanRecorder) -> None:
    """Under a blocking call what runs is waited for."""
    pairs: Any = RunnableLambda(ten).batch_as_completed([1, 2, 3], {"max_concurrency": 1})
    assert next(pairs) == (0, 10)
    pairs.close()
    assert spans.started == len(spans) == 2
    assert spans.tree() == [("batch ten", [("ten", [])])]


async def test_leaving_early_on_a_loop_cancels_the_others(spans: SpanRecorder) -> None:
    """They end as abandoned or were never begun; the group's span ends after them."""

    async def one_ends(value: int) -> int:
        if value:
            await asyncio.Event().wait()
        return value

    pairs: Any = RunnableLambda(one_ends).abatch_as_completed([1, 0, 1])
    assert await anext(pairs) == (1, 0)
    await pairs.aclose()
    assert sorted(str(span.outcome) for span in spans) == ["None", "abandoned", "abandoned", "ok"]
    assert [span.name for span in spans][-1] == "batch one_ends"


def test_nothing_runs_before_the_first_is_asked_for(spans: SpanRecorder) -> None:
    """A batch that is never read leaves no span."""
    RunnableLambda(ten).batch_as_completed([1, 2])
    RunnableLambda(ten).abatch_as_completed([1, 2])
    assert spans.started == 0
    assert run(RunnableLambda(ten), "batch_as_completed", []) == run(RunnableLambda(ten), "abatch", []) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_has_one_span_that_groups_its_runs(way: str, spans: SpanRecorder) -> None:
    """Items are root runs in one trace, each with its index; the group tells the size and is no run."""
    assert run(RunnableLambda(ten), way, [1, 2, 3]) == [10, 20, 30]
    assert spans.tree() == [("batch ten", [("ten", []), ("ten", []), ("ten", [])])]
    group = spans.one("batch ten")
    assert group.attributes == {"spanloom.batch.size": 3}
    assert group.journal is None
    items = [span for span in spans if span is not group and span.name == "ten"]
    assert sorted(span.attributes["spanloom.batch.index"] for span in items) == [0, 1, 2]
    assert {span.trace_id for span in spans} == {group.trace_id}
    assert all("spanloom.run.parent_id" not in span.attributes for span in items)
    records = spans.records()
    assert len(records) == 6
    assert all(record["parent_ids"] == [] for record in records)


@pytest.mark.parametrize("way", WAYS)
def test_only_the_item_carries_the_index(way: str, spans: SpanRecorder) -> None:
    """Not the steps inside it."""
    run(RunnableLambda(ten) | RunnableLambda(odd).with_fallbacks([RunnableLambda(ten)]), way, [1, 2])
    carried = [(span.name, span.attributes["spanloom.batch.index"]) for span in spans if _indexed(span)]
    assert sorted(carried) == [("RunnableSequence", 0), ("RunnableSequence", 1)]


def _indexed(span: Any) -> bool:
    return "spanloom.batch.index" in span.attributes


@pytest.mark.parametrize("way", WAYS)
def test_a_batch_of_one_has_no_group(way: str, spans: SpanRecorder) -> None:
    """There is nothing to group."""
    run(RunnableLambda(ten), way, [1])
    assert spans.tree() == [("ten", [])]
    assert not any(map(_indexed, spans))


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_inside_a_run_items_are_its_children(way: str) -> None:
    """Their spans stand below the group, which stands below the run; records know of the run alone, and replay."""

    async def on_loop(values: list[int]) -> list[int]:
        return await RunnableLambda(ten).abatch(values)

    step = RunnableLambda(lambda values: RunnableLambda(ten).batch(values), name="step")
    chain: Any = step if way == "batch" else RunnableLambda(on_loop, name="step")
    records = []

    async def read() -> None:
        async for record in chain.astream_events([1, 2]):
            records.append(record)

    with SpanRecorder() as spans:
        asyncio.run(read())
        assert spans.tree() == [("step", [("batch ten", [("ten", []), ("ten", [])])])]
        live = json.dumps([canonical(record) for record in records], sort_keys=True)
        assert json.dumps(spans.records(), sort_keys=True) == live
    root = records[0]["run_id"]
    assert [r["parent_ids"] for r in records if r["name"] == "ten"] == [[root]] * 4


@pytest.mark.parametrize("way", WAYS)
def test_handlers_hear_of_the_items_only(way: str) -> None:
    """With or without a recorder the callbacks are the same."""
    told: list[Any] = []

    class Telling(BaseCallbackHandler):
        def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
            told.append((inputs, kwargs["parent_run_id"], kwargs["name"], kwargs["metadata"], kwargs["tags"]))

    run(RunnableLambda(ten), way, [1, 2], {"callbacks": [Telling()], "max_concurrency": 1})
    assert told == [(1, None, "ten", {}, []), (2, None, "ten", {}, [])]


@pytest.mark.parametrize("way", WAYS)
def test_the_group_is_never_the_current_span_of_the_caller(way: str, spans: SpanRecorder) -> None:
    """A run after the batch, and one between its outputs, is a root of its own."""
    run(RunnableLambda(ten), way, [1, 2])
    RunnableLambda(odd).invoke(1)
    assert [name for name, _ in spans.tree()] == ["batch ten", "odd"]
    for _ in RunnableLambda(ten).batch_as_completed([1, 2]):
        RunnableLambda(odd).with_config(run_name="between").invoke(1)
    assert [name for name, _ in spans.tree()].count("between") == 2


async def test_reading_on_in_another_task_leaks_nothing(spans: SpanRecorder) -> None:
    """The group is attached inside the items alone."""
    pairs: Any = RunnableLambda(ten).abatch_as_completed([1, 2])
    first = await asyncio.create_task(anext(pairs))
    rest = [pair async for pair in pairs]
    assert sorted([first, *rest]) == [(0, 10), (1, 20)]
    await RunnableLambda(ten).with_config(run_name="after").ainvoke(1)
    assert [name for name, _ in spans.tree()] == ["batch ten", "after"]
