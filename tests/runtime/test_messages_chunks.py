"""Chunks add up to what the provider meant, however the stream was cut."""

import functools
import operator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    ToolMessage,
    ToolMessageChunk,
    add_chunks,
    merge_content,
    message_chunk_to_message,
)


def piece(**kwargs: Any) -> AIMessageChunk:
    return AIMessageChunk("", tool_call_chunks=[kwargs])


@pytest.mark.row("M.04")
def test_pieces_of_a_tool_call_join_by_index():
    total = piece(name="foo", args='{"a":', id="c", index=0) + piece(name=None, args="1}", id=None, index=0)
    assert total.tool_call_chunks == [
        {"name": "foo", "args": '{"a":1}', "id": "c", "index": 0, "type": "tool_call_chunk"}
    ]
    assert total.tool_calls == [{"name": "foo", "args": {"a": 1}, "id": "c", "type": "tool_call"}]


@pytest.mark.row("M.03")
def test_text_usage_metadata_and_id_add_up():
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    details = {**usage, "input_token_details": {"cache_read": 2, "ephemeral_5m": 3}}
    total = AIMessageChunk("Hello", id="run-1", usage_metadata=usage, response_metadata={"a": {"n": 1}}) + (
        AIMessageChunk(" World", id="run-1", usage_metadata=details, response_metadata={"a": {"n": 2}, "b": "x"})
    )
    assert (total.content, total.id) == ("Hello World", "run-1")
    assert total.usage_metadata == {
        "input_tokens": 2,
        "output_tokens": 4,
        "total_tokens": 6,
        "input_token_details": {"cache_read": 2, "ephemeral_5m": 3},
    }
    assert total.response_metadata == {"a": {"n": 3}, "b": "x"}
    assert len((piece(args="{", index=None) + piece(args="}", index=None)).tool_call_chunks) == 2
    assert len((piece(args="{", index=0) + piece(args="}", index=1)).tool_call_chunks) == 2
    left, right = ([{"type": "text", "text": t, "index": 0}] for t in ("J'aime", " ça"))
    assert (AIMessageChunk(left) + AIMessageChunk(right)).content == [{"type": "text", "text": "J'aime ça", "index": 0}]
    for stranger in ("text", 5, AIMessage("x")):
        with pytest.raises(TypeError, match="only message chunks"):
            AIMessageChunk("x") + stranger


@pytest.mark.row("M.02")
def test_tool_calls_are_read_from_the_pieces():
    chunk = AIMessageChunk("x")
    assert (chunk.type, chunk.tool_call_chunks, chunk.chunk_position) == ("AIMessageChunk", [], None)
    with pytest.raises(ValidationError, match="chunk_position"):
        AIMessageChunk("x", chunk_position="first")
    whole = {"name": "f", "args": '{"a": 1}', "id": "1", "index": 0}
    last = AIMessageChunk("x", tool_call_chunks=[whole, {**whole, "args": "nope"}], chunk_position="last")
    assert [call["args"] for call in last.tool_calls] == [{"a": 1}]
    assert last.invalid_tool_calls == [
        {"name": "f", "args": "nope", "id": "1", "error": None, "type": "invalid_tool_call"}
    ]
    for malformed in ("s", {"name": 5, "args": "", "id": None, "index": 0}):
        with pytest.raises(ValueError, match="tool_call_chunks"):
            AIMessageChunk("x", tool_call_chunks=[malformed])
    server = {"type": "server_tool_call_chunk", "id": "1", "name": "f", "args": '{"a":1}', "index": 0}
    content = AIMessageChunk([server], chunk_position="last", response_metadata={"output_version": "v1"}).content
    assert content == [{**server, "type": "server_tool_call", "args": {"a": 1}}]


@pytest.mark.parametrize(
    ("text", "args"),
    [("", {}), (None, {}), ("{}", {}), ('{"a":', {}), ('{"a": 1, "b"', {"a": 1}), ('{"a": "x\ny"}', {"a": "x\ny"})],
)
def test_arguments_that_are_cut_off_give_what_has_come(text: str | None, args: dict[str, Any]):
    assert piece(name="f", args=text, id="1", index=0).tool_calls[0]["args"] == args


