"""Items of OpenAI's Responses API as standard blocks, and content of any provider without loss."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloom.runtime.messages import (
    KNOWN_BLOCK_TYPES,
    AIMessage,
    AIMessageChunk,
    HumanMessage,
    ToolMessage,
    message_chunk_to_message,
    messages_from_dict,
    messages_to_dict,
)

ITEMS: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
    (
        {"type": "output_text", "text": "x", "annotations": [], "logprobs": [1]},
        [{"type": "text", "text": "x", "extras": {"logprobs": [1]}}],
    ),
    (
        {
            "type": "text",
            "id": "msg",
            "text": "x",
            "annotations": [
                {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1},
                {"type": "file_citation", "file_id": "f", "filename": "n", "index": 3},
                {"type": "other", "x": 1},
                {"type": "citation", "url": "v"},
            ],
        },
        [
            {
                "type": "text",
                "text": "x",
                "id": "msg",
                "annotations": [
                    {"type": "citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1},
                    {"type": "citation", "title": "n", "extras": {"file_id": "f", "index": 3}},
                    {"type": "non_standard_annotation", "value": {"type": "other", "x": 1}},
                    {"type": "citation", "url": "v"},
                ],
            }
        ],
    ),
    (
        {
            "type": "reasoning",
            "id": "rs",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
            "encrypted_content": "z",
        },
        [
            {"type": "reasoning", "id": "rs", "reasoning": "a", "extras": {"encrypted_content": "z"}},
            {"type": "reasoning", "id": "rs", "reasoning": "b"},
        ],
    ),
    ({"type": "reasoning", "id": "rs", "summary": []}, [{"type": "reasoning", "id": "rs"}]),
    (
        {"type": "function_call", "id": "fc", "call_id": "1", "name": "f", "arguments": '{"a": 1}'},
        [{"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1", "extras": {"item_id": "fc"}}],
    ),
    (
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": '{"a"'},
        [{"type": "invalid_tool_call", "name": "f", "args": '{"a"', "id": "1"}],
    ),
    (
        {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}},
        [
            {"type": "server_tool_call", "name": "web_search", "args": {"type": "search", "query": "q"}, "id": "ws"},
            {"type": "server_tool_result", "tool_call_id": "ws", "status": "success"},
        ],
    ),
    (
        {"type": "web_search_call", "id": "ws", "status": "searching"},
        [
            {
                "type": "server_tool_call",
                "name": "web_search",
                "args": {},
                "id": "ws",
                "extras": {"status": "searching"},
            }
        ],
    ),
    (
        {"type": "file_search_call", "id": "fs", "status": "incomplete", "queries": ["q"], "results": [{"a": 1}]},
        [
            {"type": "server_tool_call", "name": "file_search", "args": {"queries": ["q"]}, "id": "fs"},
            {
                "type": "server_tool_result",
                "tool_call_id": "fs",
                "status": "error",
                "output": [{"a": 1}],
                "extras": {"status": "incomplete"},
            },
        ],
    ),
    (
        {
            "type": "code_interpreter_call",
            "id": "ci",
            "code": "1",
            "container_id": "c",
            "outputs": [],
            "status": "completed",
        },
        [
            {
                "type": "server_tool_call",
                "name": "code_interpreter",
                "args": {"code": "1"},
                "id": "ci",
                "extras": {"container_id": "c"},
            },
            {"type": "server_tool_result", "tool_call_id": "ci", "status": "success", "output": []},
        ],
    ),
    (
        {"type": "mcp_call", "id": "m", "name": "n", "arguments": '{"x": 1}', "server_label": "s", "error": "bad"},
        [
            {
                "type": "server_tool_call",
                "name": "remote_mcp",
                "args": {"x": 1},
                "id": "m",
                "extras": {"server_label": "s", "tool_name": "n"},
            },
            {"type": "server_tool_result", "tool_call_id": "m", "status": "error", "extras": {"error": "bad"}},
        ],
    ),
    (
        {"type": "image_generation_call", "id": "ig", "result": "QUJD", "output_format": "webp"},
        [
            {
                "type": "image",
                "base64": "QUJD",
                "mime_type": "image/webp",
                "id": "ig",
                "extras": {"output_format": "webp"},
            }
        ],
    ),
    ({"type": "input_text", "text": "x"}, [{"type": "text", "text": "x"}]),
    (
        {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
        [{"type": "image", "base64": "QUJD", "mime_type": "image/png", "extras": {"detail": "low"}}],
    ),
    ({"type": "input_image", "image_url": "https://u"}, [{"type": "image", "url": "https://u"}]),
    ({"type": "input_file", "file_id": "f"}, [{"type": "file", "file_id": "f"}]),
    (
        {"type": "input_file", "file_data": "data:application/pdf;base64,QUJD", "filename": "n"},
        [{"type": "file", "base64": "QUJD", "mime_type": "application/pdf", "extras": {"filename": "n"}}],
    ),
]


@pytest.mark.parametrize(("item", "expected"), ITEMS)
def test_an_item_of_a_response_is_seen_in_standard_blocks(item: dict[str, Any], expected: list[Any]) -> None:
    """What the provider ran is a call and its result; a summary is a block for each of its parts."""
    assert HumanMessage([item]).content_blocks == expected
    assert AIMessage(["before", item, "after"]).content_blocks[1:-1] == expected


@pytest.mark.parametrize(
    "item",
    [
        {"type": "refusal", "refusal": "no"},
        {"type": "computer_call", "id": "c", "action": {}},
        {"type": "mcp_approval_request", "id": "m", "name": "q", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "1", "name": "z", "input": "abc"},
        {"type": "output_text"},
        {"type": "function_call", "arguments": 5},
        {"type": "web_search_call"},
        {"type": "image_generation_call", "result": None},
        {"type": "input_file", "file_data": "no data url"},
    ],
)
def test_an_item_without_a_standard_form_is_kept_as_it_came(item: dict[str, Any]) -> None:
    """Items that wait for somebody, refusals, and items that lack what their form needs."""
    assert AIMessage([item]).content_blocks == [{"type": "non_standard", "value": item}]


def test_a_call_of_a_response_is_shown_once() -> None:
    """It stands in its place in the content, in pieces until the last chunk."""
    call = {"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}
    item = {"type": "function_call", "id": "fc", "call_id": "1", "name": "f", "arguments": '{"a": 1}'}
    message = AIMessage([item, "then"], tool_calls=[call])
    assert message.content_blocks == [{**call, "extras": {"item_id": "fc"}}, {"type": "text", "text": "then"}]
    piece = {"name": "f", "args": '{"a"', "id": "1", "index": 0, "type": "tool_call_chunk"}
    first = AIMessageChunk([{**item, "arguments": '{"a"', "index": 0}], tool_call_chunks=[piece])
    assert first.content_blocks == [{**piece, "extras": {"item_id": "fc"}}]
    rest = AIMessageChunk(
        [{"type": "function_call", "arguments": ": 1}", "index": 0}],
        tool_call_chunks=[{"name": None, "args": ": 1}", "id": None, "index": 0}],
        chunk_position="last",
    )
    assert (first + rest).content_blocks == [{**call, "index": 0, "extras": {"item_id": "fc"}}]


SHAPES: list[Any] = [
    "@",
    {"type": "text", "text": "@", "index": 1},
    {"type": "text", "text": "@", "citations": [{"type": "char_location", "cited_text": "@", "start_char_index": 3}]},
    {"type": "text", "text": "@", "annotations": [{"type": "url_citation", "url": "@", "title": "@"}]},
    {"type": "thinking", "thinking": "@", "signature": "@"},
    {"type": "redacted_thinking", "data": "@"},
    {"type": "tool_use", "id": "@", "name": "@", "input": {"@": "@"}},
    {"type": "server_tool_use", "id": "@", "name": "@", "input": {"q": "@"}},
    {"type": "web_search_tool_result", "tool_use_id": "@", "content": [{"url": "@"}]},
    {"type": "image", "source": {"type": "base64", "media_type": "image/@", "data": "@"}},
    {"type": "document", "source": {"type": "text", "data": "@"}, "title": "@", "context": "@"},
    {"text": "@"},
    {"reasoningContent": {"reasoningText": {"text": "@", "signature": "@"}}},
    {"toolUse": {"toolUseId": "@", "name": "@", "input": {"a": "@"}}},
    {"document": {"format": "pdf", "name": "@", "source": {"bytes": "@"}}},
    {"cachePoint": {"type": "@"}},
    {"type": "image_url", "image_url": {"url": "https://@", "detail": "@"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,@"}},
    {"type": "input_audio", "input_audio": {"data": "@", "format": "@"}},
    {"type": "file", "file": {"file_data": "data:application/pdf;base64,@", "filename": "@"}},
    {"type": "refusal", "refusal": "@"},
    {"type": "output_text", "text": "@", "annotations": [{"type": "file_citation", "file_id": "@", "filename": "@"}]},
    {"type": "reasoning", "id": "@", "summary": [{"type": "summary_text", "text": "@"}] * 2, "status": "@"},
    {"type": "function_call", "id": "@", "call_id": "@", "name": "@", "arguments": '{"a": "@"}', "status": "@"},
    {"type": "web_search_call", "id": "@", "status": "completed", "action": {"query": "@"}},
    {"type": "file_search_call", "id": "@", "status": "failed", "queries": ["@"], "results": [{"a": "@"}]},
    {"type": "code_interpreter_call", "id": "@", "code": "@", "container_id": "@", "outputs": [{"logs": "@"}]},
    {"type": "mcp_call", "id": "@", "name": "@", "arguments": '{"x": "@"}', "server_label": "@", "output": "@"},
    {"type": "mcp_list_tools", "id": "@", "server_label": "@", "tools": [{"name": "@"}]},
    {"type": "image_generation_call", "id": "@", "result": "@", "revised_prompt": "@"},
    {"type": "input_image", "image_url": "https://@", "detail": "@"},
    {"type": "input_file", "file_id": "@", "filename": "@"},
    {"type": "audio", "source_type": "base64", "data": "@", "mime_type": "audio/@"},
    {"type": "non_standard", "value": {"a": "@"}},
    {"type": "bogus", "a": ["@", {"b": "@"}]},
    {"@": "@"},
]


def with_marks(shape: Any, first: int) -> tuple[Any, list[str]]:
    """Return a shape in which every `@` is another mark, and the marks in order."""
    pieces = json.dumps(shape).split("@")
    marks = [f"mark{first + place}x" for place in range(len(pieces) - 1)]
    text = "".join(piece + mark for piece, mark in zip(pieces, [*marks, ""], strict=True))
    return json.loads(text), marks


@settings(deadline=None)
@given(st.lists(st.sampled_from(SHAPES), max_size=6))
def test_content_of_every_provider_is_shown_without_loss_in_order(shapes: list[Any]) -> None:
    """Every piece is in the blocks of its entry and of no other, whatever the neighbours are."""
    entries: list[Any] = []
    marks: list[list[str]] = []
    for place, shape in enumerate(shapes):
        entry, found = with_marks(shape, place * 100)
        entries.append(entry)
        marks.append(found)
    shown: list[Any] = list(HumanMessage(entries).content_blocks)
    assert all(block["type"] in KNOWN_BLOCK_TYPES for block in shown)
    alone = [HumanMessage([entry]).content_blocks for entry in entries]
    assert shown == [block for blocks in alone for block in blocks]
    for blocks, found in zip(alone, marks, strict=True):
        told = json.dumps(blocks)
        assert [mark for mark in found if mark not in told] == []


CONTENTS = st.one_of(st.text(max_size=5), st.lists(st.sampled_from(SHAPES), max_size=4))


@settings(deadline=None)
@given(CONTENTS, st.text(max_size=3), st.dictionaries(st.sampled_from("ab"), st.text(max_size=2)))
def test_messages_come_back_from_their_dumps_without_loss(content: Any, name: str, extra: dict[str, str]) -> None:
    """As mappings to be kept, as JSON, and by their fields; whole messages and chunks."""
    call = {"name": "f", "args": {"a": name}, "id": "1", "type": "tool_call"}
    piece = {"name": "f", "args": json.dumps({"a": name}), "id": "1", "index": 0, "type": "tool_call_chunk"}
    usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    talk: list[Any] = [
        HumanMessage(content, name=name, id="1", additional_kwargs=extra),
        AIMessage(content, tool_calls=[call], usage_metadata=usage, response_metadata=extra),
        AIMessageChunk(content, tool_call_chunks=[piece], chunk_position="last", response_metadata=extra),
        ToolMessage(content, tool_call_id="1", artifact=extra, status="error"),
    ]
    assert messages_from_dict(messages_to_dict(talk)) == talk
    assert messages_from_dict(json.loads(json.dumps(messages_to_dict(talk)))) == talk
    assert [type(message).model_validate(message.model_dump()) for message in talk] == talk
    assert [type(message).model_validate_json(message.model_dump_json()) for message in talk] == talk
    whole: Any = message_chunk_to_message(talk[2])
    assert (whole.content, whole.tool_calls, whole.response_metadata) == (content, [call], extra)
