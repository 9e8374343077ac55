"""OpenAI-like bodies and Nova: tools, reasoning and files in both directions."""

from typing import Any

import pytest

from spanloom.runtime.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from spanloom.runtime.models.bedrock.invoke import Ask, Piece, family_of

from .bodies import METRICS

TOOL = {
    "type": "function",
    "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object", "properties": {}}},
}
CALL = {"name": "add", "args": {"a": 1}, "id": "t1", "type": "tool_call"}
TALK = [
    SystemMessage("S"),
    HumanMessage("Hi"),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("2", tool_call_id="t1"),
]


def read(model_id: str, documents: list[Any]) -> list[Piece]:
    decoder = family_of(model_id).decoder()
    return [*(piece for document in documents for piece in decoder.feed(document)), *decoder.finish()]


def test_openais_form_of_conversations_and_tools_is_sent() -> None:
    """Calls have their arguments as JSON text."""
    body = family_of("qwen.qwen3-32b-v1:0").build(Ask(model_id="x", messages=TALK, tools=[TOOL], tool_choice="any"))
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
    assert (body["tools"], body["tool_choice"]) == ([TOOL], "required")


@pytest.mark.parametrize(
    ("model_id", "choice", "sent"),
    [
        ("qwen.qwen3-32b-v1:0", "add", {"type": "function", "function": {"name": "add"}}),
        ("mistral.mistral-large-2407-v1:0", "add", "any"),
        ("mistral.mistral-large-2407-v1:0", "any", "any"),
        ("mistral.mistral-large-2407-v1:0", "auto", "auto"),
        ("openai.gpt-oss-20b-1:0", "none", "none"),
    ],
)
def test_a_choice_is_said_in_the_familys_words(model_id: str, choice: str, sent: Any) -> None:
    """Saying it twice changes nothing."""
    family = family_of(model_id)
    assert family.tool_choice(choice) == sent
    assert family.tool_choice(sent) == sent


def test_an_answer_may_have_calls_and_reasoning_and_no_content() -> None:
    """`content` is null where the model ran out of tokens while it reasoned."""
    calls = [
        {"id": "t1", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "t2", "function": {"name": "add", "arguments": "{"}},
    ]
    message = {"content": None, "tool_calls": calls, "reasoning_content": "Hm."}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    body = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": usage}
    answer = family_of("openai.gpt-oss-20b-1:0").parse(body)
    assert (answer.text, answer.tool_calls, answer.stop_reason) == ("", [CALL], "tool_calls")
    assert answer.invalid_tool_calls[0]["id"] == "t2"
    assert answer.beside == {"reasoning_content": "Hm."}
    assert answer.usage == {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "input_token_details": {"cache_read": 4},
        "output_token_details": {"reasoning": 3},
    }


def test_a_stream_brings_calls_and_reasoning_in_pieces() -> None:
    """A piece of a call without an index has its place in the list."""
    deltas: list[dict[str, Any]] = [
        {"reasoning_content": "Hm."},
        {"content": [{"type": "text", "text": "Hi"}]},
        {"tool_calls": [{"index": 1, "id": "t1", "function": {"name": "add", "arguments": ""}}]},
        {"tool_calls": [{"id": None, "function": {"arguments": '{"a": 1}'}}]},
    ]
    documents = [{"choices": [{"delta": delta, "finish_reason": None}]} for delta in deltas]
    end = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}], **METRICS}
    reasoning, text, opened, grown, last = read("openai.gpt-oss-20b-1:0", [*documents, end])
    assert (reasoning.beside, text.text, last.stop_reason) == ({"reasoning_content": "Hm."}, "Hi", "tool_calls")
    assert (opened.tool_call_chunks[0]["name"], opened.tool_call_chunks[0]["index"]) == ("add", 1)
    assert (grown.tool_call_chunks[0]["args"], grown.tool_call_chunks[0]["index"]) == ('{"a": 1}', 0)


def test_nova_is_sent_converses_form_with_files_as_text() -> None:
    """Tools, calls and their answers as Converse has them; bytes in base64."""
    image = {"type": "image", "base64": "QUJD", "mime_type": "image/png"}
    talk = [SystemMessage("S"), HumanMessage([image]), *TALK[2:]]
    family = family_of("amazon.nova-lite-v1:0")
    body = family.build(Ask(model_id="x", messages=talk, tools=[TOOL], tool_choice="add"))
    assert body["system"] == [{"text": "S"}]
    assert body["messages"][0]["content"] == [{"image": {"format": "png", "source": {"bytes": "QUJD"}}}]
    assert body["messages"][1]["content"] == [{"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}}]
    assert body["messages"][2]["content"][0]["toolResult"]["toolUseId"] == "t1"
    assert body["toolConfig"]["tools"][0]["toolSpec"]["name"] == "add"
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "add"}}


def test_nova_answers_with_calls_and_reasoning_as_blocks() -> None:
    """A lone text stays a text."""
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"text": "Hi"},
        {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}},
        {"novelty": 1},
    ]
    answer = family_of("amazon.nova-lite-v1:0").parse({"output": {"message": {"content": content}}})
    assert (answer.text, answer.tool_calls) == ("Hi", [CALL])
    assert answer.content == [
        {"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "sig"}},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "name": "add", "input": {"a": 1}, "id": "t1"},
        {"novelty": 1},
    ]


def test_nova_streams_calls_and_reasoning_in_pieces() -> None:
    """Each piece says which block it belongs to."""
    start = {"toolUse": {"toolUseId": "t1", "name": "add"}}
    documents = [
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}},
        {"contentBlockStart": {"contentBlockIndex": 1, "start": start}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a": 1}'}}}},
        {"messageStop": {"stopReason": "tool_use"}},
    ]
    reasoning, opened, grown, last = read("amazon.nova-lite-v1:0", documents)
    assert reasoning.content == [{"type": "reasoning_content", "reasoning_content": {"text": "Hm."}, "index": 0}]
    assert opened.tool_call_chunks[0]["id"] == "t1"
    assert (grown.tool_call_chunks[0]["args"], grown.tool_call_chunks[0]["index"]) == ('{"a": 1}', 1)
    assert last.stop_reason == "tool_use"
