"""Stores of values by key."""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from spanloom.runtime.stores import BaseStore, InMemoryByteStore, InMemoryStore


class Slow(BaseStore[str, Any]):
    """A user's blocking store, which notes the threads it was called in."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.threads: set[int] = set()

    def mget(self, keys: Sequence[str]) -> list[Any]:
        self.threads.add(threading.get_ident())
        return [self.kept.get(key) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, Any]]) -> None:
        self.threads.add(threading.get_ident())
        self.kept.update(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        self.threads.add(threading.get_ident())
        for key in keys:
            self.kept.pop(key, None)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        self.threads.add(threading.get_ident())
        yield from (key for key in self.kept if key.startswith(prefix or ""))


def test_a_store_keeps_finds_lists_and_forgets() -> None:
    store = InMemoryStore()
    store.mset([("a1", 1), ("b", 2), ("a2", 3), ("b", 4)])
    assert store.mget(["b", "none", "a1"]) == [4, None, 1]
    assert list(store.yield_keys()) == ["a1", "b", "a2"]
    assert list(store.yield_keys(prefix="a")) == ["a1", "a2"]
    store.mdelete(["b", "none"])
    assert store.mget(["b"]) == [None]


async def test_the_async_methods_do_the_same() -> None:
    for store in (InMemoryStore(), InMemoryByteStore(), Slow()):
        await store.amset([("a", b"1"), ("b", b"2")])  # type: ignore[list-item]  # any store of ours
        assert await store.amget(["b", "c"]) == [b"2", None]
        await store.amdelete(["b"])
        assert [key async for key in store.ayield_keys(prefix="a")] == ["a"]  # type: ignore[attr-defined]


async def test_a_blocking_store_never_runs_on_the_loop() -> None:
    store = Slow()
    await store.amset([("a", 1)])
    assert [key async for key in store.ayield_keys()] == ["a"]  # type: ignore[attr-defined]
    assert threading.get_ident() not in store.threads
