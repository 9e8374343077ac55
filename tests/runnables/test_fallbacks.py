"""Fallbacks: the next one runs when one fails, a stream only before its first chunk."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spanloom.runtime.runnables import RunnableGenerator, RunnableLambda, RunnableWithFallbacks
from spanloom.testing.recorder import SpanRecorder

from .calling import MODES, bad, called, letters, same, streamed


def good(value: Any) -> str:
    return f"good{value}"


def test_the_events_of_fallbacks_in_a_sequence() -> None:
    """As the reference gives them: children without a tag, chunks of the wrapper only where it begins the stream."""
    chain = RunnableLambda(same) | RunnableLambda(bad).with_fallbacks([RunnableLambda(good)]) | RunnableLambda(str)
    done = {"input": "v", "output": "goodv"}
    assert streamed(chain, "v") == [
        ("on_chain_start", "RunnableSequence", [], {"input": "v"}, 0, []),
        ("on_chain_start", "same", ["seq:step:1"], {}, 1, [0]),
        ("on_chain_stream", "same", ["seq:step:1"], {"chunk": "v"}, 1, [0]),
        ("on_chain_end", "same", ["seq:step:1"], {"input": "v", "output": "v"}, 1, [0]),
        ("on_chain_start", "RunnableWithFallbacks", ["seq:step:2"], {"input": "v"}, 2, [0]),
        ("on_chain_start", "bad", [], {}, 3, [0, 2]),
        ("on_chain_start", "good", [], {}, 4, [0, 2]),
        ("on_chain_stream", "good", [], {"chunk": "goodv"}, 4, [0, 2]),
        ("on_chain_start", "str", ["seq:step:3"], {}, 5, [0]),
        ("on_chain_end", "good", [], done, 4, [0, 2]),
        ("on_chain_end", "RunnableWithFallbacks", ["seq:step:2"], done, 2, [0]),
        ("on_chain_stream", "str", ["seq:step:3"], {"chunk": "goodv"}, 5, [0]),
        ("on_chain_stream", "RunnableSequence", [], {"chunk": "goodv"}, 0, []),
        ("on_chain_end", "str", ["seq:step:3"], {"input": "goodv", "output": "goodv"}, 5, [0]),
        ("on_chain_end", "RunnableSequence", [], {"output": "goodv"}, 0, []),
    ]


def test_the_events_of_fallbacks_as_the_root() -> None:
    """There the wrapper shows the chunks too."""

    async def broken(chunks: Any) -> AsyncIterator[str]:
        async for _ in chunks:
            raise ValueError("at once")
        yield "never"

    chain = RunnableGenerator(broken).with_fallbacks([RunnableGenerator(letters)])
    assert streamed(chain, "v") == [
        ("on_chain_start", "RunnableWithFallbacks", [], {"input": "v"}, 0, []),
        ("on_chain_start", "broken", [], {}, 1, [0]),
        ("on_chain_start", "letters", [], {}, 2, [0]),
        ("on_chain_stream", "letters", [], {"chunk": "a"}, 2, [0]),
        ("on_chain_stream", "RunnableWithFallbacks", [], {"chunk": "a"}, 0, []),
        ("on_chain_stream", "letters", [], {"chunk": "b"}, 2, [0]),
        ("on_chain_stream", "RunnableWithFallbacks", [], {"chunk": "b"}, 0, []),
        ("on_chain_end", "letters", [], {"input": "v", "output": "ab"}, 2, [0]),
        ("on_chain_end", "RunnableWithFallbacks", [], {"output": "ab"}, 0, []),
    ]


def test_the_events_of_fallbacks_inside_a_step() -> None:
    """Those tried are children of the wrapper, however it is called."""
    chain = RunnableLambda(bad).with_fallbacks([RunnableLambda(good)])

    async def outer(value: Any) -> Any:
        return await chain.ainvoke(value)

    done = {"input": "v", "output": "goodv"}
    assert streamed(RunnableLambda(outer), "v") == [
        ("on_chain_start", "outer", [], {"input": "v"}, 0, []),
        ("on_chain_start", "RunnableWithFallbacks", [], {"input": "v"}, 1, [0]),
        ("on_chain_start", "bad", [], {"input": "v"}, 2, [0, 1]),
        ("on_chain_start", "good", [], {"input": "v"}, 3, [0, 1]),
        ("on_chain_end", "good", [], done, 3, [0, 1]),
        ("on_chain_end", "RunnableWithFallbacks", [], done, 1, [0]),
        ("on_chain_stream", "outer", [], {"chunk": "goodv"}, 0, []),
        ("on_chain_end", "outer", [], {"output": "goodv"}, 0, []),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_the_span_tells_which_one_answered_and_why(mode: str) -> None:
    """Nothing of it shows where the first choice answered but the number 0."""
    chain = RunnableLambda(bad).with_fallbacks([RunnableLambda(bad), RunnableLambda(good)])
    with SpanRecorder() as spans:
        assert called(chain, mode, "v") in ("goodv", ["goodv"])
        assert spans.tree() == [("RunnableWithFallbacks", [("bad", []), ("bad", []), ("good", [])])]
        outer = spans.one("RunnableWithFallbacks").attributes
        assert (outer["spanloom.fallback.used"], outer["spanloom.fallback.reason"]) == (2, "ValueError")
        spans.clear()
        called(RunnableLambda(same).with_fallbacks([RunnableLambda(good)]), mode, "v")
        outer = spans.one("RunnableWithFallbacks").attributes
        assert outer["spanloom.fallback.used"] == 0
        assert "spanloom.fallback.reason" not in outer


@pytest.mark.parametrize("mode", MODES)
def test_when_all_fail_the_first_failure_is_raised(mode: str) -> None:
    """The wrapper ends with the error and tells of no answer."""

    def worse(value: Any) -> Any:
        raise KeyError("worse")

    chain = RunnableLambda(bad).with_fallbacks([RunnableLambda(worse)])
    with SpanRecorder() as spans, pytest.raises(ValueError, match="^bad$"):
        called(chain, mode, "v")
    assert spans.outcomes() == {"bad": "error", "worse": "error", "RunnableWithFallbacks": "error"}
    assert "spanloom.fallback.used" not in spans.one("RunnableWithFallbacks").attributes


@pytest.mark.parametrize("mode", MODES)
def test_an_exception_that_is_not_to_be_handled_is_raised_at_once(mode: str) -> None:
    """Also when it comes from a fallback."""

    def worse(value: Any) -> Any:
        raise KeyError("worse")

    chain = RunnableLambda(bad).with_fallbacks(
        [RunnableLambda(worse), RunnableLambda(good)], exceptions_to_handle=(ValueError,)
    )
    with SpanRecorder() as spans, pytest.raises(KeyError):
        called(chain, mode, "v")
    assert spans.tree() == [("RunnableWithFallbacks", [("bad", []), ("worse", [])])]


@pytest.mark.row("B3.16")
def test_the_documented_example_streams_the_fallback() -> None:
    """A generator that fails before its first chunk gives way to one that streams "foo bar"."""

    def broken(chunks: Iterator[Any]) -> Iterator[str]:
        raise ValueError
        yield ""

    def foo_bar(chunks: Iterator[Any]) -> Iterator[str]:
        yield from "foo bar"

    chain = RunnableGenerator(broken).with_fallbacks([RunnableGenerator(foo_bar)])
    assert "".join(chain.stream({})) == "foo bar"
    assert "".join(called(chain, "astream", {})) == "foo bar"


@pytest.mark.row("B3.16")
@pytest.mark.parametrize("mode", MODES)
def test_the_next_one_finds_the_exception_in_its_input(mode: str) -> None:
    """Under the key; the caller's own input is left as it is."""
    chain = RunnableLambda(bad).with_fallbacks(
        [RunnableLambda(lambda value: (value["q"], repr(value["why"])))], exception_key="why"
    )
    given = {"q": 1}
    assert called(chain, mode, given) in ((1, "ValueError('bad')"), [(1, "ValueError('bad')")])
    assert given == {"q": 1}


