"""Anthropic's Messages API: how conversations are sent, and how blocks come back, whole and streamed."""

from typing import Any

import pytest

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from spanloom.runtime.models.bedrock.errors import ModelStreamError
from spanloom.runtime.models.bedrock.invoke import Ask, Piece, family_of

from .bodies import METRICS

MODEL = "anthropic.claude-3-7-sonnet-20250219-v1:0"
FAMILY = family_of(MODEL)
TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}},
}
USAGE = {
    "input_tokens": 3,
    "output_tokens": 5,
    "cache_read_input_tokens": 2,
    "cache_creation_input_tokens": 4,
    "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 3},
    "output_tokens_details": {"thinking_tokens": 2},
}
BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
    {"type": "redacted_thinking", "data": "xyz"},
    {"type": "text", "text": "Hi", "citations": [{"type": "char_location", "cited_text": "c"}]},
    {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
    {"type": "novelty", "stuff": [1]},
]


def sent(*messages: Any, **kwargs: Any) -> dict[str, Any]:
    return FAMILY.build(Ask(model_id=MODEL, messages=messages, **kwargs))


def turns(*messages: Any) -> Any:
    return sent(*messages)["messages"]


def test_the_system_stands_apart_as_text_or_blocks() -> None:
    """One plain text stays a text; several, or marked ones, are blocks."""
    marked = {"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}
    assert sent(SystemMessage("S"), HumanMessage("Hi"))["system"] == "S"
    assert sent(SystemMessage([marked]), HumanMessage("Hi"))["system"] == [marked]
    assert len(sent(SystemMessage("S"), SystemMessage("T"), HumanMessage("Hi"))["system"]) == 2
    assert "system" not in sent(HumanMessage("Hi"))
    with pytest.raises(InvalidInputError, match="beginning only"):
        sent(HumanMessage("Hi"), SystemMessage("S"))


def test_turns_of_the_user_join_and_tools_answer_as_the_user() -> None:
    """The API wants the two to take turns."""
    calls = [{"name": "add", "args": {"a": 1}, "id": "t1", "type": "tool_call"}]
    messages = turns(
        HumanMessage("Hi"),
        ChatMessage("again", role="user"),
        AIMessage("", tool_calls=calls),
        ToolMessage("2", tool_call_id="t1"),
        ToolMessage([{"type": "text", "text": "no"}], tool_call_id="t2", status="error"),
        HumanMessage("So?"),
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[0]["content"] == [{"type": "text", "text": "Hi"}, {"type": "text", "text": "again"}]
    assert messages[1]["content"] == [{"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}}]
    assert messages[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "t1", "content": "2"},
        {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "no"}], "is_error": True},
        {"type": "text", "text": "So?"},
    ]


def test_an_answer_goes_back_as_it_came() -> None:
    """Signed thinking is kept, pieces of calls are replaced by the calls, marks of streams are left out."""
    content: list[Any] = [{**block, "index": place} for place, block in enumerate(BLOCKS)]
    content[3] = {"type": "tool_use", "id": "t1", "name": "add", "input": {}, "partial_json": '{"a": 1}', "index": 3}
    calls = [{"name": "add", "args": {"a": 1}, "id": "t1", "type": "tool_call"}]
    (_, said) = turns(HumanMessage("Hi"), AIMessage(content, tool_calls=calls))
    assert said["content"] == BLOCKS


def test_what_the_api_refuses_is_put_right() -> None:
    """Unsigned reasoning goes, empty texts become a dot, and the last turn of the model has no space at its end."""
    unsigned = {"type": "thinking", "thinking": "Hm."}
    standard = {"type": "reasoning", "reasoning": "So.", "extras": {"signature": "sig"}}
    (_, said) = turns(HumanMessage(" "), AIMessage([unsigned, standard, {"type": "text", "text": "As  "}]))
    assert said["content"] == [
        {"type": "thinking", "thinking": "So.", "signature": "sig"},
        {"type": "text", "text": "As"},
    ]
    assert turns(HumanMessage("")) == [{"role": "user", "content": "."}]
    assert turns(HumanMessage([{"type": "text", "text": ""}])) == [{"role": "user", "content": "."}]
    assert turns(HumanMessage("x"), AIMessage("As "))[1]["content"] == "As"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        ),
        (
            {"type": "image_url", "image_url": "https://a/b.png"},
            {"type": "image", "source": {"type": "url", "url": "https://a/b.png"}},
        ),
        (
            {"type": "image", "base64": "QUJD", "mime_type": "image/jpeg"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "QUJD"}},
        ),
        (
            {"type": "file", "base64": "QUJD", "mime_type": "application/pdf", "extras": {"title": "T"}},
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
                "title": "T",
            },
        ),
        (
            {"type": "text-plain", "text": "words", "mime_type": "text/plain"},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        ),
        (
            {"type": "document", "source": {"type": "text", "data": "d"}, "citations": {"enabled": True}},
            {"type": "document", "source": {"type": "text", "data": "d"}, "citations": {"enabled": True}},
        ),
        ({"type": "novelty", "x": 1, "index": 2}, {"type": "novelty", "x": 1}),
    ],
)
def test_files_take_anthropics_form(given: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Standard blocks and OpenAI's images are translated, Anthropic's own and unknown ones stay."""
    (said,) = turns(HumanMessage([given]))
    assert said["content"] == [wanted]


def test_tools_and_the_choice_between_them_take_anthropics_form() -> None:
    """OpenAI's form is translated; Anthropic's own, and its own tools, stay."""
    own = {"type": "computer_20250124", "name": "computer"}
    body = sent(HumanMessage("Hi"), tools=[TOOL, own], tool_choice="add")
    assert body["tools"][0] == {
        "name": "add",
        "description": "Adds.",
        "input_schema": {"type": "object", "properties": {}},
    }
    assert body["tools"][1] == own
    assert body["tool_choice"] == {"type": "tool", "name": "add"}
    assert sent(HumanMessage("Hi"), tools=[TOOL], tool_choice="any")["tool_choice"] == {"type": "any"}


def test_an_answer_of_more_than_a_text_is_a_list_of_blocks() -> None:
    """Blocks come as they are sent; calls stand beside them too."""
    answer = FAMILY.parse({"content": BLOCKS, "stop_reason": "tool_use", "stop_sequence": "x", "id": "msg_1"})
    assert (answer.text, answer.content) == ("Hi", BLOCKS)
    assert answer.tool_calls == [{"name": "add", "args": {"a": 1}, "id": "t1", "type": "tool_call"}]
    assert (answer.response_id, answer.more) == ("msg_1", {"stop_sequence": "x"})
    assert FAMILY.parse({"content": []}).content == ""


@pytest.mark.row("X.20")
def test_usage_counts_the_cache_into_the_input_and_keeps_details() -> None:
    """What is kept for how long, and how many tokens were thinking, stand in the details."""
    usage = FAMILY.parse({"content": [], "usage": USAGE}).usage
    assert usage == {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "input_token_details": {
            "cache_read": 2,
            "cache_creation": 4,
            "ephemeral_5m_input_tokens": 1,
            "ephemeral_1h_input_tokens": 3,
        },
        "output_token_details": {"reasoning": 2},
    }


def stream_of(*deltas: tuple[int, dict[str, Any]], opened: dict[int, dict[str, Any]]) -> list[Any]:
    events: list[Any] = [{"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": USAGE}}]
    for index, block in opened.items():
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for at, delta in deltas if at == index
        ]
        events.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    return [
        *events,
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 6}},
        {"type": "message_stop", **METRICS},
    ]


DELTAS = stream_of(
    (0, {"type": "thinking_delta", "thinking": "Hm."}),
    (0, {"type": "signature_delta", "signature": "sig"}),
    (2, {"type": "text_delta", "text": "Hi"}),
    (2, {"type": "citations_delta", "citation": {"cited_text": "c"}}),
    (3, {"type": "input_json_delta", "partial_json": ""}),
    (3, {"type": "input_json_delta", "partial_json": '{"a":'}),
    (3, {"type": "input_json_delta", "partial_json": " 1}"}),
    (4, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
    opened={
        0: {"type": "thinking", "thinking": ""},
        1: {"type": "redacted_thinking", "data": "xyz"},
        2: {"type": "text", "text": ""},
        3: {"type": "tool_use", "id": "t1", "name": "add", "input": {}},
        4: {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        5: {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
    },
)


def read(documents: list[Any], **kwargs: Any) -> list[Piece]:
    decoder = FAMILY.decoder(**kwargs)
    return [*(piece for document in documents for piece in decoder.feed(document)), *decoder.finish()]


@pytest.mark.row("X.09")
def test_a_stream_brings_every_kind_of_block_in_pieces() -> None:
    """Each piece says which block it belongs to; calls of the provider's own tools are no calls of ours."""
    *pieces, last = read(DELTAS, as_blocks=True)
    assert [piece.content for piece in pieces] == [
        [{"type": "thinking", "thinking": "Hm.", "index": 0}],
        [{"type": "thinking", "signature": "sig", "index": 0}],
        [{"type": "redacted_thinking", "data": "xyz", "index": 1}],
        [{"type": "text", "text": "Hi", "index": 2}],
        [{"type": "text", "text": "", "citations": [{"cited_text": "c"}], "index": 2}],
        [{"type": "tool_use", "id": "t1", "name": "add", "input": {}, "index": 3}],
        [{"type": "tool_use", "partial_json": '{"a":', "index": 3}],
        [{"type": "tool_use", "partial_json": " 1}", "index": 3}],
        [{"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}, "index": 4}],
        [{"type": "server_tool_use", "partial_json": '{"query": "x"}', "index": 4}],
        [{"type": "web_search_tool_result", "tool_use_id": "s1", "content": [], "index": 5}],
    ]
    chunks = [chunk for piece in pieces for chunk in piece.tool_call_chunks]
    assert [(chunk["name"], chunk["args"], chunk["index"]) for chunk in chunks] == [
        ("add", "", 3),
        (None, '{"a":', 3),
        (None, " 1}", 3),
    ]
    assert (last.response_id, last.model_name, last.stop_reason) == ("msg_1", "claude", "tool_use")
    usage: Any = last.usage
    assert usage["output_tokens"] == 5
    assert usage["input_token_details"]["ephemeral_1h_input_tokens"] == 3
    assert usage["output_token_details"] == {"reasoning": 2}


def test_text_comes_as_text_until_another_block_comes_unasked() -> None:
    """From then on text comes as blocks too, so that the sum is one list."""
    before = stream_of((0, {"type": "text_delta", "text": "a"}), opened={0: {"type": "text", "text": ""}})
    assert read(before)[0].content is None
    mixed = stream_of(
        (1, {"type": "text_delta", "text": "b"}),
        opened={0: {"type": "redacted_thinking", "data": "x"}, 1: {"type": "text", "text": ""}},
    )
    assert read(mixed)[1].content == [{"type": "text", "text": "b", "index": 1}]


@pytest.mark.row("X.07")
def test_a_guardrail_that_ends_a_stream_leaves_no_gap() -> None:
    """Its end may lack the stop sequence, and the metrics, and even the end event."""
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "No."}}
    flag = {"amazon-bedrock-guardrailAction": "INTERVENED"}
    end = {"type": "message_delta", "delta": {"stop_reason": "guardrail_intervened"}, **flag}
    piece, last = read([text, end])
    assert (piece.text, last.stop_reason, last.usage) == ("No.", "guardrail_intervened", None)


@pytest.mark.row("X.05")
def test_an_error_event_is_a_typed_error() -> None:
    """The model's own message is told."""
    decoder = FAMILY.decoder()
    with pytest.raises(ModelStreamError, match="Overloaded") as caught:
        decoder.feed({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    assert caught.value.code == "overloaded_error"


@pytest.mark.parametrize(
    ("kwargs", "wants"),
    [
        ({"tools": [TOOL]}, True),
        ({"extra": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}, True),
        ({"extra": {"thinking": {"type": "disabled"}}}, False),
        ({"messages": [HumanMessage([{"type": "document", "source": {}, "citations": {"enabled": True}}])]}, True),
        ({}, False),
    ],
)
def test_blocks_are_wanted_where_more_than_text_was_asked_for(kwargs: dict[str, Any], wants: bool) -> None:
    """Tools, thinking and citations bring blocks."""
    assert FAMILY.wants_blocks(Ask(model_id=MODEL, **{"messages": [HumanMessage("Hi")], **kwargs})) is wants
