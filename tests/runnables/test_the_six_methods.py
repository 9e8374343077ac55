"""invoke, ainvoke, stream and astream as every runnable has them."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from spanloom.runtime.runnables import Runnable, RunnableGenerator, RunnableLambda


@pytest.mark.row("B3.01")
def test_invoke_is_abstract_in_the_base() -> None:
    """A class that does not write it cannot be made; one that does works."""

    class Nothing(Runnable[Any, Any]):
        pass

    class Doubles(Runnable[int, int]):
        def invoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
            return input * 2

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]
    assert Doubles().invoke(2) == 4


@pytest.mark.row("B3.02")
async def test_ainvoke_does_not_block_the_loop() -> None:
    """While blocking code waits in its worker thread, the loop goes round."""
    went_round = threading.Event()

    def waits(value: int) -> int:
        assert went_round.wait(30), "the loop stood still"
        return value + 1

    task = asyncio.ensure_future(RunnableLambda(waits).ainvoke(1))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    went_round.set()
    assert await task == 2


@pytest.mark.row("B3.03")
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_chunks_arrive_while_the_rest_is_not_made_yet(way: str) -> None:
    """Each chunk is seen before the next one is made."""
    told: list[str] = []

    def letters(chunks: Iterator[str]) -> Iterator[str]:
        for chunk in chunks:
            for letter in chunk:
                told.append(f"made {letter}")
                yield letter

    async def aletters(chunks: Any) -> Any:
        async for chunk in chunks:
            for letter in chunk:
                told.append(f"made {letter}")
                yield letter

    chain = RunnableGenerator(letters, aletters)
    if way == "stream":
        for letter in chain.stream("ab"):
            told.append(f"seen {letter}")
    else:
        async for letter in chain.astream("ab"):
            told.append(f"seen {letter}")
    assert told == ["made a", "seen a", "made b", "seen b"]


@pytest.mark.row("B3.03")
@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_runnable_that_cannot_stream_gives_one_chunk(way: str) -> None:
    """The default is what invoke gives."""

    class Doubles(Runnable[int, int]):
        def invoke(self, input: int, config: Any = None, **kwargs: Any) -> int:
            return input * 2

    found = list(Doubles().stream(2)) if way == "stream" else [chunk async for chunk in Doubles().astream(2)]
    assert found == [4]
