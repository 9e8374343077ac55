"""What is measured, with its goals. Every program is written once and built for either side."""

import asyncio
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .measuring import Workload
from .sides import OURS, REFERENCE, Side, token_model

__all__ = ["SCENARIOS", "Scenario"]

Build = Callable[[Side], Workload]
_RUNNER = asyncio.Runner()


@dataclass(frozen=True)
class Scenario:
    """Two workloads and the largest ratio between them that is good enough.

    `least_spans` is how many spans a batch of ours must make at least. `reference` is langchain-core unless the
    scenario compares spanloom with itself.
    """

    name: str
    unit: str
    goal: float | None
    build: Build
    least_spans: int
    pipelines: tuple[str, ...] = ("sdk",)
    build_reference: Build | None = None

    @property
    def compares_with_itself(self) -> bool:
        """True when both sides are spanloom."""
        return self.build_reference is not None

    def ours(self) -> Workload:
        """Return our workload."""
        return self.build(OURS)

    def reference(self) -> Workload:
        """Return what ours is compared with."""
        return self.build_reference(OURS) if self.build_reference else self.build(REFERENCE)


def _times(count: int, act: Callable[[], object], expected: object, units: int = 1) -> Workload:
    assert act() == expected, f"gave {act()!r}, expected {expected!r}"

    def run() -> None:
        for _ in range(count):
            act()

    return Workload(run, count * units)


def _times_async(count: int, act: Callable[[], Awaitable[object]], expected: object, units: int = 1) -> Workload:
    async def repeat(times: int) -> object:
        given: object = None
        for _ in range(times):
            given = await act()
        return given

    given = _RUNNER.run(repeat(1))
    assert given == expected, f"gave {given!r}, expected {expected!r}"
    return Workload(lambda: _RUNNER.run(repeat(count)), count * units)


def add_one(x: int) -> int:
    return x + 1


async def aadd_one(x: int) -> int:
    return x + 1


def _sequence(side: Side, function: Callable[..., Any], length: int = 10) -> Any:
    make = side.get("runnables", "RunnableLambda")
    chain = make(function)
    for _ in range(length - 1):
        chain = chain | make(function)
    return chain


def _lambda(side: Side) -> Workload:
    step = side.get("runnables", "RunnableLambda")(add_one)
    return _times(1000, lambda: step.invoke(1), 2)


def _sequence_invoke(side: Side) -> Workload:
    chain = _sequence(side, add_one)
    return _times(100, lambda: chain.invoke(0), 10, units=11)


def _sequence_ainvoke(side: Side) -> Workload:
    chain = _sequence(side, add_one)
    return _times_async(60, lambda: chain.ainvoke(0), 10, units=11)


def _sequence_ainvoke_async(side: Side) -> Workload:
    chain = _sequence(side, aadd_one)
    return _times_async(100, lambda: chain.ainvoke(0), 10, units=11)


def _nested(side: Side) -> Workload:
    make = side.get("runnables", "RunnableLambda")

    def around(inner: Any) -> Any:
        def call(x: int) -> int:
            return inner.invoke(x) + 1

        return make(call)

    step = make(add_one)
    for _ in range(19):
        step = around(step)
    return _times(50, lambda: step.invoke(0), 20, units=20)


def _parallel(side: Side) -> Workload:
    make, parallel = side.get("runnables", "RunnableLambda"), side.get("runnables", "RunnableParallel")
    step = parallel({f"k{n}": make(add_one) for n in range(5)})
    return _times(120, lambda: step.invoke(0), {f"k{n}": 1 for n in range(5)}, units=6)


def _batch(side: Side) -> Workload:
    step, inputs = side.get("runnables", "RunnableLambda")(add_one), list(range(1000))
    return _times(1, lambda: step.batch(inputs, {"max_concurrency": 8}), list(range(1, 1001)), units=1000)


def _abatch(side: Side) -> Workload:
    step, inputs = side.get("runnables", "RunnableLambda")(aadd_one), list(range(1000))
    return _times_async(1, lambda: step.abatch(inputs, {"max_concurrency": 8}), list(range(1, 1001)), units=1000)


_TOKENS = [f" token{n}" for n in range(1000)]


def _stream_workload(chain: Any, open_stream: Callable[[Any], Any], least: int) -> Workload:
    async def read() -> bool:
        seen = 0
        async for _ in open_stream(chain):
            seen += 1
        return seen >= least

    return _times_async(1, read, True, units=len(_TOKENS))


def _text_chain(side: Side) -> Any:
    return token_model(side, _TOKENS) | side.get("output_parsers", "StrOutputParser")()


def _astream(side: Side) -> Workload:
    return _stream_workload(_text_chain(side), lambda chain: chain.astream("hello"), len(_TOKENS))


def _astream_events(side: Side) -> Workload:
    least = 3 * len(_TOKENS)
    return _stream_workload(_text_chain(side), lambda chain: chain.astream_events("hello", version="v2"), least)


