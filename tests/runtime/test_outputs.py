"""Generations hold answers; their chunks add up."""

import pytest
from pydantic import ValidationError

from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage
from spanloom.runtime.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)


def test_generation_chunks_add_text_and_info():
    total = GenerationChunk(text="x", generation_info={"a": "1"}) + GenerationChunk(
        text="y", generation_info={"a": "2"}
    )
    assert total == GenerationChunk(text="xy", generation_info={"a": "12"})
    with pytest.raises(TypeError, match="GenerationChunk"):
        total + 5


def test_chat_chunks_add_their_messages_one_or_many():
    chunks = [ChatGenerationChunk(message=AIMessageChunk(text)) for text in "xyz"]
    assert (chunks[0] + chunks[1:]).text == "xyz"
    assert (chunks[0] + chunks[1]).message == AIMessageChunk("xy")
    with pytest.raises(TypeError, match="ChatGenerationChunk"):
        chunks[0] + GenerationChunk(text="x")
    with pytest.raises(ValidationError):
        ChatGenerationChunk(message=HumanMessage("x"))


def test_a_chat_generation_takes_its_text_from_the_message():
    assert ChatGeneration(message=AIMessage(["x", {"type": "text", "text": "y"}]), text="other").text == "xy"
    assert ChatGeneration(message=AIMessage("x")).type == "ChatGeneration"
    assert (
        repr(ChatResult(generations=[ChatGeneration(message=HumanMessage("x"))]).generations[0].message.content)
        == "'x'"
    )


def test_a_generation_is_rebuilt_from_its_journal_fields():
    for generation in (Generation(text="x", generation_info={"a": 1}), ChatGeneration(message=AIMessage("x"))):
        assert type(generation).decode_fields(generation.encode_fields()) == generation


def test_a_result_keeps_the_kind_of_its_generations():
    result = LLMResult(generations=[[ChatGenerationChunk(message=AIMessageChunk("x"))], [Generation(text="y")]])
    assert [type(g[0]) for g in result.generations] == [ChatGenerationChunk, Generation]


def test_a_flattened_result_counts_its_tokens_once():
    result = LLMResult(
        generations=[[Generation(text="x")], [Generation(text="y")]], llm_output={"token_usage": {"a": 1}, "m": "n"}
    )
    assert [one.llm_output for one in result.flatten()] == [
        {"token_usage": {"a": 1}, "m": "n"},
        {"token_usage": {}, "m": "n"},
    ]
    assert result == LLMResult(generations=result.generations, llm_output=result.llm_output)
