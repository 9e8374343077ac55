"""Router: the runnable under the key, with no run of its own."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.runnables import RouterRunnable, RunnableGenerator, RunnableLambda
from spanloom.testing.recorder import SpanRecorder

from .calling import MODES, bad, called, letters, same, streamed

ROUTER = RouterRunnable({"a": RunnableLambda(same), "b": RunnableGenerator(letters), "bad": bad})


@pytest.mark.parametrize("mode", MODES)
def test_only_the_chosen_one_is_a_run(mode: str) -> None:
    """Its span is the root, under its own name."""
    with SpanRecorder() as spans:
        assert called(ROUTER, mode, {"key": "a", "input": 3}) in (3, [3])
    assert spans.tree() == [("same", [])]


def test_the_events_are_those_of_the_chosen_one() -> None:
    """The first record shows what the router was given, as the reference does."""
    value = {"key": "b", "input": 3}
    assert [(record[0], record[1], record[3]) for record in streamed(ROUTER, value)] == [
        ("on_chain_start", "letters", {"input": value}),
        ("on_chain_stream", "letters", {"chunk": "a"}),
        ("on_chain_stream", "letters", {"chunk": "b"}),
        ("on_chain_end", "letters", {"output": "ab"}),
    ]


def test_in_a_sequence_the_chosen_one_is_the_step() -> None:
    """With the step's tag."""
    value = {"key": "b", "input": 3}
    records = streamed(RunnableLambda(same) | ROUTER, value)
    assert [record for record in records if record[1] == "letters"] == [
        ("on_chain_start", "letters", ["seq:step:2"], {}, 2, [0]),
        ("on_chain_stream", "letters", ["seq:step:2"], {"chunk": "a"}, 2, [0]),
        ("on_chain_stream", "letters", ["seq:step:2"], {"chunk": "b"}, 2, [0]),
        ("on_chain_end", "letters", ["seq:step:2"], {"input": 3, "output": "ab"}, 2, [0]),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ({"key": "z", "input": 1}, ValueError, "No runnable associated with key 'z'"),
        ({"key": "a"}, ValueError, "no 'input'"),
        ({"input": 1}, ValueError, "no 'key'"),
        (5, TypeError, "given 5"),
    ],
)
def test_bad_input_is_told(mode: str, value: Any, kind: type[Exception], words: str) -> None:
    """And nothing runs."""
    with SpanRecorder() as spans, pytest.raises(kind, match=words):
        called(ROUTER, mode, value)
    assert len(spans) == 0


def test_a_batch_is_routed_item_by_item() -> None:
    """In order; a failure stays with its item."""
    inputs = [{"key": "a", "input": 1}, {"key": "bad", "input": 2}, {"key": "a", "input": 3}]
    first, second, third = ROUTER.batch(inputs, return_exceptions=True)
    assert (first, third) == (1, 3)
    assert isinstance(second, ValueError)
    assert asyncio.run(ROUTER.abatch([inputs[0], inputs[2]])) == [1, 3]


def test_what_is_no_mapping_is_told_when_the_router_is_made() -> None:
    """So is a value that cannot run."""
    with pytest.raises(TypeError, match="mapping of keys"):
        RouterRunnable([same])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="7"):
        RouterRunnable({"a": 7})
