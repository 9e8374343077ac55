"""Messages are built from what the documentation allows, and refuse the rest."""

import copy
import pickle
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from spanloom.runtime.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

CALL = {"name": "add", "args": {"a": 1}, "id": "1"}
TYPED_CALL = {**CALL, "type": "tool_call"}


def test_content_is_positional_and_a_text_or_a_list():
    assert HumanMessage("hi").content == "hi"
    assert HumanMessage(["hi", {"type": "text", "text": "there"}]).text == "hithere"
    with pytest.raises(ValidationError):
        HumanMessage(5)  # type: ignore[arg-type]


def test_a_message_without_content_is_refused():
    with pytest.raises(ValidationError, match="content"):
        AIMessage()
    with pytest.raises(ValidationError, match="content"):
        AIMessage(content=None)


def test_text_takes_texts_and_text_blocks_only():
    message = HumanMessage(["x", {"type": "image", "url": "b"}, {"text": "no type"}, {"type": "text", "text": "q"}])
    assert message.text == "xq"


def test_text_may_be_called_as_older_programs_do():
    with pytest.warns(DeprecationWarning, match="message.text"):
        assert HumanMessage("x").text() == "x"


def test_an_ai_message_has_documented_defaults():
    message = AIMessage("Hi")
    assert message.model_dump() == {
        "content": "Hi",
        "additional_kwargs": {},
        "response_metadata": {},
        "type": "ai",
        "name": None,
        "id": None,
        "tool_calls": [],
        "invalid_tool_calls": [],
        "usage_metadata": None,
    }
    assert message.lc_attributes == {"tool_calls": [], "invalid_tool_calls": []}


def test_content_blocks_become_the_content_and_fill_tool_calls():
    blocks = [{"type": "text", "text": "x"}, {"type": "tool_call", **CALL}]
    message = AIMessage(content_blocks=blocks)
    assert message.content == blocks
    assert message.tool_calls == [TYPED_CALL]


def test_given_tool_calls_win_over_those_in_content_blocks():
    other = {"name": "other", "args": {}, "id": "2"}
    message = AIMessage(content_blocks=[{"type": "tool_call", **CALL}], tool_calls=[other])
    assert [call["name"] for call in message.tool_calls] == ["other"]


def test_tool_calls_get_their_type_and_need_all_keys():
    assert AIMessage("", tool_calls=[CALL]).tool_calls == [TYPED_CALL]
    with pytest.raises(ValidationError, match="id"):
        AIMessage("", tool_calls=[{"name": "add", "args": {}}])


def test_raw_tool_calls_of_a_provider_are_read():
    def raw(arguments: str) -> AIMessage:
        call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": arguments}}
        return AIMessage("", additional_kwargs={"tool_calls": [call]})

    assert raw('{"a": 1}').tool_calls == [TYPED_CALL]
    assert raw('{"a": ').invalid_tool_calls[0]["args"] == '{"a": '


@pytest.mark.row("M.06")
def test_a_tool_message_coerces_its_arguments():
    assert ToolMessage(("x", 1), tool_call_id=5).content == ["x", "1"]
    assert ToolMessage({"a": 1}, tool_call_id=UUID(int=3)).content == "{'a': 1}"
    assert ToolMessage(5, tool_call_id=UUID(int=3)).tool_call_id == "00000000-0000-0000-0000-000000000003"
    message = ToolMessage("42", tool_call_id="call_1")
    assert (message.artifact, message.status, message.type) == (None, "success", "tool")
    assert ToolMessage("out", artifact={"all": 1}, tool_call_id="call_1").artifact == {"all": 1}
    with pytest.raises(ValidationError, match="status"):
        ToolMessage("x", tool_call_id="5", status="maybe")
    with pytest.raises(ValidationError, match="tool_call_id"):
        ToolMessage("x")


ONE_OF_EACH = [
    AIMessage("x"),
    HumanMessage("x"),
    ChatMessage("x", role="r"),
    SystemMessage("x"),
    FunctionMessage("x", name="f"),
    ToolMessage("x", tool_call_id="1"),
    AIMessageChunk("x"),
    HumanMessageChunk("x"),
    ChatMessageChunk("x", role="r"),
    SystemMessageChunk("x"),
    FunctionMessageChunk("x", name="f"),
    ToolMessageChunk("x", tool_call_id="1"),
]


@pytest.mark.row("M.05")
@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_a_mapping_is_read_as_the_message_its_type_names(message: BaseMessage):
    read = TypeAdapter(AnyMessage).validate_python(message.model_dump())
    assert type(read) is type(message)
    assert read == message


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_messages_survive_copying_and_pickling(message: BaseMessage):
    assert copy.deepcopy(message) == message
    assert pickle.loads(pickle.dumps(message)) == message


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda m: type(m).__name__)
def test_messages_are_rebuilt_from_their_journal_fields(message: BaseMessage):
    assert type(message).decode_fields(message.encode_fields()) == message


def test_unknown_arguments_are_kept():
    assert HumanMessage("x", mood="glad").encode_fields() == {"content": "x", "mood": "glad"}


def test_repr_shows_what_is_set():
    assert (
        repr(AIMessageChunk("Hello")) == "AIMessageChunk(content='Hello', additional_kwargs={}, response_metadata={})"
    )
    assert repr(ToolMessage("x", tool_call_id="1")) == "ToolMessage(content='x', tool_call_id='1')"
    assert repr(HumanMessage("x", id="3")) == (
        "HumanMessage(content='x', additional_kwargs={}, response_metadata={}, id='3')"
    )


def test_ids_become_strings():
    assert HumanMessage("x", id=5).id == "5"


def test_a_remove_message_names_an_id_only():
    assert RemoveMessage(id="4").content == ""
    with pytest.raises(ValueError, match="no content"):
        RemoveMessage(id="4", content="x")


def test_pretty_repr_titles_the_message_and_lists_its_calls():
    broken = {"name": "g", "args": "ff", "id": "2", "error": "boo"}
    message = AIMessage("x", tool_calls=[CALL], invalid_tool_calls=[broken])
    assert message.pretty_repr() == (
        "================================== Ai Message ==================================\n\nx\n"
        "Tool Calls:\n  add (1)\n Call ID: 1\n  Args:\n    a: 1\n"
        "Invalid Tool Calls:\n  g (2)\n Call ID: 2\n  Error: boo\n  Args:\n    ff"
    )
    assert HumanMessage("x", name="bob").pretty_repr().splitlines()[1] == "Name: bob"
    assert "\033[1m Human Message \033[0m" in HumanMessage("x").pretty_repr(html=True)


def test_messages_file_under_their_documented_namespace():
    assert AIMessage.lc_id() == ["langchain", "schema", "messages", "AIMessage"]
    assert AIMessage.is_lc_serializable()