@pytest.mark.parametrize("text", ["[1]", "null", '"s"', "nope", '{"a":1,}', '{"a":1]', "  "])
def test_arguments_that_are_no_object_make_an_invalid_call(text: str):
    chunk = piece(name="f", args=text, id="1", index=0)
    assert chunk.tool_calls == []
    assert chunk.invalid_tool_calls[0]["args"] == text


def test_whole_calls_become_pieces_that_never_join():
    chunk = AIMessageChunk("", tool_calls=[{"name": "f", "args": {"a": 1}, "id": "1"}])
    assert chunk.tool_call_chunks[0]["args"] == '{"a": 1}'
    assert len((chunk + chunk).tool_calls) == 2


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["run-1", "run-2"], "run-1"),
        (["run-1", "msg_1"], "msg_1"),
        (["lc_1", "run-2"], "run-2"),
        (["lc_1", "lc_run-2"], "lc_run-2"),
        (["lc_run-1", "run-2"], "run-2"),
        ([None, "lc_2"], "lc_2"),
        (["", "run-2"], "run-2"),
        ([None, None], None),
    ],
)
def test_the_id_of_highest_rank_is_kept(ids: list[str | None], expected: str | None):
    assert add_chunks([AIMessageChunk("x", id=i) for i in ids]).id == expected


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["a", "b"], "ab"),
        (["a", "b", ["c"]], ["ab", "c"]),
        ([["a"], "b"], ["ab"]),
        ([["a", {"x": 1}], "b"], ["a", {"x": 1}, "b"]),
        ([[{"x": 1}], ""], [{"x": 1}]),
        ([[], "b"], ["b"]),
        (["", [{"type": "text"}]], ["", {"type": "text"}]),
        (
            [[{"index": 0, "t": "a"}], [{"index": 0, "t": "b"}, {"index": 1, "t": "c"}]],
            [{"index": 0, "t": "ab"}, {"index": 1, "t": "c"}],
        ),
        (
            [[{"index": 0, "t": "a", "id": "1"}], [{"index": 0, "t": "b", "id": "2"}]],
            [{"index": 0, "t": "a", "id": "1"}, {"index": 0, "t": "b", "id": "2"}],
        ),
        ([[{"index": "lc_a", "t": "a"}], [{"index": "lc_a", "t": "b"}]], [{"index": "lc_a", "t": "ab"}]),
        (
            [[{"index": "a", "t": "a"}], [{"index": "a", "t": "b"}]],
            [{"index": "a", "t": "a"}, {"index": "a", "t": "b"}],
        ),
        (
            [[{"type": "text", "text": "a", "index": 0}], [{"type": "non_standard", "value": {"f": "2"}, "index": 0}]],
            [{"type": "text", "text": "a", "index": 0, "extras": {"f": "2"}}],
        ),
    ],
)
def test_contents_merge(contents: list[Any], expected: Any):
    assert merge_content(*contents) == expected


def test_adding_leaves_the_summands_as_they_were():
    left = AIMessageChunk([{"index": 0, "d": {"t": "a"}, "l": ["x"]}], response_metadata={"d": {"t": "a"}})
    right = AIMessageChunk([{"index": 0, "d": {"t": "b"}, "l": ["y"]}], response_metadata={"d": {"t": "b"}})
    total = left + right
    assert total.content == [{"index": 0, "d": {"t": "ab"}, "l": ["x", "y"]}]
    assert (left.content, right.content) == (
        [{"index": 0, "d": {"t": "a"}, "l": ["x"]}],
        [{"index": 0, "d": {"t": "b"}, "l": ["y"]}],
    )
    assert left.response_metadata == {"d": {"t": "a"}}


def test_metadata_that_cannot_be_joined_is_an_error():
    for left, right in [(1, "s"), (1.5, 2.5), (True, False)]:
        with pytest.raises(TypeError, match="Cannot join 'n'"):
            AIMessageChunk("", response_metadata={"n": left}) + AIMessageChunk("", response_metadata={"n": right})


