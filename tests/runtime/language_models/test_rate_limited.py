"""Models with a rate limiter: who waits, who does not, and where the wait shows."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.caches import InMemoryCache
from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.messages import HumanMessage
from spanloom.runtime.rate_limiters import BaseRateLimiter, InMemoryRateLimiter
from spanloom.testing.recorder import SpanRecorder

WAIT = "spanloom.rate_limit.wait_s"


class Counting(BaseRateLimiter):
    """Lets everybody go and keeps who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def acquire(self, *, blocking: bool = True) -> bool:
        """Keep a blocking caller."""
        self.asked.append(("sync", blocking))
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Keep an async caller."""
        self.asked.append(("async", blocking))
        return True


async def chunks(model: Any) -> list[Any]:
    return [chunk async for chunk in model.astream("hi")]


async def events(model: Any) -> list[Any]:
    return [record async for record in model.astream_events("hi", version="v2")]


CALLS: dict[str, tuple[Any, list[str]]] = {
    "invoke": (lambda model: model.invoke("hi"), ["sync"]),
    "ainvoke": (lambda model: asyncio.run(model.ainvoke("hi")), ["async"]),
    "stream": (lambda model: list(model.stream("hi")), ["sync"]),
    "astream": (lambda model: asyncio.run(chunks(model)), ["async"]),
    "events": (lambda model: asyncio.run(events(model)), ["async"]),
    "batch": (lambda model: model.batch(["a", "b"]), ["sync"] * 2),
    "generate": (lambda model: model.generate([[HumanMessage("a")], [HumanMessage("b")]]), ["sync"] * 2),
    "agenerate": (lambda model: asyncio.run(model.agenerate([[HumanMessage("a")]])), ["async"]),
}


@pytest.mark.parametrize("how", CALLS)
@pytest.mark.parametrize("disabled", [False, True])
def test_each_request_waits_once_and_its_span_says_how_long(how: str, disabled: bool) -> None:
    """Blocking calls wait in their thread, calls on a loop on the loop, streams too."""
    limiter = Counting()
    call, asked = CALLS[how]
    with SpanRecorder() as spans:
        call(FakeListChatModel(responses=["ab"], rate_limiter=limiter, disable_streaming=disabled))
        waits = [span.attributes[WAIT] for span in spans.spans if span.outcome is not None]
    assert limiter.asked == [(kind, True) for kind in asked]
    assert len(waits) == len(asked)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.row("B1.05")
def test_an_answer_from_a_cache_does_not_wait(mode: str) -> None:
    """Nothing is asked of the provider, so there is nothing to limit."""
    limiter = Counting()
    model = FakeListChatModel(responses=["ab"], rate_limiter=limiter, cache=InMemoryCache())
    with SpanRecorder() as spans:
        for _ in range(2):
            CALLS["invoke" if mode == "sync" else "ainvoke"][0](model)
        assert [WAIT in span.attributes for span in spans.spans] == [True, False]
    assert len(limiter.asked) == 1


async def test_a_call_cancelled_while_it_waits_asks_nothing() -> None:
    """The run ends as cancelled, and its span shows the wait."""
    reads: list[float] = []

    def clock() -> float:
        reads.append(0.0)
        return 0.0

    model = FakeListChatModel(responses=["a", "b"], rate_limiter=InMemoryRateLimiter(clock=clock))
    with SpanRecorder() as spans:
        call = asyncio.create_task(model.ainvoke("hi"))
        while not reads:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        (span,) = spans.spans
    assert (span.outcome, WAIT in span.attributes, model.i) == ("cancelled", True, 0)


def test_a_limiter_is_no_part_of_the_model_when_it_is_dumped() -> None:
    """It belongs to the program, like handlers."""
    assert "rate_limiter" not in FakeListChatModel(responses=["a"], rate_limiter=Counting()).model_dump()