@pytest.mark.row("B3.16")
@pytest.mark.parametrize("mode", MODES)
def test_an_exception_key_asks_for_a_dict(mode: str) -> None:
    """The error names the type that was given; nothing is tried."""
    chain = RunnableLambda(bad).with_fallbacks([RunnableLambda(good)], exception_key="why")
    with SpanRecorder() as spans, pytest.raises(ValueError, match="must be a dict; it is of type 'int'"):
        called(chain, mode, 7)
    assert spans.tree() == [("RunnableWithFallbacks", [])]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_after_the_first_chunk_a_failure_is_raised(mode: str) -> None:
    """What has been given cannot be taken back."""

    def half(chunks: Any) -> Iterator[str]:
        for _ in chunks:
            yield "half"
        raise ValueError("the rest is lost")

    chain = RunnableGenerator(half).with_fallbacks([RunnableLambda(good)])
    with SpanRecorder() as spans, pytest.raises(ValueError, match="the rest is lost"):
        called(chain, mode, "v")
    assert spans.tree() == [("RunnableWithFallbacks", [("half", [])])]


def test_a_stream_without_chunks_has_answered() -> None:
    """An empty answer is no failure."""

    def nothing(chunks: Any) -> Iterator[str]:
        for _ in chunks:
            pass
        yield from ()

    chain = RunnableGenerator(nothing).with_fallbacks([RunnableLambda(good)])
    assert called(chain, "stream", "v") == called(chain, "astream", "v") == []