def test_other_chunks_add_within_their_speaker():
    assert (HumanMessageChunk("x") + HumanMessageChunk("y")).content == "xy"
    assert (ChatMessageChunk("x", role="a") + ChatMessageChunk("y", role="a")).role == "a"
    tool = ToolMessageChunk("x", tool_call_id="1", artifact=[1]) + (
        ToolMessageChunk("y", tool_call_id="1", artifact=[2], status="error")
    )
    assert (tool.content, tool.artifact, tool.status) == ("xy", [1, 2], "error")
    for left, right in [
        (ChatMessageChunk("x", role="a"), ChatMessageChunk("y", role="b")),
        (FunctionMessageChunk("x", name="a"), FunctionMessageChunk("y", name="b")),
        (ToolMessageChunk("x", tool_call_id="a"), ToolMessageChunk("y", tool_call_id="b")),
    ]:
        with pytest.raises(ValueError, match="different"):
            left + right


def test_a_chunk_becomes_the_message_it_is_a_piece_of():
    call = {"name": "f", "args": '{"a":1}', "id": "1", "index": 0}
    chunk = AIMessageChunk("a", id="3", tool_call_chunks=[call], chunk_position="last", mood="glad")
    whole = message_chunk_to_message(chunk)
    assert whole == AIMessage("a", id="3", tool_calls=chunk.tool_calls, mood="glad")
    assert message_chunk_to_message(HumanMessage("x")) == HumanMessage("x")
    tool = ToolMessageChunk("x", tool_call_id="5", status="error")
    assert message_chunk_to_message(tool) == ToolMessage("x", tool_call_id="5", status="error")


def test_a_fast_chunk_equals_a_built_one():
    fast = AIMessageChunk.fast("x", "run-1")
    assert fast == AIMessageChunk("x", id="run-1")
    assert repr(fast) == repr(AIMessageChunk("x", id="run-1"))
    assert fast + fast == AIMessageChunk("xx", id="run-1")


def test_nothing_cannot_be_added():
    with pytest.raises(InvalidInputError, match="at least one"):
        add_chunks([])


texts = st.text(max_size=4)
blocks = st.builds(lambda t, i: [{"type": "text", "text": t, "index": i}], texts, st.integers(0, 2))
usages = st.none() | st.builds(
    lambda i, o: {"input_tokens": i, "output_tokens": o, "total_tokens": i + o}, st.integers(0, 9), st.integers(0, 9)
)
pieces = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | texts,
            "args": st.none() | st.sampled_from(["", "{", '"a"', ": 1", "}"]),
            "id": st.none(),
            "index": st.none() | st.integers(0, 2),
        }
    ),
    max_size=2,
    unique_by=lambda piece: object() if piece["index"] is None else piece["index"],
)


def chunk_lists(content: st.SearchStrategy[Any]) -> st.SearchStrategy[list[AIMessageChunk]]:
    chunk = st.builds(
        AIMessageChunk,
        content,
        id=st.sampled_from([None, "run-1", "msg_1", "lc_1"]),
        usage_metadata=usages,
        tool_call_chunks=pieces,
        response_metadata=st.dictionaries(st.sampled_from("ab"), texts, max_size=2),
        chunk_position=st.sampled_from([None, None, "last"]),
    )
    return st.lists(chunk, min_size=1, max_size=6)


@given(st.one_of(chunk_lists(texts), chunk_lists(blocks)), st.data())
def test_adding_is_associative_and_equals_the_left_fold(chunks: list[AIMessageChunk], data: st.DataObject):
    total = add_chunks(chunks)
    assert total == functools.reduce(operator.add, chunks)
    cut = data.draw(st.integers(0, len(chunks)))
    halves = [add_chunks(half) for half in (chunks[:cut], chunks[cut:]) if half]
    assert add_chunks(halves) == total


@given(st.lists(st.one_of(texts, st.lists(texts, max_size=2), blocks), min_size=1, max_size=6))
def test_contents_of_any_kind_merge_as_one_by_one(contents: list[Any]):
    assert merge_content(*contents) == functools.reduce(merge_content, contents)
