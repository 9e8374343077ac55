"""Rate limiters by themselves, on a clock of the test's own."""

import asyncio
import threading
from typing import Any

import pytest

from spanloom.runtime.rate_limiters import InMemoryRateLimiter


class Clock:
    """A clock that stands still, or goes on by `step_s` each time it is read."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.now_s, self.step_s, self.reads = 100.0, step_s, 0

    def __call__(self) -> float:
        self.reads += 1
        self.now_s += self.step_s
        return self.now_s


def taken(limiter: InMemoryRateLimiter, tries: int) -> int:
    """How many of so many tries got a token at once."""
    return sum(limiter.acquire(blocking=False) for _ in range(tries))


def test_the_bucket_begins_empty_and_fills_up_to_its_size() -> None:
    """Tokens come with time alone, and none are kept beyond the size."""
    clock = Clock()
    limiter = InMemoryRateLimiter(requests_per_second=2, max_bucket_size=3, clock=clock)
    assert taken(limiter, 5) == 0
    clock.now_s += 0.5
    assert taken(limiter, 5) == 1
    clock.now_s += 1
    assert taken(limiter, 5) == 2
    clock.now_s += 1000
    assert taken(limiter, 5) == 3


def test_without_waiting_the_answer_is_the_same_on_a_loop() -> None:
    """Blocking and async callers share one bucket."""
    clock = Clock()
    limiter = InMemoryRateLimiter(max_bucket_size=2, clock=clock)

    async def tries() -> list[bool]:
        return [await limiter.aacquire(blocking=False) for _ in range(2)]

    assert asyncio.run(tries()) == [False, False]
    clock.now_s += 2
    assert limiter.acquire(blocking=False)
    assert asyncio.run(tries()) == [True, False]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_caller_that_waits_looks_until_its_token_is_due(mode: str) -> None:
    """At one token a second and a quarter of a second between looks, the fifth look takes it."""
    clock = Clock(step_s=0.25)
    limiter = InMemoryRateLimiter(check_every_n_seconds=1e-6, clock=clock)
    assert limiter.acquire() if mode == "sync" else asyncio.run(limiter.aacquire())
    assert clock.reads == 5


def test_threads_never_take_more_than_there_is() -> None:
    """Sixty tokens and eighty takers: sixty are served."""
    clock = Clock()
    limiter = InMemoryRateLimiter(requests_per_second=60, max_bucket_size=60, clock=clock)
    limiter.acquire(blocking=False)
    clock.now_s += 1
    served: list[int] = []
    threads = [threading.Thread(target=lambda: served.append(taken(limiter, 10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(served) == 60


async def test_a_wait_that_is_cancelled_takes_nothing() -> None:
    """The token that comes due afterwards is somebody else's."""
    clock = Clock()
    limiter = InMemoryRateLimiter(clock=clock)
    waiting = asyncio.create_task(limiter.aacquire())
    while not clock.reads:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    clock.now_s += 1
    assert taken(limiter, 2) == 1


async def test_waiting_does_not_hold_up_the_loop() -> None:
    """Other tasks run while one waits; it goes on once the clock does."""
    clock = Clock()
    limiter = InMemoryRateLimiter(check_every_n_seconds=1e-6, clock=clock)
    waiting = asyncio.create_task(limiter.aacquire())
    while clock.reads < 3:
        await asyncio.sleep(0)
    assert not waiting.done()
    clock.now_s += 1
    assert await waiting


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"check_every_n_seconds": -1}, "check_every_n_seconds"),
        ({"max_bucket_size": 0.5}, "max_bucket_size"),
    ],
)
def test_a_bucket_that_could_never_serve_is_refused(said: dict[str, Any], name: str) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match=name):
        InMemoryRateLimiter(**said)
