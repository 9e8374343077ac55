"""Spans that wait for their sink.

Adding takes no lock and may happen anywhere, even in a finaliser that the garbage collector runs in the middle of
another `put`: a lock held there would never be released. Only atomic operations of `deque` are used.

A bounded backlog that is full gives up the newest ordinary span first: roots and failed spans are what people look for,
and the oldest spans are the beginnings of their traces. Threads that add at the same instant may pass the bound by one
span each.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Generic, TypeVar

__all__ = ["Backlog"]

Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """A first-in first-out queue for many producers and one consumer.

    Args:
        bound: How many items it holds at most; None means no bound.
    """

    def __init__(self, bound: int | None = None) -> None:
        self.bound = bound
        self._number = count()
        self._ordinary: deque[tuple[int, Item]] = deque()
        self._precious: deque[tuple[int, Item]] = deque()

    def __len__(self) -> int:
        return len(self._ordinary) + len(self._precious)

    def put(self, item: Item, *, precious: bool) -> bool:
        """Add an item and return True, or return False when one had to be given up (this one or another).

        Args:
            item: What waits.
            precious: True for an item that is kept in favour of ordinary ones.
        """
        fits = self.bound is None or len(self) < self.bound
        if not fits:
            if not precious:
                return False
            try:
                self._ordinary.pop()
            except IndexError:
                return False
        (self._precious if precious else self._ordinary).append((next(self._number), item))
        return fits

    def take(self) -> Item | None:
        """Remove and return the item that came first, or return None when there is none. For the one consumer."""
        try:
            first = self._ordinary[0][0]
        except IndexError:
            first = None
        if self._precious and (first is None or self._precious[0][0] < first):
            return self._precious.popleft()[1]
        try:
            return self._ordinary.popleft()[1]
        except IndexError:  # the last ordinary item was given up in between
            return self._precious.popleft()[1] if self._precious else None

    def clear(self) -> int:
        """Forget every item and return how many there were."""
        number = 0
        while self.take() is not None:
            number += 1
        return number
