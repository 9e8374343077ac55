"""What stands for a message becomes one; a conversation becomes text."""

from typing import Any

import pytest

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    get_buffer_string,
)
from spanloom.runtime.messages.usage import add_usage, subtract_usage
from spanloom.runtime.prompt_values import StringPromptValue

CASES: list[tuple[Any, BaseMessage]] = [
    (HumanMessage("k"), HumanMessage("k")),
    ("g", HumanMessage("g")),
    (("system", "a"), SystemMessage("a")),
    (("human", "a"), HumanMessage("a")),
    (("user", "a"), HumanMessage("a")),
    (("ai", [{"type": "text", "text": "q"}]), AIMessage([{"type": "text", "text": "q"}])),
    (("assistant", "a"), AIMessage("a")),
    (["human", "h"], HumanMessage("h")),
    (("developer", "a"), SystemMessage("a", additional_kwargs={"__openai_role__": "developer"})),
    ({"role": "user", "content": "i"}, HumanMessage("i")),
    (
        {"type": "ai", "content": "j", "name": "n", "id": "i", "foo": 3},
        AIMessage("j", name="n", id="i", additional_kwargs={"foo": 3}),
    ),
    (
        {"role": "tool", "content": "x", "tool_call_id": "5", "artifact": 7},
        ToolMessage("x", tool_call_id="5", artifact=7),
    ),
    ({"role": "function", "content": "x", "name": "n"}, FunctionMessage("x", name="n")),
    ({"role": "remove", "content": "", "id": "4"}, RemoveMessage(id="4")),
    (AIMessage("x", id="1").model_dump(), AIMessage("x", id="1")),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_what_stands_for_a_message_becomes_one(given: Any, expected: BaseMessage):
    assert convert_to_messages([given]) == [expected]


def test_calls_in_the_form_of_a_provider_are_read():
    def convert(arguments: str) -> Any:
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
        return convert_to_messages([{"role": "assistant", "content": None, "tool_calls": [call]}])[0]

    assert convert('{"a": 1}').tool_calls == [{"name": "f", "args": {"a": 1}, "id": "1", "type": "tool_call"}]
    assert convert("{bad").invalid_tool_calls[0]["args"] == "{bad"


def test_a_prompt_value_gives_its_messages():
    assert convert_to_messages(StringPromptValue(text="x")) == [HumanMessage("x")]


@pytest.mark.parametrize(
    "given", [("bot", "a"), ("a", "b", "c"), 5, {"foo": 1}, {"role": "user"}, {"role": "?", "content": ""}]
)
def test_anything_else_is_refused_with_what_was_given(given: Any):
    with pytest.raises(InvalidInputError, match="message"):
        convert_to_messages([given])


def test_the_given_mapping_is_not_changed():
    given = {"role": "user", "content": "x", "additional_kwargs": {"a": 1}, "zip": 5}
    before = {**given, "additional_kwargs": {"a": 1}}
    assert convert_to_messages([given])[0].additional_kwargs == {"zip": 5, "a": 1}
    assert given == before


def test_a_conversation_becomes_text():
    conversation = [
        HumanMessage("a"),
        AIMessage("b", tool_calls=[{"name": "f", "args": {}, "id": "1"}]),
        SystemMessage("c"),
        ToolMessage("d", tool_call_id="1"),
        ChatMessage("e", role="R"),
        FunctionMessage("f", name="n"),
        AIMessageChunk("g"),
    ]
    assert get_buffer_string(conversation) == (
        "Human: a\nAI: b[{'name': 'f', 'args': {}, 'id': '1', 'type': 'tool_call'}]\n"
        "System: c\nTool: d\nR: e\nFunction: f\nAI: g"
    )
    assert get_buffer_string([HumanMessage("a"), AIMessage("b")], "H", "A", message_separator="|") == "H: a|A: b"
    with pytest.raises(InvalidInputError, match="Nobody"):
        get_buffer_string([RemoveMessage(id="1")])


def test_usage_adds_and_subtracts_with_details():
    some = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3, "input_token_details": {"cache_read": 1}}
    more = {"input_tokens": 5, "output_tokens": 1, "total_tokens": 6}
    assert add_usage(some, more) == {**some, "input_tokens": 6, "output_tokens": 3, "total_tokens": 9}
    assert subtract_usage(some, more)["input_tokens"] == 0
    assert add_usage(None, some) == some
    assert add_usage(None, None) == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    with pytest.raises(InvalidInputError, match="input_token_details"):
        add_usage(some, {**more, "input_token_details": 4})
