"""What ChatGLM servers are sent, how their answers are read, and the cutting of streams."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloom.runtime.exceptions import ModelError
from spanloom.runtime.models import chatglm_wire as wire
from spanloom.runtime.models.sse import SseDecoder


def split_at(data: Any, cuts: list[int]) -> list[Any]:
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


CUTS = st.lists(st.integers(0, 10_000), max_size=20)


# Requests


def test_classic_request_has_the_five_documented_keys_with_their_defaults() -> None:
    assert wire.build_request("hi") == {
        "prompt": "hi",
        "temperature": 0.1,
        "history": [],
        "max_length": 20000,
        "top_p": 0.7,
    }


def test_zero_is_sent_as_zero() -> None:
    assert wire.build_request("hi", temperature=0, top_p=0, max_token=0)["temperature"] == 0


def test_model_kwargs_lie_over_the_request_and_call_kwargs_over_both() -> None:
    built = wire.build_request(
        "hi", model_kwargs={"top_p": 0.5, "seed": 1, "temperature": 1}, call_kwargs={"temperature": 2, "history": None}
    )
    assert (built["top_p"], built["seed"], built["temperature"], built["history"]) == (0.5, 1, 2, None)


def test_building_changes_nothing_that_was_passed_in_and_shares_no_history() -> None:
    history, model_kwargs, call_kwargs = [["q", "a"]], {"x": 1}, {"y": 2}
    before = copy.deepcopy((history, model_kwargs, call_kwargs))
    for build in (wire.build_request, wire.build_chat_request):
        built = build("hi", history=history, model_kwargs=model_kwargs, call_kwargs=call_kwargs)
        built.get("history", built.get("messages"))[0].clear()
        built["z"] = 3
    assert (history, model_kwargs, call_kwargs) == before


def test_chat_request_turns_history_into_messages() -> None:
    built = wire.build_chat_request("hi", history=[["q", "a"]], max_token=5, stream=True, call_kwargs={"tools": []})
    assert built == {
        "model": "chatglm3-6b",
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a"},
            {"role": "user", "content": "hi"},
        ],
        "temperature": 0.1,
        "max_tokens": 5,
        "top_p": 0.7,
        "stream": True,
        "tools": [],
    }


def test_chat_request_takes_whole_messages() -> None:
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert wire.build_chat_request(messages)["messages"] == messages


@pytest.mark.parametrize("turn", ["abc", ["q"], 1, None])
def test_a_turn_that_is_no_pair_is_told(turn: object) -> None:
    with pytest.raises(ValueError, match="pair"):
        wire.build_chat_request("hi", history=[turn])


# Answers


def test_classic_answer_gives_response_and_history() -> None:
    text = json.dumps({"response": "yes", "history": [["q", "yes"]], "status": 200, "time": "now"})
    assert wire.parse_answer(200, text) == wire.Answer("yes", [["q", "yes"]])


@pytest.mark.parametrize("body", [{"response": ""}, {"response": "", "history": None}, {"response": "", "history": 1}])
def test_an_answer_without_history_is_still_an_answer(body: dict[str, object]) -> None:
    assert wire.parse_answer(200, json.dumps(body)) == wire.Answer("", None)


@pytest.mark.parametrize(
    ("status", "text", "kind", "says"),
    [
        (500, "Internal Server Error", wire.ChatGlmStatusError, "500.*Internal Server Error"),
        (200, "<html>oops</html>", wire.ChatGlmDecodeError, "<html>oops</html>"),
        (200, "", wire.ChatGlmDecodeError, "not JSON"),
        (200, "[1]", wire.ChatGlmShapeError, "list"),
        (200, "null", wire.ChatGlmShapeError, "NoneType"),
        (200, '{"history": []}', wire.ChatGlmEmptyError, "response"),
        (200, '{"response": null}', wire.ChatGlmEmptyError, "response"),
    ],
)
def test_each_unusable_answer_has_its_own_error(status: int, text: str, kind: type[ModelError], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        wire.parse_answer(status, text)
    assert type(caught.value) is kind


def test_the_five_errors_are_distinct_model_errors() -> None:
    kinds = {
        wire.ChatGlmUnreachableError,
        wire.ChatGlmStatusError,
        wire.ChatGlmDecodeError,
        wire.ChatGlmShapeError,
        wire.ChatGlmEmptyError,
    }
    assert len(kinds) == 5
    assert all(issubclass(kind, ModelError) and issubclass(kind, ValueError) for kind in kinds)
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)


def test_a_status_error_carries_the_status() -> None:
    with pytest.raises(wire.ChatGlmStatusError) as caught:
        wire.parse_answer(503, "busy")
    assert caught.value.status == 503


def test_a_long_body_is_quoted_in_part() -> None:
    with pytest.raises(wire.ChatGlmDecodeError, match="98000 characters more") as caught:
        wire.parse_answer(200, "x" * 100_000)
    assert len(str(caught.value)) < 2200


def test_json_nested_too_deeply_is_an_answer_that_cannot_be_read() -> None:
    with pytest.raises(wire.ChatGlmDecodeError):
        wire.parse_answer(200, "[" * 100_000)


def test_chat_answer_gives_text_reason_and_usage() -> None:
    choice = {"message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
    usage = {"total_tokens": 3}
    text = json.dumps({"choices": [choice], "usage": usage})
    assert wire.parse_chat_answer(200, text) == wire.ChatAnswer("yes", "stop", usage)


def test_a_null_content_is_an_empty_text() -> None:
    text = '{"choices": [{"message": {"content": null}, "finish_reason": "function_call"}]}'
    assert wire.parse_chat_answer(200, text) == wire.ChatAnswer("", "function_call", None)


@pytest.mark.parametrize("body", ["{}", '{"choices": []}', '{"choices": [{}]}', '{"choices": [1]}', '{"choices": 1}'])
def test_a_chat_answer_without_a_message_is_empty(body: str) -> None:
    with pytest.raises(wire.ChatGlmEmptyError):
        wire.parse_chat_answer(200, body)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"choices": [{"delta": {"role": "assistant"}}]}', wire.ChatDelta("", None, None, is_last=False)),
        ('{"choices": [{"delta": {"content": "a"}}]}', wire.ChatDelta("a", None, None, is_last=False)),
        (
            '{"choices": [{"delta": {}, "finish_reason": "stop"}]}',
            wire.ChatDelta("", "stop", None, is_last=False),
        ),
        ('{"choices": [], "usage": {"a": 1}}', wire.ChatDelta("", None, {"a": 1}, is_last=False)),
        ("[DONE]", wire.ChatDelta("", None, None, is_last=True)),
    ],
)
def test_each_kind_of_streamed_event_is_read(data: str, expected: wire.ChatDelta) -> None:
    assert wire.parse_chat_event(data) == expected


def test_an_error_sent_in_a_stream_is_raised() -> None:
    with pytest.raises(wire.ChatGlmError, match="out of memory"):
        wire.parse_chat_event('{"error": {"message": "out of memory"}}')


# Server-sent events


def decoded(pieces: list[bytes]) -> list[str]:
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.finish()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b": ping\r\n\r\ndata: a\r\n: ping\r\n\r\n", ["a"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data:a\n\ndata:  a\n\ndata\n\ndata:\n\n", ["a", " a", "", ""]),
        (b"event: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
        (b"event: x\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        ("data: 天空\u2028是蓝的\n\n".encode(), ["天空\u2028是蓝的"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"data: [DONE]\n", ["[DONE]"]),
        (b"data: a\n\ndata: cut of", ["a"]),
        (b"dataset: a\n\n", []),
        (b"", []),
    ],
)
def test_events_are_read_as_the_standard_says_however_they_are_split(body: bytes, expected: list[str]) -> None:
    assert decoded([body]) == expected
    assert decoded([body[at : at + 1] for at in range(len(body))]) == expected
    for cut in range(len(body)):
        assert decoded([body[:cut], b"", body[cut:]]) == expected


@given(
    events=st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=8),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    comments=st.booleans(),
    cuts=CUTS,
)
def test_any_chunking_of_any_events_gives_the_same_events(
    events: list[str], end: bytes, comments: bool, cuts: list[int]
) -> None:
    comment = b": ping" + end + end if comments else b""
    body = b"".join(comment + b"data: " + event.encode() + end + end for event in events)
    assert decoded(split_at(body, cuts)) == events


@given(body=st.binary(max_size=80) | st.text("data: \r\nx").map(str.encode), cuts=CUTS)
def test_any_chunking_of_any_bytes_gives_the_same_events(body: bytes, cuts: list[int]) -> None:
    assert decoded(split_at(body, cuts)) == decoded([body])


def test_an_event_is_given_with_the_byte_that_finishes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == ["a"]
    assert decoder.feed(b"\n") == []
