"""A table of things that are made once in a process and used by many, such as clients."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

__all__ = ["Shared"]

V = TypeVar("V")


class Shared(Generic[V]):
    """A table of things that are made once and used by many; those not used longest leave. A forked child's is empty.

    It is meant to last as long as the process, which never lets go of it.

    Args:
        limit: How many are kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.clear()
        os.register_at_fork(after_in_child=self.clear)

    def clear(self) -> None:
        """Forget all; also right in a forked child, whatever another thread held at the fork."""
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, V] = OrderedDict()
        self._making: dict[Hashable, Future[V]] = {}

    def find(self, key: Hashable) -> V | None:
        """Return what the key stands for, or None if it has not been made; never waits for one being made.

        Args:
            key: The key.
        """
        with self._lock:
            found = self._made.get(key)
            if found is not None:
                self._made.move_to_end(key)
            return found

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return what the key stands for, made now if it is new; who asks meanwhile waits for the same one.

        Args:
            key: The key.
            make: Makes it; a failure reaches all who wait, and the next one tries again.
        """
        with self._lock:
            found = self._made.get(key)
            if found is not None:
                self._made.move_to_end(key)
                return found
            future = self._making.get(key)
            is_mine = future is None
            if future is None:
                future = self._making[key] = Future()
        if is_mine:
            self._make(key, make, future)
        return future.result()

    def _make(self, key: Hashable, make: Callable[[], V], future: Future[V]) -> None:
        try:
            made = make()
        except BaseException as exc:  # noqa: BLE001 - raised by whoever asks the future
            with self._lock:
                self._making.pop(key, None)
            future.set_exception(exc)
            return
        with self._lock:
            self._making.pop(key, None)
            self._made[key] = made
            while len(self._made) > self._limit:
                self._made.popitem(last=False)
        future.set_result(made)
