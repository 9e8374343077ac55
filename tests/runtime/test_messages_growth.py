"""How the work of adding chunks one by one grows with their number: counted calls, never time."""

import functools
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage, AIMessageChunk, add_chunks


def text(count: int) -> list[AIMessageChunk]:
    return [AIMessageChunk("token ", id="run-1") for _ in range(count)]


def blocks(count: int) -> list[AIMessageChunk]:
    return [AIMessageChunk([{"type": "text", "text": "token ", "index": 0}], id="run-1") for _ in range(count)]


def calls(count: int) -> list[AIMessageChunk]:
    words = ['{"a": "', *["token "] * (count - 2), '"}']
    pieces = [{"name": None, "args": word, "id": None, "index": 0} for word in words]
    pieces[0] |= {"name": "f", "id": "1"}
    return [AIMessageChunk("", id="run-1", tool_call_chunks=[piece]) for piece in pieces]


def one_by_one(chunks: Sequence[AIMessageChunk]) -> Any:
    total = functools.reduce(operator.add, chunks)
    return total, total.tool_calls


def counted(work: Callable[[Any], Any], value: Any) -> int:
    """Return how many functions the work calls, those of C among them."""
    seen = 0

    def count(frame: Any, event: str, arg: Any) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work(value)
    finally:
        sys.setprofile(before)
    return seen


@pytest.mark.parametrize("work", [one_by_one, add_chunks])
@pytest.mark.parametrize("make", [text, blocks, calls])
def test_twice_as_many_chunks_are_at_most_a_little_more_than_twice_the_work(make: Any, work: Any) -> None:
    """One by one as well as all at once, for texts, blocks and pieces of calls."""
    steps = [counted(work, make(count)) for count in (250, 500, 1000, 2000)]
    assert all(later <= 2.2 * earlier for earlier, later in zip(steps, steps[1:], strict=False)), steps


def test_two_texts_add_as_any_chunks_do() -> None:
    """The short way for nothing but text gives what the general way gives."""
    plain: list[Any] = [AIMessageChunk("a"), AIMessageChunk("b", id="run-1"), AIMessageChunk("c", id="msg")]
    marked = AIMessageChunk("", response_metadata={"m": 1}, name="n")
    for left in plain:
        for right in plain:
            total = left + right
            general = (marked + left + right).model_copy(update={"response_metadata": {}, "name": None})
            assert total == general
            assert total.model_dump() == general.model_dump()
            assert isinstance(total, AIMessage)
    assert plain[0].content == "a"
    assert (AIMessageChunk("a", name="n") + AIMessageChunk("b")).name == "n"


def test_a_chunk_of_text_is_like_a_validated_one() -> None:
    """Made without validation because there is nothing to validate; its containers are its own."""
    short, long = AIMessageChunk("x"), AIMessageChunk.model_validate({"content": "x"})
    assert short == long
    assert (short.model_dump(), repr(short)) == (long.model_dump(), repr(long))
    assert short.model_fields_set == long.model_fields_set == {"content"}
    short.additional_kwargs["a"] = 1
    assert AIMessageChunk("x").additional_kwargs == {}
    with pytest.raises(ValueError, match="content"):
        AIMessageChunk(5)  # type: ignore[arg-type]
