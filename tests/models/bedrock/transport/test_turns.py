"""Requests begun at once: how many are written in one turn of the loop, by a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from spanloom.runtime.models.bedrock import connections
from spanloom.runtime.models.bedrock.connections import TURN_S, LoopConnections


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(connections, "time", made)
    return made


COST_S = 0.6 * TURN_S
"""What it takes to write a request here; two fill a turn."""


async def written_by_turn(of_loop: LoopConnections, clock: Clock, count: int, others_s: float = 0.0) -> list[list[int]]:
    """Write that many requests at once and return which were written in each turn of the loop that wrote any.

    `others_s` is how long everything else takes in a turn.
    """
    turns: list[list[int]] = [[]]

    async def write(number: int) -> None:
        async with of_loop.turn():
            clock.now_s += COST_S
            turns[-1].append(number)

    tasks = [asyncio.ensure_future(write(number)) for number in range(count)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        turns.append([])
        clock.now_s += others_s
    return [turn for turn in turns if turn]


async def test_requests_begun_at_once_are_spread_over_turns_in_order(clock: Clock) -> None:
    """No turn takes longer than it may, and nobody overtakes."""
    turns = await written_by_turn(LoopConnections(), clock, 20)
    assert [number for turn in turns for number in turn] == list(range(20))
    assert max(map(len, turns)) <= 2


async def test_where_turns_grow_long_half_of_one_goes_to_new_requests(clock: Clock) -> None:
    """Streams that are being read do not hold up those that begin."""
    turns = await written_by_turn(LoopConnections(), clock, 60, others_s=6 * TURN_S)
    assert max(map(len, turns)) > 4
    turns = await written_by_turn(LoopConnections(), clock, 60, others_s=600 * TURN_S)
    assert max(map(len, turns)) == int(10 * TURN_S / COST_S), "ten times TURN_S at most"


async def test_a_long_idle_time_is_no_long_turn(clock: Clock) -> None:
    """The first burst after it is spread like any other."""
    of_loop = LoopConnections()
    async with of_loop.turn():
        pass
    await asyncio.sleep(0)
    clock.now_s += 1000
    assert max(map(len, await written_by_turn(of_loop, clock, 20))) <= 2


@pytest.mark.parametrize("given_up", [lambda n: n % 2 == 0, lambda n: n > 3])
async def test_a_request_given_up_in_line_takes_nothing_from_the_others(
    clock: Clock, given_up: Callable[[int], bool]
) -> None:
    """The line goes on without it."""
    of_loop = LoopConnections()
    written: list[int] = []

    async def write(number: int) -> None:
        async with of_loop.turn():
            clock.now_s += TURN_S
            written.append(number)

    tasks = [asyncio.ensure_future(write(number)) for number in range(10)]
    await asyncio.sleep(0)
    for number, task in enumerate(tasks):
        if given_up(number):
            task.cancel()
    await asyncio.wait(tasks)
    assert written == [number for number in range(10) if number == 0 or not given_up(number)]
