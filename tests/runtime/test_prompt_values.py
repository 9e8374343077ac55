"""A prompt value reads as text and as messages."""

from spanloom.runtime.messages import AIMessage, HumanMessage
from spanloom.runtime.prompt_values import (
    ChatPromptValue,
    ChatPromptValueConcrete,
    ImagePromptValue,
    StringPromptValue,
)


def test_a_text_is_a_human_message():
    value = StringPromptValue(text="x")
    assert (value.to_string(), value.to_messages()) == ("x", [HumanMessage("x")])


def test_a_conversation_reads_as_speakers_and_words():
    value = ChatPromptValue(messages=[HumanMessage("x"), AIMessage("y")])
    assert value.to_string() == "Human: x\nAI: y"
    assert value.to_messages() == [HumanMessage("x"), AIMessage("y")]


def test_a_concrete_conversation_reads_mappings_by_type():
    value = ChatPromptValueConcrete(messages=[{"type": "ai", "content": "x"}])  # type: ignore[list-item]
    assert value.to_messages() == [AIMessage("x")]


def test_an_image_is_its_address():
    value = ImagePromptValue(image_url={"url": "http://x"})
    assert value.to_string() == "http://x"
    assert value.to_messages() == [HumanMessage([{"url": "http://x"}])]


def test_prompt_values_are_rebuilt_from_their_journal_fields():
    value = ChatPromptValue(messages=[HumanMessage("x"), AIMessage("y")])
    assert ChatPromptValue.decode_fields(value.encode_fields()) == value
