"""Timing of two workloads in turn, and what their times say: a median ratio with its bootstrap interval."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Row", "Workload", "alternate", "interval", "row_of"]

_RESAMPLES = 2000


@dataclass(frozen=True)
class Workload:
    """Something to time: one batch of work, how many units it holds, and what must follow it.

    `finish` runs inside the measured time; `check` after it, and raises when the batch did not do its work.
    """

    run: Callable[[], object]
    units: int
    finish: Callable[[], object] = lambda: None
    check: Callable[[], object] = lambda: None


@dataclass
class Row:
    """One line of the table; times are CPU microseconds per unit."""

    scenario: str
    unit: str
    goal: float | None
    state: str
    ours_us: float | None = None
    reference_us: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    pairs: int = 0
    note: str = ""

    @property
    def is_missed(self) -> bool:
        """True for a goal that was missed or could not be measured."""
        return self.goal is not None and self.state != "ok"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def alternate(workloads: Sequence[Workload], rounds: int) -> list[list[float]]:
    """Return the CPU seconds of every batch: a list per workload, measured in turn after one round of warming up.

    Args:
        workloads: What to time, in the order within a round.
        rounds: How many batches of each count.
    """
    times: list[list[float]] = [[] for _ in workloads]
    for count in range(rounds + 1):
        for workload, taken in zip(workloads, times, strict=True):
            gc.collect()
            began = time.process_time()
            workload.run()
            workload.finish()
            seconds = time.process_time() - began
            workload.check()
            if count:
                taken.append(seconds)
    return times


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the median; the same values always give the same interval.

    Args:
        values: The ratios of all pairs.
    """
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return medians[round(_RESAMPLES * 0.025)], medians[round(_RESAMPLES * 0.975) - 1]


def row_of(scenario: str, unit: str, goal: float | None, sides: Sequence[tuple[list[float], int]]) -> Row:
    """Return the table's line for two measured sides, ours first.

    Args:
        scenario: Its name.
        unit: What one unit is.
        goal: The largest ratio that is good enough, if there is one.
        sides: For each side the CPU seconds of its batches and the units of one batch.
    """
    ours, reference = ([seconds / units * 1e6 for seconds in taken] for taken, units in sides)
    ratios = [a / b for a, b in zip(ours, reference, strict=True)]
    ratio = statistics.median(ratios)
    low, high = interval(ratios)
    state = "-" if goal is None else "ok" if ratio <= goal else "MISS"
    figures = (statistics.median(ours), statistics.median(reference), ratio, low, high)
    return Row(scenario, unit, goal, state, *figures, pairs=len(ratios))