def _astream_events_dropped(side: Side) -> Workload:
    chain = _text_chain(side)
    return _stream_workload(
        chain, lambda chain: chain.astream_events("hello", version="v2", include_names=["nobody"]), 0
    )


def _json_tokens(records: int) -> list[str]:
    """Return the tokens of a document: 33 per record, so that twice the records are twice the tokens."""
    countries = [{"name": f"Country {n}", "population": 67413000 + n, "cities": ["A", "B"]} for n in range(records)]
    return re.findall(r"\s?[A-Za-z]+|\s?\d{1,3}|\s?.", json.dumps({"countries": countries}))


def _json_stream(records: int) -> Build:
    def build(side: Side) -> Workload:
        tokens = _json_tokens(records)
        chain = token_model(side, tokens) | side.get("output_parsers", "JsonOutputParser")()
        expected = json.loads("".join(tokens))

        def read() -> None:
            [last] = deque(chain.stream("hello"), maxlen=1)
            assert last == expected, f"the stream ended with {str(last)[:80]!r}"

        return Workload(read, 1)

    return build


def _tool_call_fold(side: Side) -> Workload:
    make = side.get("messages", "AIMessageChunk")
    arguments = json.dumps({"numbers": list(range(2000))})
    size = -(-len(arguments) // 2000)
    pieces = [arguments[at : at + size] for at in range(0, len(arguments), size)]
    while len(pieces) < 2000:
        pieces.append(" ")

    def piece(number: int, text: str) -> Any:
        call = {"name": None if number else "add", "args": text, "id": None if number else "call_1", "index": 0}
        return make(content="", tool_call_chunks=[{**call, "type": "tool_call_chunk"}])

    chunks = [piece(number, text) for number, text in enumerate(pieces)]

    def fold() -> None:
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole = whole + chunk
        assert whole.tool_calls[0]["args"] == {"numbers": list(range(2000))}

    return Workload(fold, len(chunks))


def _message_chunks(side: Side) -> Workload:
    make = side.get("messages", "AIMessageChunk")
    return _times(5000, lambda: make(content="token").content, "token")


def _text_fold(count: int, *, in_blocks: bool = False) -> Build:
    def build(side: Side) -> Workload:
        make = side.get("messages", "AIMessageChunk")
        chunks = [
            make(content=[{"type": "text", "text": "token ", "index": 0}] if in_blocks else "token ")
            for _ in range(count)
        ]

        def fold() -> None:
            whole = chunks[0]
            for chunk in chunks[1:]:
                whole = whole + chunk
            assert len(str(whole.content)) > 6 * count - 1

        return Workload(fold, count)

    return build


SCENARIOS = (
    Scenario("lambda, invoke", "run", 0.30, _lambda, 1000, ("sdk", "own")),
    Scenario("sequence of 10, invoke", "run", 0.30, _sequence_invoke, 1100, ("sdk", "own")),
    Scenario("sequence of 10, ainvoke, sync lambdas", "run", 0.30, _sequence_ainvoke, 660),
    Scenario("sequence of 10, ainvoke, async lambdas", "run", 0.30, _sequence_ainvoke_async, 1100, ("sdk", "own")),
    Scenario("nested 20, invoke", "run", 0.30, _nested, 1000),
    Scenario("parallel of 5, invoke", "run", None, _parallel, 720),
    Scenario("batch of 1000, max_concurrency 8", "run", 0.30, _batch, 1000, ("sdk", "own")),
    Scenario("abatch of 1000, max_concurrency 8", "run", 0.30, _abatch, 1000),
    Scenario("model | StrOutputParser, astream", "chunk", 0.18, _astream, 3, ("sdk", "own")),
    Scenario("astream_events v2", "chunk", 0.22, _astream_events, 3, ("sdk", "own")),
    Scenario(
        "astream_events that drops all / own astream",
        "chunk",
        1.2,
        _astream_events_dropped,
        3,
        build_reference=_astream,
    ),
    Scenario("model | JsonOutputParser, 4,500 chunks", "stream", 0.03, _json_stream(136), 3),
    Scenario("the same, 2,250 / 1,100 chunks", "stream", 2.2, _json_stream(68), 3, build_reference=_json_stream(34)),
    Scenario("the same, 4,500 / 2,250 chunks", "stream", 2.2, _json_stream(136), 3, build_reference=_json_stream(68)),
    Scenario("fold of 2,000 tool-call chunks", "chunk", 0.05, _tool_call_fold, 0),
    Scenario("fold of 8,000 text chunks", "chunk", None, _text_fold(8000), 0),
    Scenario("fold of 2,000 block chunks", "chunk", None, _text_fold(2000, in_blocks=True), 0),
    Scenario("AIMessageChunk of a text", "chunk", None, _message_chunks, 0),
    Scenario("sequence of 10, invoke, sampled out", "run", 0.12, _sequence_invoke, 0, ("off",)),
)
