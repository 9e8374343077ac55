"""Which failures are worth another attempt, how long to wait before it, and what the run's span tells of it.

Tried again is what passes with time: throttling, an unavailable service, a model that is being started, a broken or
silent connection, a model that failed in a stream. Never what another attempt cannot change: a refused request, missing
or expired credentials, a used-up quota, a model that failed or took too long (HTTP 424 and 408).

Waits double from half a second to 20, each drawn anew between 0 and that ("full jitter"), so that many callers who
failed together do not come back together. A `Retry-After` of the service is waited for, unless it is longer than a
minute: then the caller should know now.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ....tracing import names
from ....tracing.scope import CURRENT
from .errors import (
    BedrockError,
    ConnectionFailedError,
    ModelNotReadyError,
    ModelStreamError,
    ReadTimeoutError,
    ServiceUnavailableError,
    ThrottlingError,
    TruncatedStreamError,
)

__all__ = [
    "DEFAULT_RETRIES",
    "FIRST_WAIT_S",
    "LONGEST_RETRY_AFTER_S",
    "LONGEST_WAIT_S",
    "Attempts",
    "is_passing",
    "longest_wait_s",
]

DEFAULT_RETRIES = 4
"""How many attempts follow the first at most."""

FIRST_WAIT_S = 0.5
"""The longest that the first wait can be, in seconds."""

LONGEST_WAIT_S = 20.0
"""No wait of our own choice is longer, in seconds."""

LONGEST_RETRY_AFTER_S = 60.0
"""A service that asks for a longer wait than this, in seconds, is not tried again."""

_PASSING = (
    ThrottlingError,
    ServiceUnavailableError,
    ModelNotReadyError,
    ModelStreamError,
    ConnectionFailedError,
    ReadTimeoutError,
    TruncatedStreamError,
)


def is_passing(error: BedrockError) -> bool:
    """Return whether another attempt may go better.

    Args:
        error: The failure.
    """
    return isinstance(error, _PASSING) and (error.retry_after_s or 0.0) <= LONGEST_RETRY_AFTER_S


def longest_wait_s(attempt: int) -> float:
    """Return the upper end of the wait behind an attempt, in seconds; the wait is drawn between 0 and it.

    Args:
        attempt: The attempt that just failed; the first is 1.
    """
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt - 1, 30))


class Attempts:
    """The attempts at one call: how many there were, and whether there is another.

    The run that is current when this is made has them on its span.

    Args:
        max_retries: How many attempts follow the first at most.
        draw: Returns a number between its arguments; drawn from for each wait.
    """

    __slots__ = ("_draw", "_max_retries", "_reason", "_scope", "_waited_s", "number")

    def __init__(self, max_retries: int, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._max_retries = max_retries
        self._draw = draw
        self._scope = CURRENT.get()
        self._waited_s = 0.0
        self._reason: str | None = None
        self.number = 1

    @property
    def retries(self) -> int:
        """How many attempts followed the first."""
        return self.number - 1

    def wait_s(self, error: BedrockError) -> float:
        """Go on to the next attempt and return how long to wait for it, in seconds.

        Args:
            error: How the attempt that is on failed.

        Raises:
            BedrockError: The error itself, if there is to be no other attempt.
        """
        error.attempts = self.number
        if self.number > self._max_retries or not is_passing(error):
            self.tell()
            raise error
        wait_s = max(self._draw(0.0, longest_wait_s(self.number)), error.retry_after_s or 0.0)
        self._reason = type(error).__name__
        scope = self._scope
        if scope is not None and scope.span.is_recording():
            about: dict[str, Any] = {
                names.RETRY_ATTEMPT: self.number,
                names.RETRY_DELAY_S: wait_s,
                names.EXCEPTION_TYPE: self._reason,
            }
            scope.span.add_event(names.RETRY_EVENT, about, scope.timeline.now_ns())
        self.number += 1
        self._waited_s += wait_s
        return wait_s

    def tell(self) -> None:
        """Tell the run's span how many attempts there were; nothing if there was only one."""
        scope = self._scope
        if self._reason is not None and scope is not None and scope.span.is_recording():
            scope.span.set_attribute(names.RETRY_ATTEMPTS, self.number)
            scope.span.set_attribute(names.RETRY_REASON, self._reason)
            scope.span.set_attribute(names.RETRY_TOTAL_DELAY_S, self._waited_s)
