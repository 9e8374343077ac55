"""Stop strings are literals, and a stream is cut where the whole text would be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloom.runtime.models.stopping import StopCutter, cut_at_stop

CUTS = st.lists(st.integers(0, 10_000), max_size=20)


def split_at(data: Any, cuts: list[int]) -> list[Any]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (None, "a.b(c)+a.b"),
        ([], "a.b(c)+a.b"),
        (["."], "a"),
        (["("], "a.b"),
        (["c)", "b("], "a."),
        ([")+", ""], "a.b(c"),
        ([".*", "$", "^"], "a.b(c)+a.b"),
        ("b(", "a."),
        (["a.b(c)+a.b"], ""),
    ],
)
def test_stop_strings_are_literals_and_the_first_occurrence_cuts(stop: list[str] | None, expected: str) -> None:
    assert cut_at_stop("a.b(c)+a.b", stop) == expected
    assert streamed(list("a.b(c)+a.b"), stop) == expected


def streamed(tokens: list[str], stop: list[str] | None) -> str:
    cutter = StopCutter(stop)
    return "".join(map(cutter.feed, tokens)) + cutter.finish()


@given(
    text=st.text("ab.", max_size=40),
    stop=st.lists(st.text("ab.", max_size=5), max_size=4),
    cuts=CUTS,
)
def test_a_stream_is_cut_where_the_whole_text_would_be(text: str, stop: list[str], cuts: list[int]) -> None:
    assert streamed(split_at(text, cuts), stop) == cut_at_stop(text, stop)


@given(tokens=st.lists(st.text("ab.", max_size=4), max_size=20), stop=st.lists(st.text("ab.", max_size=5), max_size=3))
def test_only_what_may_begin_a_stop_string_is_held_back(tokens: list[str], stop: list[str]) -> None:
    cutter, fed, given_out = StopCutter(stop), "", ""
    for token in tokens:
        fed += token
        given_out += cutter.feed(token)
        if cutter.is_stopped:
            return
        held = fed.removeprefix(given_out)
        assert fed == given_out + held
        assert not held or any(s.startswith(held) or held.find(s) > 0 for s in stop if s)
        assert len(held) < max(map(len, stop), default=1) or not held


def test_an_earlier_stop_string_that_is_still_open_goes_before_a_later_one_that_is_complete() -> None:
    cutter = StopCutter(["abcd", "bc"])
    assert cutter.feed("xabc") == "x"
    assert not cutter.is_stopped
    assert cutter.feed("d") == ""
    assert cutter.is_stopped
    assert streamed(["xabc", "e"], ["abcd", "bc"]) == "xa"


def test_nothing_comes_out_after_a_stop_string() -> None:
    cutter = StopCutter(["STOP"])
    assert [cutter.feed(t) for t in ("one ST", "OP two", "three")] == ["one ", "", ""]
    assert cutter.is_stopped
    assert cutter.finish() == ""


def test_without_stop_strings_every_token_passes_at_once() -> None:
    cutter = StopCutter(None)
    assert [cutter.feed("a"), cutter.feed("b"), cutter.finish()] == ["a", "b", ""]
