"""Branch: conditions one after another, then what belongs to the first that holds."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.runnables import RunnableBranch, RunnableGenerator, RunnableLambda
from spanloom.testing.recorder import SpanRecorder

from .calling import MODES, bad, called, letters, same, streamed


def is_one(value: Any) -> bool:
    return bool(value == 1)


def is_two(value: Any) -> bool:
    return bool(value == 2)


def one(value: Any) -> str:
    return "one"


CHOICE: RunnableBranch[Any, Any] = RunnableBranch((is_one, one), (is_two, RunnableGenerator(letters)), same)


def test_the_events_of_a_branch_in_a_sequence() -> None:
    """As the reference gives them: places counted from 1, chunks of the branch only where it begins the stream."""
    assert streamed(RunnableLambda(same) | CHOICE, 2) == [
        ("on_chain_start", "RunnableSequence", [], {"input": 2}, 0, []),
        ("on_chain_start", "same", ["seq:step:1"], {}, 1, [0]),
        ("on_chain_stream", "same", ["seq:step:1"], {"chunk": 2}, 1, [0]),
        ("on_chain_end", "same", ["seq:step:1"], {"input": 2, "output": 2}, 1, [0]),
        ("on_chain_start", "RunnableBranch", ["seq:step:2"], {"input": 2}, 2, [0]),
        ("on_chain_start", "is_one", ["condition:1"], {"input": 2}, 3, [0, 2]),
        ("on_chain_end", "is_one", ["condition:1"], {"input": 2, "output": False}, 3, [0, 2]),
        ("on_chain_start", "is_two", ["condition:2"], {"input": 2}, 4, [0, 2]),
        ("on_chain_end", "is_two", ["condition:2"], {"input": 2, "output": True}, 4, [0, 2]),
        ("on_chain_start", "letters", ["branch:2"], {}, 5, [0, 2]),
        ("on_chain_stream", "letters", ["branch:2"], {"chunk": "a"}, 5, [0, 2]),
        ("on_chain_stream", "RunnableSequence", [], {"chunk": "a"}, 0, []),
        ("on_chain_stream", "letters", ["branch:2"], {"chunk": "b"}, 5, [0, 2]),
        ("on_chain_stream", "RunnableSequence", [], {"chunk": "b"}, 0, []),
        ("on_chain_end", "letters", ["branch:2"], {"input": 2, "output": "ab"}, 5, [0, 2]),
        ("on_chain_end", "RunnableBranch", ["seq:step:2"], {"input": 2, "output": "ab"}, 2, [0]),
        ("on_chain_end", "RunnableSequence", [], {"output": "ab"}, 0, []),
    ]


def test_the_events_of_a_branch_as_the_root() -> None:
    """There the branch shows the chunks too."""
    assert streamed(CHOICE, 1) == [
        ("on_chain_start", "RunnableBranch", [], {"input": 1}, 0, []),
        ("on_chain_start", "is_one", ["condition:1"], {"input": 1}, 1, [0]),
        ("on_chain_end", "is_one", ["condition:1"], {"input": 1, "output": True}, 1, [0]),
        ("on_chain_start", "one", ["branch:1"], {}, 2, [0]),
        ("on_chain_stream", "one", ["branch:1"], {"chunk": "one"}, 2, [0]),
        ("on_chain_stream", "RunnableBranch", [], {"chunk": "one"}, 0, []),
        ("on_chain_end", "one", ["branch:1"], {"input": 1, "output": "one"}, 2, [0]),
        ("on_chain_end", "RunnableBranch", [], {"output": "one"}, 0, []),
    ]


def test_the_events_of_a_branch_inside_a_step() -> None:
    """Where it is invoked, the chosen one has its input and no chunks."""

    async def outer(value: Any) -> Any:
        return await CHOICE.ainvoke(value)

    done = {"input": 1, "output": "one"}
    assert streamed(RunnableLambda(outer), 1) == [
        ("on_chain_start", "outer", [], {"input": 1}, 0, []),
        ("on_chain_start", "RunnableBranch", [], {"input": 1}, 1, [0]),
        ("on_chain_start", "is_one", ["condition:1"], {"input": 1}, 2, [0, 1]),
        ("on_chain_end", "is_one", ["condition:1"], {"input": 1, "output": True}, 2, [0, 1]),
        ("on_chain_start", "one", ["branch:1"], {"input": 1}, 3, [0, 1]),
        ("on_chain_end", "one", ["branch:1"], done, 3, [0, 1]),
        ("on_chain_end", "RunnableBranch", [], done, 1, [0]),
        ("on_chain_stream", "outer", [], {"chunk": "one"}, 0, []),
        ("on_chain_end", "outer", [], {"output": "one"}, 0, []),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_the_default_runs_when_no_condition_holds(mode: str) -> None:
    """Every condition was asked, each once; the spans carry the places."""
    choice: Any = RunnableBranch((is_one, one), (is_two, one), same)
    with SpanRecorder() as spans:
        assert called(choice, mode, 3) in (3, [3])
    assert spans.tree() == [("RunnableBranch", [("is_one", []), ("is_two", []), ("same", [])])]
    assert [span.attributes.get("spanloom.run.step") for span in spans] == [
        "condition:1",
        "condition:2",
        "branch:default",
        None,
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_failing_condition_ends_the_branch_with_its_error(mode: str) -> None:
    """Nothing else is run; each span ends once."""
    with SpanRecorder() as spans, pytest.raises(ValueError, match="bad"):
        called(RunnableBranch((bad, one), same), mode, 1)
    assert spans.outcomes() == {"bad": "error", "RunnableBranch": "error"}
    assert spans.started == 2


def test_leaving_the_stream_closes_the_chosen_one() -> None:
    """Both runs end as abandoned."""

    async def leave() -> None:
        stream: Any = CHOICE.astream(2)
        assert await anext(stream) == "a"
        await stream.aclose()

    with SpanRecorder() as spans:
        asyncio.run(leave())
    assert spans.outcomes() == {
        "is_one": "ok",
        "is_two": "ok",
        "letters": "abandoned",
        "RunnableBranch": "abandoned",
    }


@pytest.mark.parametrize(
    ("branches", "kind", "words"),
    [
        ((), ValueError, "given 0 branches"),
        ((same,), ValueError, "given 1 branches"),
        (((is_one, one),), ValueError, "given 1 branches"),
        (((is_one, one), (is_two, one)), TypeError, "The default"),
        (((is_one, one), 3), TypeError, "The default of RunnableBranch is 3"),
        ((same, same), TypeError, "Branch 1"),
        (((is_one, one), (is_two,), same), ValueError, "Branch 2 of RunnableBranch has 1 parts"),
        (((1, one), same), TypeError, "condition of branch 1 is 1"),
        (((is_one, 1), same), TypeError, "runnable of branch 1 is 1"),
    ],
)
def test_bad_branches_are_told_when_the_branch_is_made(branches: Any, kind: type[Exception], words: str) -> None:
    """Not when it runs."""
    with pytest.raises(kind, match=words):
        RunnableBranch(*branches)


def test_lists_and_mappings_are_taken() -> None:
    """A pair may be a list, a runnable a mapping."""
    made: Any = RunnableBranch([is_one, {"k": one}], same)
    assert made.invoke(1) == {"k": "one"}
    assert len(made.branches) == 1
    assert made.default.invoke(2) == 2
