"""Rate limiters: how often a model asks its provider.

A model waits for its limiter before each request, on the run's own time; an answer from a cache does not wait. The
limiter in memory is a token bucket: it fills at a steady rate up to its size, and each request takes one token. It
limits this process alone, and requests, not their tokens.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

__all__ = ["BaseRateLimiter", "InMemoryRateLimiter"]

_SHORTEST_WAIT_S = 1e-6
"""A token may be due within what a float can tell; the wait for it must not round to none."""


class BaseRateLimiter(ABC):
    """The base of rate limiters. One may be shared by models, threads and event loops."""

    @abstractmethod
    def acquire(self, *, blocking: bool = True) -> bool:
        """Return whether the caller may go on.

        Args:
            blocking: Whether to wait until it may; else the answer comes at once.
        """

    @abstractmethod
    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Return whether the caller may go on, on an event loop. A wait that is cancelled takes nothing.

        Args:
            blocking: Whether to wait until it may; else the answer comes at once.
        """


class InMemoryRateLimiter(BaseRateLimiter):
    """A token bucket in this process. It begins empty, so that programs that restart in a row stay within the rate.

    Args:
        requests_per_second: How many tokens are added each second. Must be positive.
        check_every_n_seconds: The longest time between two looks at the bucket of one that waits, in seconds; it looks
            earlier where a token is due earlier. Must be positive.
        max_bucket_size: How many tokens the bucket holds, which is how many requests may go at once. At least 1.
        clock: The time in seconds; any clock that never goes back.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self,
        *,
        requests_per_second: float = 1,
        check_every_n_seconds: float = 0.1,
        max_bucket_size: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, number in (
            ("requests_per_second", requests_per_second),
            ("check_every_n_seconds", check_every_n_seconds),
        ):
            if not number > 0:
                raise ValueError(f"{name} is {number!r}; it must be greater than 0.")
        if not max_bucket_size >= 1:
            raise ValueError(f"max_bucket_size is {max_bucket_size!r}; below 1 no request could ever go.")
        self.requests_per_second = requests_per_second
        self.check_every_n_seconds = check_every_n_seconds
        self.max_bucket_size = max_bucket_size
        self._clock = clock
        self._tokens = 0.0
        self._filled_at: float | None = None
        self._lock = threading.Lock()

    def acquire(self, *, blocking: bool = True) -> bool:
        """Return whether a token was taken.

        Args:
            blocking: Whether to wait for one; else the answer comes at once.
        """
        while (wait_s := self._take()) > 0:
            if not blocking:
                return False
            time.sleep(wait_s)
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Return whether a token was taken, on an event loop. A wait that is cancelled takes none.

        Args:
            blocking: Whether to wait for one; else the answer comes at once.
        """
        while (wait_s := self._take()) > 0:
            if not blocking:
                return False
            await asyncio.sleep(wait_s)
        return True

    def _take(self) -> float:
        """Take a token and return 0, or return in how many seconds to look again."""
        with self._lock:
            now = self._clock()
            if self._filled_at is None:
                self._filled_at = now
            filled = self._tokens + (now - self._filled_at) * self.requests_per_second
            self._tokens, self._filled_at = min(filled, self.max_bucket_size), now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            due_s = (1 - self._tokens) / self.requests_per_second
            return max(min(due_s, self.check_every_n_seconds), _SHORTEST_WAIT_S)
