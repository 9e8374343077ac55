"""Caches by themselves: what is kept, for how long, from any thread."""

import asyncio
import threading

import pytest

from spanloom.runtime import globals as settings
from spanloom.runtime.caches import BaseCache, InMemoryCache
from spanloom.runtime.outputs import Generation


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_is_kept_until_cleared(mode: str) -> None:
    cache, answer = InMemoryCache(), [Generation(text="x")]

    async def on_loop() -> None:
        assert await cache.alookup("p", "m") is None
        await cache.aupdate("p", "m", answer)
        assert (await cache.alookup("p", "m"), await cache.alookup("p", "other")) == (answer, None)
        await cache.aclear()

    if mode == "async":
        asyncio.run(on_loop())
    else:
        assert cache.lookup("p", "m") is None
        cache.update("p", "m", answer)
        assert (cache.lookup("p", "m"), cache.lookup("p", "other")) == (answer, None)
        cache.clear()
    assert cache.lookup("p", "m") is None


def test_a_full_cache_lets_the_oldest_go() -> None:
    cache = InMemoryCache(maxsize=2)
    for name in ("a", "b", "a", "c"):
        cache.update(name, "m", [Generation(text=name)])
    assert [cache.lookup(name, "m") is None for name in ("a", "b", "c")] == [True, False, False]


@pytest.mark.parametrize("maxsize", [0, -1])
def test_a_cache_without_room_is_refused(maxsize: int) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        InMemoryCache(maxsize=maxsize)


def test_many_threads_share_a_small_cache() -> None:
    cache = InMemoryCache(maxsize=3)

    def fill(start: int) -> None:
        for number in range(500):
            cache.update(str(start + number % 7), "m", [])

    threads = [threading.Thread(target=fill, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(cache.lookup(str(number), "m") is not None for number in range(11)) == 3


async def test_async_methods_of_a_blocking_cache_run_in_a_worker_thread() -> None:
    used: list[int] = []

    class Slow(BaseCache):
        def lookup(self, prompt, llm_string):
            used.append(threading.get_ident())
            return

        def update(self, prompt, llm_string, return_val):
            used.append(threading.get_ident())

        def clear(self, **kwargs):
            used.append(threading.get_ident())

    cache = Slow()
    await cache.alookup("p", "m")
    await cache.aupdate("p", "m", [])
    await cache.aclear()
    assert len(used) == 3
    assert threading.get_ident() not in used


def test_settings_of_the_process_are_kept() -> None:
    cache = InMemoryCache()
    assert (settings.get_llm_cache(), settings.get_verbose(), settings.get_debug()) == (None, False, False)
    try:
        settings.set_llm_cache(cache)
        settings.set_verbose(True)
        settings.set_debug(True)
        assert (settings.get_llm_cache(), settings.get_verbose(), settings.get_debug()) == (cache, True, True)
    finally:
        settings.set_llm_cache(None)
        settings.set_verbose(False)
        settings.set_debug(False)
