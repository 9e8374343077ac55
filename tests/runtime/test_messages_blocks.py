"""Content blocks are checked when made, and every provider's content is seen in their form."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from spanloom.runtime import messages as m
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage

AUTO_ID = re.compile(r"lc_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FILE_KEYS = {"id", "file_id", "mime_type", "index", "url", "base64", "extras"}
MEDIA = [
    (m.create_image_block, m.ImageContentBlock, "image"),
    (m.create_video_block, m.VideoContentBlock, "video"),
    (m.create_audio_block, m.AudioContentBlock, "audio"),
    (m.create_file_block, m.FileContentBlock, "file"),
]


def keys_of(kind: Any) -> tuple[set[str], set[str]]:
    return set(kind.__required_keys__), set(kind.__optional_keys__)


def without_id(block: Any) -> dict[str, Any]:
    assert AUTO_ID.fullmatch(block["id"])
    return {key: value for key, value in block.items() if key != "id"}


@pytest.mark.row("M.08")
def test_tool_blocks_have_the_documented_keys():
    more = {"index", "extras"}
    assert keys_of(m.ToolCall) == ({"name", "args", "id"}, {"type"})
    assert keys_of(m.ToolCallChunk) == ({"name", "args", "id", "index"}, {"type"})
    assert keys_of(m.InvalidToolCall) == ({"name", "args", "id", "error"}, {"type", *more})
    assert keys_of(m.ServerToolCall) == ({"type", "id", "name", "args"}, more)
    assert keys_of(m.ServerToolCallChunk) == ({"type"}, {"id", "name", "args", *more})
    assert keys_of(m.ServerToolResult) == ({"type", "tool_call_id", "status"}, {"id", "output", *more})
    status = TypeAdapter(m.ServerToolResult)
    given = {"type": "server_tool_result", "tool_call_id": "1", "status": "error"}
    assert status.validate_python(given) == given
    with pytest.raises(ValueError, match="status"):
        status.validate_python({**given, "status": "maybe"})
    broken = {"name": "f", "args": "{", "id": "1", "error": "cut", "index": 2, "extras": {"a": 1}}
    assert AIMessage("", invalid_tool_calls=[broken]).invalid_tool_calls == [{**broken, "type": "invalid_tool_call"}]


@pytest.mark.row("M.09")
def test_a_text_block_holds_text_and_annotations():
    assert keys_of(m.TextContentBlock) == ({"type", "text"}, {"id", "annotations", "index", "extras"})
    note = m.create_citation(url="u", id="c")
    block = m.create_text_block("x", id="1", annotations=[note], index=0, colour="red", none=None)
    assert block == {
        "type": "text",
        "text": "x",
        "id": "1",
        "annotations": [{"type": "citation", "id": "c", "url": "u"}],
        "index": 0,
        "extras": {"colour": "red"},
    }
    assert without_id(m.create_text_block("x")) == {"type": "text", "text": "x"}


@pytest.mark.row("M.10")
def test_a_citation_tells_source_and_place():
    optional = {"id", "url", "title", "start_index", "end_index", "cited_text", "extras"}
    assert keys_of(m.Citation) == ({"type"}, optional)
    block = m.create_citation(url="u", title="t", start_index=0, end_index=3, cited_text="abc", page=4)
    assert without_id(block) == {
        "type": "citation",
        "url": "u",
        "title": "t",
        "start_index": 0,
        "end_index": 3,
        "cited_text": "abc",
        "extras": {"page": 4},
    }


@pytest.mark.row("M.11")
def test_other_annotations_hold_their_value():
    assert keys_of(m.NonStandardAnnotation) == ({"type", "value"}, {"id"})
    assert set(get_args(m.Annotation)) == {m.Citation, m.NonStandardAnnotation}


@pytest.mark.row("M.12")
def test_reasoning_is_empty_unless_given():
    assert keys_of(m.ReasoningContentBlock) == ({"type"}, {"id", "reasoning", "index", "extras"})
    assert without_id(m.create_reasoning_block()) == {"type": "reasoning", "reasoning": ""}
    block = m.create_reasoning_block("hm", id="1", index="lc_2", signature="s")
    assert block == {
        "type": "reasoning",
        "reasoning": "hm",
        "id": "1",
        "index": "lc_2",
        "extras": {"signature": "s"},
    }


@pytest.mark.row("M.13")
@pytest.mark.row("M.15")
@pytest.mark.parametrize(("create", "kind", "name"), MEDIA)
def test_a_file_needs_a_place_and_bytes_need_a_kind(create: Any, kind: Any, name: str):
    assert keys_of(kind) == ({"type"}, FILE_KEYS)
    with pytest.raises(ValueError, match="give url, base64 or file_id"):
        create()
    with pytest.raises(ValueError, match=r"base64='QUJD'.*no mime_type"):
        create(base64="QUJD")
    assert without_id(create(url="u")) == {"type": name, "url": "u"}
    assert create(file_id="f", id="1", index=2, detail="low") == {
        "type": name,
        "file_id": "f",
        "id": "1",
        "index": 2,
        "extras": {"detail": "low"},
    }
    assert without_id(create(base64="QUJD", mime_type="x/y")) == {"type": name, "base64": "QUJD", "mime_type": "x/y"}


@pytest.mark.row("M.14")
def test_a_plain_text_block_is_always_plain_text():
    required, optional = keys_of(m.PlainTextContentBlock)
    assert required == {"type", "mime_type"}
    assert optional == {"text", "title", "context", "url", "base64", "file_id", "id", "index", "extras"}
    assert without_id(m.create_plaintext_block()) == {"type": "text-plain", "mime_type": "text/plain"}
    assert without_id(m.create_plaintext_block("x", title="t", context="c", a=1)) == {
        "type": "text-plain",
        "mime_type": "text/plain",
        "text": "x",
        "title": "t",
        "context": "c",
        "extras": {"a": 1},
    }


@pytest.mark.row("M.16")
def test_a_non_standard_block_has_no_extras():
    assert keys_of(m.NonStandardContentBlock) == ({"type", "value"}, {"id", "index"})
    assert m.create_non_standard_block({"a": 1}, id="1", index=0) == {
        "type": "non_standard",
        "value": {"a": 1},
        "id": "1",
        "index": 0,
    }
    with pytest.raises(TypeError):
        m.create_non_standard_block({}, a=1)  # type: ignore[call-arg]


@pytest.mark.row("M.17")
@pytest.mark.parametrize(
    ("create", "given"),
    [
        (m.create_text_block, {"text": "x"}),
        (m.create_reasoning_block, {}),
        *((create, {"url": "u"}) for create, _, _ in MEDIA),
        (m.create_plaintext_block, {}),
        (m.create_tool_call, {"name": "f", "args": {}}),
    ],
)
def test_factories_make_ids_and_keep_what_they_do_not_know(create: Any, given: dict[str, Any]):
    first, second = create(**given), create(**given)
    assert AUTO_ID.fullmatch(first["id"])
    assert first["id"] != second["id"]
    assert create(**given, id="mine")["id"] == "mine"
    assert create(**given, new=1, extras={"old": 2})["extras"] == {"old": 2, "new": 1}
    assert [create(**given, index=index)["index"] for index in (3, "lc_3")] == [3, "lc_3"]


@pytest.mark.row("M.18")
def test_the_unions_hold_every_block():
    data = {m.ImageContentBlock, m.VideoContentBlock, m.AudioContentBlock, m.PlainTextContentBlock, m.FileContentBlock}
    tools = {m.ToolCall, m.ToolCallChunk, m.ServerToolCall, m.ServerToolCallChunk, m.ServerToolResult}
    own = {m.TextContentBlock, m.InvalidToolCall, m.ReasoningContentBlock, m.NonStandardContentBlock}
    assert set(get_args(m.DataContentBlock)) == data
    assert set(get_args(m.ContentBlock)) == own | data | tools


@pytest.mark.row("M.01")
def test_an_ai_message_is_made_from_content_blocks_and_shows_them():
    call = {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1"}
    blocks = [m.create_text_block("hi"), m.create_reasoning_block("hm"), call]
    message = AIMessage(content_blocks=blocks)
    assert message.content == blocks == message.content_blocks
    assert message.tool_calls == [call]
    assert (message.type, message.text) == ("ai", "hi")
    plain = AIMessage("hi")
    rest = (plain.usage_metadata, plain.additional_kwargs, plain.response_metadata, plain.name, plain.id)
    assert rest == (None, {}, {}, None, None)
    assert plain.lc_attributes == {"tool_calls": [], "invalid_tool_calls": []}
    assert AIMessage(["hi", {"type": "text", "text": "!"}]).text == "hi!"
    assert plain.pretty_repr().endswith("\n\nhi")
    assert HumanMessage(content_blocks=blocks[:1]).content_blocks == blocks[:1]


CALL = {"type": "tool_call", "name": "f", "args": {"a": 1}, "id": "1"}
B64 = {"type": "base64", "media_type": "image/png", "data": "AA"}
TRANSLATED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "type": "text",
            "text": "x",
            "citations": [{"type": "char_location", "cited_text": "c", "document_title": "t", "start_char_index": 1}],
        },
        {
            "type": "text",
            "text": "x",
            "annotations": [{"type": "citation", "title": "t", "cited_text": "c", "extras": {"start_char_index": 1}}],
        },
    ),
    (
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
    ),
    ({"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}, CALL),
    (
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        {"type": "server_tool_call", "name": "web_search", "args": {"q": 1}, "id": "s"},
    ),
    (
        {"type": "mcp_tool_use", "id": "s", "name": "f", "server_name": "n", "input": {}},
        {
            "type": "server_tool_call",
            "name": "remote_mcp",
            "args": {},
            "id": "s",
            "extras": {"server_name": "n", "tool_name": "f"},
        },
    ),
    (
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"type": "x_error"}},
        {
            "type": "server_tool_result",
            "tool_call_id": "s",
            "status": "error",
            "output": {"type": "x_error"},
            "extras": {"block_type": "web_search_tool_result"},
        },
    ),
    ({"type": "image", "source": B64}, {"type": "image", "base64": "AA", "mime_type": "image/png"}),
    ({"type": "image", "source": {"type": "file", "file_id": "f"}}, {"type": "image", "file_id": "f"}),
    ({"type": "document", "source": {"type": "url", "url": "u"}}, {"type": "file", "url": "u"}),
    (
        {"type": "document", "source": {"type": "text", "data": "d"}, "title": "t"},
        {"type": "text-plain", "text": "d", "mime_type": "text/plain", "title": "t"},
    ),
    ({"text": "x"}, {"type": "text", "text": "x"}),
    (
        {
            "type": "text",
            "text": "x",
            "citations": [{"title": "t", "source_content": [{"text": "a"}, {"text": "b"}], "location": {"n": 1}}],
        },
        {
            "type": "text",
            "text": "x",
            "annotations": [{"type": "citation", "title": "t", "cited_text": "ab", "extras": {"location": {"n": 1}}}],
        },
    ),
    (
        {"type": "reasoning_content", "reasoning_content": {"text": "hm", "signature": "s"}},
        {"type": "reasoning", "reasoning": "hm", "extras": {"signature": "s"}},
    ),
    ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"type": "reasoning", "reasoning": "hm"}),
    ({"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}}, CALL),
    (
        {"image": {"format": "png", "source": {"bytes": b"A"}}},
        {"type": "image", "base64": "QQ==", "mime_type": "image/png"},
    ),
    (
        {"document": {"format": "pdf", "name": "d", "source": {"bytes": "AA"}}},
        {"type": "file", "base64": "AA", "mime_type": "application/pdf", "extras": {"name": "d"}},
    ),
    (
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://x"}}}},
        {"type": "video", "url": "s3://x", "mime_type": "video/mp4"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
        {"type": "image", "base64": "AA", "mime_type": "image/png", "extras": {"detail": "low"}},
    ),
    ({"type": "image_url", "image_url": {"url": "https://x"}}, {"type": "image", "url": "https://x"}),
    (
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        {"type": "audio", "base64": "AA", "mime_type": "audio/wav"},
    ),
    ({"type": "file", "file": {"file_id": "f"}}, {"type": "file", "file_id": "f"}),
    (
        {"type": "image", "source_type": "base64", "data": "AA", "mime_type": "image/png"},
        {"type": "image", "base64": "AA", "mime_type": "image/png"},
    ),
    ({"type": "file", "source_type": "id", "id": "f"}, {"type": "file", "file_id": "f"}),
]


@pytest.mark.parametrize(("given", "expected"), TRANSLATED)
def test_a_providers_block_is_seen_in_the_standard_form(given: dict[str, Any], expected: dict[str, Any]):
    assert AIMessage([given]).content_blocks == [expected]
    assert HumanMessage([given]).content_blocks == [expected]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "redacted_thinking", "data": "x"},
        {"type": "refusal", "refusal": "no"},
        {"cachePoint": {"type": "default"}},
        {"type": "image"},
        {"type": "text"},
        {"type": "tool_result", "tool_use_id": "1", "content": "x"},
        {"type": 5},
        {},
    ],
)
def test_what_has_no_standard_form_is_kept_as_it_came(given: dict[str, Any]):
    assert AIMessage([given]).content_blocks == [{"type": "non_standard", "value": given}]


def test_calls_beside_the_content_follow_it_and_others_stand_in_their_place():
    use = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    broken = {"name": "h", "args": "{", "id": "3", "error": None}
    other = {"name": "g", "args": {}, "id": "2"}
    message = AIMessage([use, "then"], tool_calls=[CALL, other], invalid_tool_calls=[broken])
    assert message.content_blocks == [
        CALL,
        {"type": "text", "text": "then"},
        {**other, "type": "tool_call"},
        {**broken, "type": "invalid_tool_call"},
    ]
    assert AIMessage("").content_blocks == []
    assert ToolMessage([{"a": 1}], tool_call_id="1").content_blocks == [{"type": "non_standard", "value": {"a": 1}}]


def test_pieces_of_calls_are_shown_until_the_last_chunk():
    piece = {"name": "f", "args": '{"a": 1}', "id": "1", "index": 0}
    content = [{"type": "tool_use", "id": "1", "name": "f", "input": {}, "index": 0}]
    chunk = AIMessageChunk(content, tool_call_chunks=[piece])
    assert chunk.content_blocks == [{**piece, "type": "tool_call_chunk"}]
    assert (chunk + AIMessageChunk("", chunk_position="last")).content_blocks == [{**CALL, "index": 0}]
    delta = {"type": "input_json_delta", "partial_json": "{", "index": 0}
    bare = {"name": None, "args": "{", "id": None, "index": 0}
    assert AIMessageChunk([delta], tool_call_chunks=[bare]).content_blocks == [{**bare, "type": "tool_call_chunk"}]


def test_reasoning_and_refusal_beside_the_content_are_shown():
    message = AIMessage("x", additional_kwargs={"reasoning_content": "hm", "refusal": "no"})
    assert message.content_blocks == [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "x"},
        {"type": "non_standard", "value": {"type": "refusal", "refusal": "no"}},
    ]


values = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda v: st.lists(v, max_size=2), max_leaves=3)
names = st.sampled_from([key for given, _ in TRANSLATED for key in given] + ["id", "name", "args", "value"])
kinds = st.sampled_from([given["type"] for given, _ in TRANSLATED if "type" in given] + sorted(m.KNOWN_BLOCK_TYPES))
odd = st.builds(lambda block, kind: {**block, "type": kind}, st.dictionaries(names, values, max_size=4), kinds)
entries = (
    st.text(max_size=3) | st.sampled_from([given for given, _ in TRANSLATED]) | odd | st.dictionaries(names, values)
)


@given(st.lists(entries, max_size=5))
def test_every_piece_of_content_is_in_exactly_one_block_in_order(content: list[Any]):
    shown = HumanMessage(content).content_blocks
    assert len(shown) == len(content)
    assert all(block["type"] in m.KNOWN_BLOCK_TYPES for block in shown)
    assert shown == [HumanMessage([entry]).content_blocks[0] for entry in content]
