"""Which method of a subclass runs: one class per set of overridden methods, with and without super()."""

import asyncio
import itertools
import threading
from typing import Any

import pytest

from spanloom.runtime.runnables import Runnable, RunnablePassthrough

METHODS = ("invoke", "ainvoke", "stream", "astream", "transform", "atransform")
SETS = [frozenset(chosen) for size in range(1, 7) for chosen in itertools.combinations(METHODS, size)]
CALLS = [
    "invoke",
    "ainvoke",
    "stream",
    "astream",
    "sequence.invoke",
    "sequence.ainvoke",
    "sequence.stream",
    "sequence.astream",
]

ORDER = {
    "invoke": ("invoke",),
    "ainvoke": ("ainvoke", "invoke"),
    "stream": ("stream", "transform", "invoke"),
    "astream": ("astream", "stream", "atransform", "transform", "ainvoke", "invoke"),
    "sequence.invoke": ("invoke",),
    "sequence.ainvoke": ("ainvoke", "invoke"),
    "sequence.stream": ("transform", "stream", "invoke"),
    "sequence.astream": ("atransform", "transform", "astream", "stream", "ainvoke", "invoke"),
}
"""The first of these that the class writes is the method that runs."""


def made(chosen: frozenset[str], calls_super: bool) -> tuple[type[Runnable[Any, Any]], list[str], set[int]]:
    """A class with these methods; what ran, and in which threads the blocking ones did."""
    ran: list[str] = []
    threads: set[int] = set()

    def note(name: str) -> None:
        ran.append(name)
        if name in ("invoke", "stream", "transform"):
            threads.add(threading.get_ident())

    def invoke(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        if "invoke" not in chosen:
            raise NotImplementedError("no invoke")
        note("invoke")
        return [*input, "out"]

    async def ainvoke(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        note("ainvoke")
        return await Runnable.ainvoke(self, input, config, **kwargs) if calls_super else [*input, "out"]

    def stream(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        note("stream")
        if calls_super:
            yield from Runnable.stream(self, input, config, **kwargs)
        else:
            yield [*input]
            yield ["out"]

    async def astream(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        note("astream")
        if calls_super:
            async for chunk in Runnable.astream(self, input, config, **kwargs):
                yield chunk
        else:
            yield [*input]
            yield ["out"]

    def transform(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        note("transform")
        if calls_super:
            yield from Runnable.transform(self, input, config, **kwargs)
        else:
            yield from input
            yield ["out"]

    async def atransform(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        note("atransform")
        if calls_super:
            async for chunk in Runnable.atransform(self, input, config, **kwargs):
                yield chunk
        else:
            async for chunk in input:
                yield chunk
            yield ["out"]

    written = {
        "ainvoke": ainvoke,
        "stream": stream,
        "astream": astream,
        "transform": transform,
        "atransform": atransform,
    }
    body: dict[str, Any] = {name: function for name, function in written.items() if name in chosen}
    return type("Made", (Runnable,), {"invoke": invoke, **body}), ran, threads


async def called(runnable: Runnable[Any, Any], call: str) -> Any:
    target, _, way = call.rpartition(".")
    chain: Runnable[Any, Any] = RunnablePassthrough() | runnable | RunnablePassthrough() if target else runnable
    if way == "invoke":
        return chain.invoke(["in"])
    if way == "ainvoke":
        return await chain.ainvoke(["in"])
    chunks = list(chain.stream(["in"])) if way == "stream" else [chunk async for chunk in chain.astream(["in"])]
    return [item for chunk in chunks for item in chunk]


@pytest.mark.parametrize("calls_super", [False, True], ids=["alone", "with super"])
@pytest.mark.parametrize("call", CALLS)
async def test_the_method_that_runs_is_the_documented_one(call: str, calls_super: bool) -> None:
    """For all 63 sets: the right result, by the first method of the documented order, without infinite recursion."""
    for chosen in SETS:
        cls, ran, threads = made(chosen, calls_super)
        expected = next((name for name in ORDER[call] if name in chosen), None)
        try:
            result = await asyncio.wait_for(called(cls(), call), 20)
        except NotImplementedError:
            result = None
        if expected is None:
            assert result is None, (chosen, ran)
            assert ran == []
            continue
        assert ran[0] == expected, (sorted(chosen), ran)
        assert len(ran) == len(set(ran)), (sorted(chosen), ran)
        if "invoke" in chosen or not calls_super:
            assert result == ["in", "out"], (sorted(chosen), ran)
        else:
            assert result in (None, ["in", "out"]), (sorted(chosen), ran)
        if expected in ("invoke", "stream", "transform"):
            on_loop = call.rpartition(".")[2][0] == "a"
            assert (threading.get_ident() in threads) is not on_loop, (sorted(chosen), ran)
            assert len(threads) == 1 or calls_super


@pytest.mark.parametrize("method", ["stream", "transform"])
@pytest.mark.parametrize("call", ["astream", "sequence.astream"])
async def test_a_blocking_iteration_left_early_on_a_loop_is_closed(call: str, method: str) -> None:
    """One worker thread for the whole iteration; it closes the generator and is gone when `aclose` returns."""
    made_chunks: list[int] = []
    closed: list[int] = []

    def chunks(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:
        list(input)
        try:
            for place in range(1000):
                made_chunks.append(threading.get_ident())
                yield [place]
        finally:
            closed.append(threading.get_ident())

    cls = type("Made", (Runnable,), {"invoke": lambda self, input, config=None: input, method: chunks})
    chain: Any = cls() if call == "astream" else RunnablePassthrough() | cls()
    stream = chain.astream(["in"])
    assert await anext(stream) == [0]
    await stream.aclose()
    assert len(closed) == 1
    assert set(made_chunks) == set(closed) != {threading.get_ident()}
    assert len(made_chunks) <= 12