def test_a_batch_falls_back_for_what_failed() -> None:
    """Each input on its own, in order."""

    def odd_only(value: int) -> str:
        if value % 2 == 0:
            raise ValueError(value)
        return f"odd{value}"

    chain = RunnableLambda(odd_only).with_fallbacks([RunnableLambda(good)])
    assert chain.batch([1, 2, 3]) == asyncio.run(chain.abatch([1, 2, 3])) == ["odd1", "good2", "odd3"]


def test_leaving_the_stream_closes_the_one_that_answers(spans: SpanRecorder) -> None:
    """Both runs end as abandoned."""

    def many(chunks: Any) -> Iterator[int]:
        for _ in chunks:
            yield from range(9)

    stream = RunnableGenerator(many).with_fallbacks([RunnableLambda(good)]).stream("v")
    assert next(stream) == 0
    stream.close()  # type: ignore[attr-defined]
    assert spans.outcomes() == {"many": "abandoned", "RunnableWithFallbacks": "abandoned"}


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span."""
    with SpanRecorder() as recorder:
        yield recorder


def test_documented_attributes() -> None:
    """And a method of the runnable that gives a runnable is called on all of them."""

    class Model(RunnableLambda[Any, Any]):
        def with_tools(self, tool: str) -> RunnableLambda[Any, Any]:
            return RunnableLambda(lambda value: f"{self.func(value)} with {tool}")

        def size(self) -> int:
            return 3

    chain: Any = Model(bad).with_fallbacks([Model(good)], exceptions_to_handle=(ValueError,))
    assert isinstance(chain, RunnableWithFallbacks)
    assert list(chain.runnables) == [chain.runnable, *chain.fallbacks]
    assert (chain.exceptions_to_handle, chain.exception_key, chain.size()) == ((ValueError,), None, 3)
    assert chain.with_tools("saw").invoke(1) == "good1 with saw"
    with pytest.raises(AttributeError, match="unheard_of"):
        chain.unheard_of  # noqa: B018


def test_bad_arguments_are_told_when_the_fallbacks_are_made() -> None:
    """Not when they run."""
    with pytest.raises(TypeError, match="int"):
        RunnableLambda(bad).with_fallbacks([RunnableLambda(good)], exceptions_to_handle=(int,))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="7"):
        RunnableLambda(bad).with_fallbacks([7])  # type: ignore[list-item]
