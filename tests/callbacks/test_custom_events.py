"""Custom events: what a program says of the run it is in."""

from typing import Any

import pytest

from spanloom.runtime.callbacks import adispatch_custom_event, dispatch_custom_event
from spanloom.runtime.runnables import RunnableConfig, RunnableLambda
from spanloom.testing.recorder import SpanRecorder


async def aslow_thing(value: str, config: RunnableConfig) -> str:
    await adispatch_custom_event("progress_event", {"message": "Finished step 1 of 3"}, config=config)
    await adispatch_custom_event("progress_event", {"message": "Finished step 2 of 3"}, config=config)
    return "Done"


def slow_thing(value: str, config: RunnableConfig) -> str:
    dispatch_custom_event("progress_event", {"message": "Finished step 1 of 3"}, config=config)
    dispatch_custom_event("progress_event", {"message": "Finished step 2 of 3"}, config=config)
    return "Done"


@pytest.mark.row("B3.10")
@pytest.mark.parametrize("source", ["live", "replayed"])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_custom_events_stand_in_order_between_start_and_end(mode: str, source: str, spans: SpanRecorder) -> None:
    """With their names and data in version 2, and not at all in version 1."""
    slow: Any = RunnableLambda(slow_thing if mode == "sync" else aslow_thing)
    records = [record async for record in slow.astream_events("hello", version="v2")]
    if source == "replayed":
        records = spans.records()
    custom = [record for record in records if record["event"] == "on_custom_event"]
    assert [(record["name"], record["data"]) for record in custom] == [
        ("progress_event", {"message": "Finished step 1 of 3"}),
        ("progress_event", {"message": "Finished step 2 of 3"}),
    ]
    assert records.index(custom[0]) == 1
    assert records[-1]["event"] == "on_chain_end"
    assert {record["run_id"] for record in records} == {records[0]["run_id"]}
    with pytest.warns(DeprecationWarning, match="v1"):
        old = slow.astream_events("hello", version="v1")
    assert "on_custom_event" not in [record["event"] async for record in old]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_custom_event_outside_a_run_is_refused(mode: str) -> None:
    """With its name."""
    with pytest.raises(RuntimeError, match="'lonely' has no enclosing run"):
        if mode == "sync":
            dispatch_custom_event("lonely", 1)
        else:
            await adispatch_custom_event("lonely", 1)
