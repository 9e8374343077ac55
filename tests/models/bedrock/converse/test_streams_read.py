"""What the events of ConverseStream become."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from spanloom.runtime.messages import AIMessageChunk, HumanMessage
from spanloom.runtime.models.bedrock.calls import Event
from spanloom.runtime.models.bedrock.converse.stream import ConverseDecoder, is_output
from spanloom.runtime.models.bedrock.errors import TruncatedStreamError

from .sending import CLAUDE, sent_messages

REQUEST = {"RequestId": "r", "HTTPStatusCode": 200}
START: Event = ("messageStart", {"role": "assistant"})
END: Event = ("messageStop", {"stopReason": "end_turn"})
COUNTED: Event = (
    "metadata",
    {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 5}},
)
FROM = {"model_provider": "bedrock_converse"}


def delta(index: int, **value: Any) -> Event:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": value}


def start(index: int, **value: Any) -> Event:
    return "contentBlockStart", {"contentBlockIndex": index, "start": value}


def stop(index: int) -> Event:
    return "contentBlockStop", {"contentBlockIndex": index}


def chunks(*events: Event, ends: Iterable[Event] = (END, COUNTED)) -> list[AIMessageChunk]:
    decoder = ConverseDecoder(CLAUDE, head={"ResponseMetadata": REQUEST})
    found = [chunk for event in (START, *events, *ends) for chunk in decoder.feed(event)]
    return found + decoder.finish()


def total(*events: Event, ends: Iterable[Event] = (END, COUNTED)) -> AIMessageChunk:
    first, *others = chunks(*events, ends=ends)
    found: AIMessageChunk = first + others
    return found


@pytest.mark.row("C.32")
@pytest.mark.row("C.36")
@pytest.mark.row("X.09")
def test_a_stream_of_text_gives_these_chunks() -> None:
    """An empty chunk, the texts with their index, and a last one with all that is known of the answer."""
    first, *texts, ended, last = chunks(delta(0, text="J'aime"), delta(0, text=" la"), stop(0))
    assert (first.content, first.response_metadata, ended.content) == ([], FROM, [])
    assert [text.content for text in texts] == [
        [{"type": "text", "text": "J'aime", "index": 0}],
        [{"type": "text", "text": " la", "index": 0}],
    ]
    assert last.response_metadata == {
        **FROM,
        "model_name": CLAUDE,
        "ResponseMetadata": REQUEST,
        "stopReason": "end_turn",
        "metrics": {"latencyMs": 5},
    }
    assert (last.usage_metadata, last.chunk_position) == (
        {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        "last",
    )
    assert all(
        chunk.response_metadata["model_provider"] == "bedrock_converse" for chunk in (first, *texts, ended, last)
    )


@pytest.mark.row("C.33")
def test_the_sum_of_chunks_is_the_answer() -> None:
    """Texts join under their index; stop reason, metrics and usage are there once."""
    message = total(delta(0, text="J'aime la "), delta(0, text="programmation."), stop(0))
    assert message.content == [{"type": "text", "text": "J'aime la programmation.", "index": 0}]
    assert message.response_metadata["stopReason"] == "end_turn"
    assert message.response_metadata["metrics"] == {"latencyMs": 5}
    assert message.usage_metadata == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    assert message.text == "J'aime la programmation."


@pytest.mark.row("X.09")
@pytest.mark.row("X.20")
def test_the_last_chunk_tells_tier_trace_and_cache() -> None:
    """Everything that the service says at the end stands on the last chunk."""
    usage = {
        "inputTokens": 1,
        "outputTokens": 2,
        "totalTokens": 8,
        "cacheReadInputTokens": 5,
        "cacheWriteInputTokens": 0,
    }
    said = {"serviceTier": {"type": "flex"}, "trace": {"guardrail": {"modelOutput": []}}}
    fields = {"usage": {"output_tokens_details": {"thinking_tokens": 1}}}
    ends = [
        ("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": fields}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 5}, **said}),
    ]
    last = chunks(delta(0, text="x"), ends=ends)[-1]
    assert {key: last.response_metadata[key] for key in (*said, "stopReason")} == {**said, "stopReason": "end_turn"}
    assert last.usage_metadata == {
        "input_tokens": 6,
        "output_tokens": 2,
        "total_tokens": 8,
        "input_token_details": {"cache_read": 5, "cache_creation": 0},
        "output_token_details": {"reasoning": 1},
    }


@pytest.mark.row("C.27")
def test_calls_whose_pieces_interleave_are_told_apart() -> None:
    """Pieces join by the index of their block."""
    events = [
        start(0, toolUse={"toolUseId": "t0", "name": "a"}),
        start(1, toolUse={"toolUseId": "t1", "name": "b"}),
        delta(1, toolUse={"input": '{"x"'}),
        delta(0, toolUse={"input": ""}),
        delta(0, toolUse={"input": '{"y":'}),
        delta(1, toolUse={"input": ": 1}"}),
        delta(0, toolUse={"input": " 2}"}),
        stop(1),
        stop(0),
    ]
    found = chunks(*events)
    assert found[1].tool_call_chunks == [{"name": "a", "args": None, "id": "t0", "index": 0, "type": "tool_call_chunk"}]
    assert found[1].content == [{"type": "tool_use", "name": "a", "id": "t0", "index": 0}]
    message = total(*events)
    assert message.tool_calls == [
        {"name": "a", "args": {"y": 2}, "id": "t0", "type": "tool_call"},
        {"name": "b", "args": {"x": 1}, "id": "t1", "type": "tool_call"},
    ]
    tools = [{"systemTool": {"name": "n"}}]
    uses = sent_messages([HumanMessage("q"), message, HumanMessage("r")], tools=tools)[1]["content"]
    assert [use["toolUse"]["input"] for use in uses] == [{"y": 2}, {"x": 1}]


def test_a_call_without_arguments_has_none() -> None:
    """A call whose arguments never came is a call with an empty object."""
    message = total(start(0, toolUse={"toolUseId": "t", "name": "a"}), stop(0))
    assert message.tool_calls == [{"name": "a", "args": {}, "id": "t", "type": "tool_call"}]


@pytest.mark.row("C.34")
def test_streamed_reasoning_keeps_its_signature_to_the_next_request() -> None:
    """Pieces of a thought and its signature join; sent back they are what the service wants."""
    events = [
        delta(0, reasoningContent={"text": "th"}),
        delta(0, reasoningContent={"text": "ink"}),
        delta(0, reasoningContent={"signature": "sig"}),
        stop(0),
        delta(1, text="x"),
    ]
    message = total(*events)
    assert message.content == [
        {"type": "reasoning_content", "reasoning_content": {"text": "think", "signature": "sig"}, "index": 0},
        {"type": "text", "text": "x", "index": 1},
    ]
    assert message.content_blocks[0] == {
        "type": "reasoning",
        "reasoning": "think",
        "extras": {"signature": "sig"},
        "index": 0,
    }
    again = sent_messages([HumanMessage("a"), message, HumanMessage("b")])[1]["content"]
    assert again == [{"reasoningContent": {"reasoningText": {"text": "think", "signature": "sig"}}}, {"text": "x"}]


@pytest.mark.row("C.34")
def test_hidden_reasoning_is_given_whole() -> None:
    """Bytes that came in pieces are one block, also where its end was not told."""
    pieces = [delta(0, reasoningContent={"redactedContent": part}) for part in (b"ab", b"cd")]
    wanted = {"type": "reasoning_content", "reasoning_content": {"redacted_content": b"abcd"}, "index": 0}
    assert total(*pieces, stop(0)).content == total(*pieces).content == [wanted]


def test_citations_join_their_text() -> None:
    """A citation belongs to the text of its block."""
    place = {"documentChar": {"documentIndex": 0, "start": 1, "end": 2}}
    cited = {"title": "t", "sourceContent": [{"text": "q"}], "location": place}
    (block,) = total(delta(0, text="x"), delta(0, citation=cited), delta(0, citation=cited)).content
    assert isinstance(block, dict)
    snake = {"document_char": {"document_index": 0, "start": 1, "end": 2}}
    assert (block["text"], block["citations"]) == (
        "x",
        [{"title": "t", "source_content": [{"text": "q"}], "location": snake}] * 2,
    )


def test_answers_of_the_services_tools_and_images_are_given_whole() -> None:
    """Each is one block, when it ends; the service's call is none of the program's."""
    message = total(
        start(0, toolUse={"toolUseId": "t", "name": "g", "type": "server_tool_use"}),
        delta(0, toolUse={"input": "{}"}),
        stop(0),
        start(1, toolResult={"toolUseId": "t", "type": "g_result", "status": "success"}),
        delta(1, toolResult=[{"json": {"aB": 1}}]),
        delta(1, toolResult=[{"text": "x"}]),
        stop(1),
        start(2, image={"format": "png"}),
        delta(2, image={"source": {"bytes": b"ab"}}),
        delta(2, image={"source": {"bytes": b"c"}}),
        stop(2),
    )
    assert message.content == [
        {"type": "server_tool_use", "name": "g", "id": "t", "index": 0, "input": "{}"},
        {
            "type": "tool_result",
            "tool_use_id": "t",
            "is_error": False,
            "content": [{"type": "json", "json": {"aB": 1}}, {"type": "text", "text": "x"}],
            "result_type": "g_result",
            "index": 1,
        },
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YWJj"}, "index": 2},
    ]
    assert message.tool_calls == []


@pytest.mark.row("X.07")
def test_unknown_events_are_skipped_and_unknown_deltas_kept() -> None:
    """Neither is an error; what cannot be understood is kept as it came."""
    message = total(
        ("hologram", {"x": 1}),
        delta(0, hologram={"x": 1}),
        delta(0, hologram={"x": 2}),
        start(1, hologram={}),
        ("contentBlockDelta", {}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {}, "p": "abc"}),
        delta(2, text="x"),
    )
    assert message.content == [
        {"type": "non_standard", "value": {"hologram": {"x": 1}}},
        {"type": "non_standard", "value": {"hologram": {"x": 2}}},
        {"type": "text", "text": "x", "index": 2},
    ]


@pytest.mark.row("X.04")
@pytest.mark.parametrize("ends", [[], [COUNTED]])
def test_a_stream_without_its_stop_is_truncated(ends: list[Event]) -> None:
    """What came was given; then an error tells the request's id."""
    decoder = ConverseDecoder(CLAUDE, head={"ResponseMetadata": REQUEST})
    given = [chunk for event in (START, delta(0, text="x"), *ends) for chunk in decoder.feed(event)]
    assert given[-1].content == [{"type": "text", "text": "x", "index": 0}]
    with pytest.raises(TruncatedStreamError, match="messageStop") as caught:
        decoder.finish()
    assert (caught.value.request_id, caught.value.status) == ("r", 200)


@pytest.mark.parametrize("ends", [[END], [COUNTED, END], [END, COUNTED, COUNTED]])
def test_there_is_one_last_chunk_however_the_stream_ends(ends: list[Event]) -> None:
    """Counts that never come, come early, or twice change nothing of that."""
    found = chunks(delta(0, text="x"), ends=ends)
    assert [chunk.chunk_position for chunk in found] == [None] * (len(found) - 1) + ["last"]
    assert found[-1].response_metadata["stopReason"] == "end_turn"
    assert (found[-1].usage_metadata is None) == (COUNTED not in ends)


def test_output_begins_after_the_messages_start() -> None:
    """Until then a failed stream may be tried again."""
    assert [is_output(event) for event in (START, delta(0, text="x"), END)] == [False, True, True]


def test_chunks_can_be_written_as_json() -> None:
    """A chunk of text holds nothing that JSON does not."""
    assert [json.loads(chunk.model_dump_json())["type"] for chunk in chunks(delta(0, text="x"))] == [
        "AIMessageChunk"
    ] * 3
