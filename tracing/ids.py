"""Run ids and the ids their spans want.

A run id is a UUIDv7 (RFC 9562, method 3: the twelve bits behind the milliseconds carry their fraction), so ids sort by
start. Its last eight bytes become the span id and, for a root without a parent span, all of it the trace id; never the
first eight: they are the clock, and equal for runs of the same millisecond.

The generator of a tracer provider takes the wish from `WANTED`; one that is not ours ignores it.
"""

from __future__ import annotations

import os
import random
import time
from contextvars import ContextVar
from uuid import UUID

__all__ = ["SPAN_ID_MASK", "WANTED", "id_text", "new_id", "parse_id"]

SPAN_ID_MASK = 0xFFFF_FFFF_FFFF_FFFF
"""The last eight bytes of a run id."""

WANTED: ContextVar[tuple[int, int] | None] = ContextVar("spanloom_wanted_ids", default=None)
"""(trace id, span id) for the span about to be started in this context; 0 stands for "any"."""

_random = random.Random(os.urandom(16))  # ours alone: a program that seeds `random` must not repeat run ids
os.register_at_fork(after_in_child=lambda: _random.seed(os.urandom(16)))


def new_id() -> int:
    """Return a new run id as a 128-bit number."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    return (milliseconds << 80) | (0x7000 | fraction) << 64 | 0x8000_0000_0000_0000 | _random.getrandbits(62)


def id_text(number: int) -> str:
    """Return the number in the usual text form of a UUID.

    Args:
        number: A 128-bit number.
    """
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_id(value: object) -> int:
    """Return a run id given by the user as a number.

    Args:
        value: A UUID, or its text.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, UUID):
        return value.int
    try:
        return UUID(str(value)).int
    except ValueError:
        raise ValueError(f"run_id is {value!r}; give a uuid.UUID or its text form, or leave it out.") from None
