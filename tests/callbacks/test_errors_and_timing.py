"""`include_errors` and `include_timing`: on request, live as replayed, and nothing without a request."""

from typing import Any

import pytest

from spanloom.runtime.runnables import Runnable, RunnableGenerator, RunnableLambda
from spanloom.runtime.tools import tool
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import CallbackManager, canonical, scope


def fails(value: Any) -> Any:
    raise ValueError("no")


async def many(chunks: Any) -> Any:
    async for _ in chunks:
        for number in range(9):
            yield number


async def leaves(value: Any) -> Any:
    stream = RunnableGenerator(many).astream(value)
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    return first


@tool
def broken(a: int) -> int:
    """Break."""
    raise LookupError("tool")


CHAINS: dict[str, Runnable[Any, Any]] = {
    "error": RunnableLambda(lambda x: x) | RunnableLambda(fails),
    "abandoned": RunnableLambda(leaves),
    "tool": RunnableLambda(lambda x: {"a": 1}) | broken,
    "ok": RunnableLambda(lambda x: x) | RunnableGenerator(many),
}


async def live(chain: Runnable[Any, Any], **kwargs: Any) -> list[dict[str, Any]]:
    records = []
    try:
        async for record in chain.astream_events("x", version="v2", **kwargs):
            records.append(record)
    except (ValueError, LookupError):
        pass
    return records


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("timing", [False, True])
@pytest.mark.parametrize("errors", [False, True])
async def test_live_equals_replayed_with_errors_and_timing(
    name: str, errors: bool, timing: bool, spans: SpanRecorder
) -> None:
    """Whatever is asked for."""
    asked = {"include_errors": errors, "include_timing": timing}
    records = [canonical(record) for record in await live(CHAINS[name], **asked)]
    assert records == list(CallbackManager.records(spans, **asked))
    assert all(("seq" in record and "time_ns" in record) is timing for record in records)
    if timing:
        numbers = [record["seq"] for record in records]
        assert numbers == sorted(set(numbers))
        assert [r["time_ns"] for r in records] == sorted(r["time_ns"] for r in records)


@pytest.mark.parametrize("name", CHAINS)
async def test_what_is_added_is_all_that_differs_from_the_default(name: str, spans: SpanRecorder) -> None:
    """Take the additions away and the default records are left."""
    await live(CHAINS[name])
    full = list(CallbackManager.records(spans, include_errors=True, include_timing=True))
    for record in full:
        del record["time_ns"], record["seq"]
        if record["event"] == "on_tool_error":
            del record["data"]["outcome"]
    left = [r for r in full if not r["event"].endswith("_error") or r["event"] == "on_tool_error"]
    assert left == list(CallbackManager.records(spans))


@pytest.mark.parametrize("source", ["live", "replayed"])
async def test_errors_tell_exception_input_and_outcome(source: str, spans: SpanRecorder) -> None:
    """Of each run that did not return, the innermost first."""
    records = await live(CHAINS["error"], include_errors=True)
    if source == "replayed":
        records = list(CallbackManager.records(spans, include_errors=True))
    told = [(r["event"], r["name"], r["data"].get("outcome"), r["data"]["input"]) for r in records[-2:]]
    assert [t[:3] for t in told] == [
        ("on_chain_error", "fails", "error"),
        ("on_chain_error", "RunnableSequence", "error"),
    ]
    error = records[-1]["data"]["error"]
    assert "no" in str(error)


async def test_an_abandoned_run_is_told_as_such(spans: SpanRecorder) -> None:
    """Its caller ended well."""
    records = await live(CHAINS["abandoned"], include_errors=True)
    told = [(r["name"], r["data"]["outcome"]) for r in records if r["event"] == "on_chain_error"]
    assert told == [("many", "abandoned")]


class Interrupt(Exception):
    """A program's way to go on elsewhere."""


class Deeper(Interrupt):
    """A kind of it."""


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("outcome", ["ok", "cancelled"])
async def test_a_registered_exception_is_no_error(mode: str, outcome: Any, spans: SpanRecorder) -> None:
    """It reaches the caller; the span has the chosen outcome and no error status."""

    def interrupts(value: Any) -> Any:
        raise Deeper

    chain = RunnableLambda(interrupts) | RunnableLambda(lambda x: x)
    scope.register_control_flow(Interrupt, outcome)
    try:
        with pytest.raises(Deeper):
            chain.invoke(1) if mode == "sync" else await chain.ainvoke(1)
    finally:
        scope.register_control_flow(Interrupt, "error")
    assert spans.outcomes() == {"interrupts": outcome, "RunnableSequence": outcome}
    assert all(span.span.status.is_ok or span.span.status.is_unset for span in spans)
    assert all(not span.span.events for span in spans)
    with pytest.raises(Deeper):
        chain.invoke(1)
    assert spans.spans[-1].outcome == "error"


def test_only_exception_types_can_be_control_flow() -> None:
    """An instance is refused."""
    with pytest.raises(TypeError, match="is no exception type"):
        scope.register_control_flow(Interrupt())  # type: ignore[arg-type]
