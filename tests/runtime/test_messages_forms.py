"""Messages go out in other forms and come back without loss; sums of chunks read their calls once."""

import copy
import functools
import operator
import pickle
from typing import Any

import pytest

from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    ai_chunk,
    convert_to_openai_messages,
    count_tokens_approximately,
    filter_messages,
    get_buffer_string,
    merge_message_runs,
    message_to_dict,
    messages_from_dict,
    messages_to_dict,
    trim_messages,
)

CALL = {"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}
RAW = {"type": "function", "id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}


def test_messages_survive_being_mappings():
    piece = {"name": "f", "args": "{", "id": "1", "index": 0}
    talk: list[BaseMessage] = [
        SystemMessage("s"),
        HumanMessage([{"type": "text", "text": "x"}], name="n", id="1"),
        AIMessage("y", tool_calls=[CALL], usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
        ToolMessage("z", tool_call_id="1", artifact={"a": 1}, status="error"),
        ChatMessage("c", role="r"),
        FunctionMessage("f", name="n"),
        AIMessageChunk("", tool_call_chunks=[piece]),
        HumanMessageChunk("x"),
        RemoveMessage(id="4"),
    ]
    assert messages_from_dict(messages_to_dict(talk)) == talk
    assert message_to_dict(HumanMessage("x")) == {"type": "human", "data": HumanMessage("x").model_dump()}


@pytest.mark.parametrize("given", [{"type": "zzz", "data": {}}, {"type": "human"}, {"data": {"content": "x"}}])
def test_a_mapping_that_is_no_message_is_refused(given: dict[str, Any]):
    with pytest.raises(ValueError, match=f"type={given.get('type')!r}"):
        messages_from_dict([given])


def test_messages_take_openais_form():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}
    talk = [
        SystemMessage("s"),
        ("developer", "d"),
        HumanMessage([{"type": "text", "text": "x"}, image], id="7"),
        AIMessage([{"type": "text", "text": "x"}, {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]),
        ToolMessage("r", tool_call_id="1", name="f"),
        AIMessage("", tool_calls=[CALL], additional_kwargs={"refusal": "no"}),
    ]
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
    assert convert_to_openai_messages(talk, include_id=True) == [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": "d"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, url], "id": "7"},
        {"role": "assistant", "tool_calls": [RAW], "content": "x"},
        {"role": "tool", "name": "f", "tool_call_id": "1", "content": "r"},
        {"role": "assistant", "tool_calls": [RAW], "refusal": "no", "content": ""},
    ]
    assert convert_to_openai_messages("x") == {"role": "user", "content": "x"}
    assert convert_to_openai_messages(["x", "y"], text_format="block") == [
        {"role": "user", "content": [{"type": "text", "text": text}]} for text in "xy"
    ]


def test_answers_of_tools_in_a_users_message_go_before_it():
    result = {"type": "tool_result", "tool_use_id": "1", "content": "ok"}
    assert convert_to_openai_messages([HumanMessage([result, {"type": "text", "text": "q"}])]) == [
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "user", "content": "q"},
    ]


def test_json_and_guarded_text_of_bedrock_are_texts_for_openai() -> None:
    """JSON that a tool gave, and text that a guardrail is to look at, whether or not the block has a type."""
    blocks = [{"json": {"a": 1}}, {"type": "guard_content", "guard_content": {"text": {"text": "x"}}}]
    answer = ToolMessage([*blocks, {"type": "json", "json": [2]}, {"guard_content": {"text": "y"}}], tool_call_id="1")
    assert convert_to_openai_messages(answer)["content"] == '{"a": 1}\nx\n[2]\ny'  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="lacks"):
        convert_to_openai_messages(HumanMessage([{"type": "json"}]))


def test_blocks_unknown_to_openai_are_passed_on_or_refused():
    odd = HumanMessage([{"type": "odd"}])
    assert convert_to_openai_messages([odd]) == [{"role": "user", "content": [{"type": "odd"}]}]
    with pytest.raises(ValueError, match="odd"):
        convert_to_openai_messages([odd], pass_through_unknown_blocks=False)
    with pytest.raises(ValueError, match="'html'"):
        convert_to_openai_messages([odd], text_format="html")  # type: ignore[arg-type]


def test_a_conversation_becomes_xml():
    picture = {"type": "image", "url": "http://x"}
    talk = [HumanMessage(["a<", picture], name="n"), AIMessage("b", tool_calls=[CALL]), ChatMessage("c", role="r")]
    assert get_buffer_string(talk, format="xml") == "\n".join(
        [
            '<message type="human" name="n">a&lt; <image url="http://x" /></message>',
            '<message type="ai">',
            "  <content>b</content>",
            '  <tool_call id="1" name="f">{"a": 1}</tool_call>',
            "</message>",
            '<message type="r">c</message>',
        ]
    )
    assert get_buffer_string([SystemMessage("a")], system_prefix="S") == "S: a"
    with pytest.raises(ValueError, match="'html'"):
        get_buffer_string(talk, format="html")  # type: ignore[arg-type]


def test_tokens_are_counted_by_characters():
    assert count_tokens_approximately([HumanMessage("hello there")]) == 4 + 3
    assert count_tokens_approximately([HumanMessage("x", name="abc")], count_name=False, chars_per_token=1) == 5 + 3
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert count_tokens_approximately([HumanMessage([{"type": "text", "text": "abcdefgh"}, image])]) == 3 + 3 + 85
    answer = AIMessage(
        "x" * 7,
        response_metadata={"model_provider": "p"},
        usage_metadata={"input_tokens": 20, "output_tokens": 1, "total_tokens": 21},
    )
    assert count_tokens_approximately([answer], use_usage_metadata_scaling=True) == 21
    assert count_tokens_approximately(["x"], tools=[{"name": "f"}]) == count_tokens_approximately(["x"]) + 4


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record every reading of pieces."""
    seen: list[Any] = []
    read = ai_chunk.read_tool_call_chunks

    def record(chunks: Any) -> Any:
        seen.append(chunks)
        return read(chunks)

    monkeypatch.setattr(ai_chunk, "read_tool_call_chunks", record)
    return seen


def in_pieces(text: str) -> list[AIMessageChunk]:
    first = {"name": "f", "args": "", "id": "1", "index": 0}
    rest = [{"name": None, "args": letter, "id": None, "index": 0} for letter in text]
    return [AIMessageChunk("", tool_call_chunks=[piece]) for piece in [first, *rest]]


def test_adding_chunks_reads_their_calls_once(readings: list[Any]):
    total = functools.reduce(operator.add, in_pieces('{"a": 1}'))
    assert readings == []
    assert total.tool_calls == [CALL]
    assert total.invalid_tool_calls == []
    assert total.tool_calls is total.tool_calls
    assert len(readings) == 1


WAYS: dict[str, Any] = {
    "eq": lambda chunk: chunk,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda chunk: chunk.model_copy(),
    "pickle": lambda chunk: pickle.loads(pickle.dumps(chunk)),
    "dump": lambda chunk: AIMessageChunk(**chunk.model_dump()),
    "json": lambda chunk: AIMessageChunk.model_validate_json(chunk.model_dump_json()),
    "validate": AIMessageChunk.model_validate,
    "journal": lambda chunk: AIMessageChunk.decode_fields(chunk.encode_fields()),
    "iteration": lambda chunk: AIMessageChunk(**dict(chunk)),
    "empty update": lambda chunk: chunk.model_copy(update={}),
}


@pytest.mark.parametrize("way", WAYS)
def test_nobody_can_tell_when_calls_are_read(way: str):
    unread = functools.reduce(operator.add, in_pieces('{"a": 1}'))
    piece = {"name": "f", "args": '{"a": 1}', "id": "1", "index": 0, "type": "tool_call_chunk"}
    built = AIMessageChunk("", tool_call_chunks=[piece])
    built.init_tool_calls()
    came = WAYS[way](unread)
    assert came == built
    assert came.tool_calls == [CALL]
    assert repr(came) == repr(built)
    assert list(came.model_dump()) == list(AIMessageChunk.model_fields) == list(unread.model_dump())
    assert came.model_dump() == built.model_dump() == unread.model_dump()
    assert {"tool_calls", "tool_call_chunks"} <= came.model_fields_set


def test_calls_of_a_sum_can_be_set_and_unknown_attributes_are_none_of_it():
    unread = functools.reduce(operator.add, in_pieces('{"a": 1}'))
    unread.tool_calls = []
    assert unread.tool_calls == []
    with pytest.raises(AttributeError, match="nothing"):
        unread.nothing  # noqa: B018


def test_a_sum_of_a_subclass_is_of_the_subclass():
    class Marked(AIMessageChunk):
        mark: int = 3

    total = functools.reduce(operator.add, [Marked("a"), Marked("b"), AIMessageChunk("c")])
    assert (type(total), total.content, total.mark) == (Marked, "abc", 3)


def test_without_messages_they_are_steps_of_a_chain():
    """trim, filter and merge make runnables of themselves, which pipe and invoke like any other."""
    chain = trim_messages(max_tokens=2, token_counter=len, strategy="last") | merge_message_runs()
    assert chain.invoke([HumanMessage("a"), HumanMessage("b"), HumanMessage("c")]) == [HumanMessage("b\nc")]
    assert filter_messages(include_types=["human"]).invoke([AIMessage("x"), HumanMessage("y")]) == [HumanMessage("y")]
