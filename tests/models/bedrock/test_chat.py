"""ChatBedrock against a real server: every family, tools, structured answers, thinking, and what is told of them."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from spanloom.runtime.models.bedrock.chat import ChatBedrock
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .driving import CLAUDE, FAMILIES, METRICS, Hooks, Mode, asked, both, chunk_events, made, streamed

STREAM = "invoke_model_with_response_stream"
TALK = [SystemMessage("Be brief."), HumanMessage("What colour has the sky")]
TOOL_MODELS = [CLAUDE, "amazon.nova-lite-v1:0", "qwen.qwen3-32b-v1:0", "mistral.mistral-large-2407-v1:0"]


class Weather(BaseModel):
    """The weather of a place."""

    place: str = Field(description="Where.")


def weather(place: str) -> str:
    """Return the weather of a place.

    Args:
        place: Where.
    """
    return f"fine in {place}"


def summed(chunks: list[Any]) -> AIMessageChunk:
    total = chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]
    assert isinstance(total, AIMessageChunk | AIMessage)
    return total  # type: ignore[return-value]


@both
@pytest.mark.parametrize("model_id", FAMILIES)
@pytest.mark.row("X.09")
def test_every_family_answers_a_conversation_whole_and_in_chunks(
    bedrock: BedrockServer, model_id: str, mode: Mode
) -> None:
    """The sum of the chunks is the whole message, with its usage and what is known of it."""
    model = made(ChatBedrock, bedrock, model_id)
    whole = asked(mode, model, TALK)
    chunks = streamed(mode, model, TALK)
    total = summed(chunks)
    assert isinstance(whole, AIMessage)
    assert isinstance(whole.content, str)
    assert whole.content
    assert (total.content, total.usage_metadata) == (whole.content, whole.usage_metadata)
    assert all(chunk.response_metadata["model_provider"] == "bedrock" for chunk in chunks)
    message: Any
    for message in (whole, chunks[-1]):
        known = message.response_metadata
        assert (known["model_name"], known["normal_reason"]) == (model_id, "stop")
        assert {"stop_reason", "request_id", "latency_ms", "usage"} <= known.keys()
        assert known["usage"]["prompt_tokens"] == message.usage_metadata["input_tokens"]
    if model._family().can_stream:
        assert len(chunks) > 2
        assert (chunks[-1].chunk_position, chunks[-1].content) == ("last", "")
        assert len({chunk.id for chunk in chunks}) == 1


def test_a_model_without_messages_is_sent_a_prompt(bedrock: BedrockServer) -> None:
    """In the form that its maker's reference gives."""
    made(ChatBedrock, bedrock, "meta.llama3-8b-instruct-v1:0").invoke(TALK)
    (request,) = bedrock.requests()
    assert request.json["prompt"].startswith("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.")


@both
@pytest.mark.parametrize("model_id", TOOL_MODELS)
def test_a_tool_is_called_with_its_arguments_and_hears_of_its_answer(
    bedrock: BedrockServer, model_id: str, mode: Mode
) -> None:
    """Whole and in pieces alike; the tool's answer goes back in the provider's form."""
    model = made(ChatBedrock, bedrock, model_id, max_tokens=500).bind_tools([weather])
    question = HumanMessage('Please call weather {"place": "Rome"}')
    whole, total = asked(mode, model, [question]), summed(streamed(mode, model, [question]))
    for message in (whole, total):
        (call,) = message.tool_calls
        assert (call["name"], call["args"]) == ("weather", {"place": "Rome"})
        assert message.invalid_tool_calls == []
        assert message.response_metadata["normal_reason"] == "tool_call"
    assert total.tool_calls[0]["id"] == whole.tool_calls[0]["id"]
    answer = ToolMessage("fine", tool_call_id=whole.tool_calls[0]["id"] or "")
    for said in (whole, total):
        assert "fine" in str(asked(mode, model, [question, said, answer]).content)


@both
@pytest.mark.parametrize("model_id", TOOL_MODELS)
def test_an_answer_can_have_the_shape_of_a_schema(bedrock: BedrockServer, model_id: str, mode: Mode) -> None:
    """The schema is a tool that must be called."""
    model = made(ChatBedrock, bedrock, model_id, max_tokens=500).with_structured_output(Weather)
    assert isinstance(asked(mode, model, "Of Rome"), Weather)
    (request,) = bedrock.requests()
    assert "Weather" in json.dumps(request.json)


def test_tools_are_refused_where_the_model_takes_none(bedrock: BedrockServer) -> None:
    """And so are structured answers."""
    model = made(ChatBedrock, bedrock, "amazon.titan-text-express-v1")
    with pytest.raises(NotImplementedError, match="takes no tools"):
        model.bind_tools([weather])
    with pytest.raises(NotImplementedError, match="takes no tools"):
        model.with_structured_output(Weather)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("weather", {"type": "tool", "name": "weather"}),
        (True, {"type": "tool", "name": "weather"}),
        ("any", {"type": "any"}),
        ("required", {"type": "any"}),
        ("auto", {"type": "auto"}),
        ({"type": "any", "disable_parallel_tool_use": True}, {"type": "any", "disable_parallel_tool_use": True}),
        (None, None),
        (False, None),
    ],
)
def test_the_choice_between_tools_is_bound_in_the_providers_words(
    bedrock: BedrockServer, choice: Any, sent: Any
) -> None:
    """None is the provider's default."""
    bound: Any = made(ChatBedrock, bedrock, CLAUDE).bind_tools([weather], tool_choice=choice)
    assert bound.kwargs.get("tool_choice") == sent
    assert bound.kwargs["tools"][0]["input_schema"]["required"] == ["place"]


def test_a_choice_that_names_no_tool_is_refused(bedrock: BedrockServer) -> None:
    """The message names those that there are."""
    model = made(ChatBedrock, bedrock, CLAUDE)
    with pytest.raises(InvalidInputError, match="weather"):
        model.bind_tools([weather], tool_choice="wether")
    with pytest.raises(InvalidInputError, match="the only tool"):
        model.bind_tools([weather, Weather], tool_choice=True)


def test_a_thinking_model_is_not_made_to_call_a_tool(bedrock: BedrockServer) -> None:
    """A warning says that the choice was left to it."""
    model = made(ChatBedrock, bedrock, CLAUDE, model_kwargs={"thinking": {"type": "enabled", "budget_tokens": 1024}})
    with pytest.warns(UserWarning, match="while it thinks"):
        bound: Any = model.bind_tools([weather], tool_choice="any")
    assert bound.kwargs["tool_choice"] == {"type": "auto"}


@both
def test_thinking_comes_as_blocks_and_goes_back_signed(bedrock: BedrockServer, mode: Mode) -> None:
    """The sum of a stream is what a whole answer has, and both can be sent again."""
    blocks = [{"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}}, {"text": "Blue."}]
    bedrock.script("invoke_model", {"blocks": blocks})
    bedrock.script(STREAM, {"blocks": blocks})
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    model = made(ChatBedrock, bedrock, CLAUDE, max_tokens=2000, model_kwargs=thinking)
    whole, total = asked(mode, model, TALK), summed(streamed(mode, model, TALK))
    for message in (whole, total):
        assert [block.get("type") for block in message.content_blocks] == ["reasoning", "text"]
        asked(mode, model, [*TALK, message, HumanMessage("Why?")])
    sent = [request.json["messages"][1]["content"][0] for request in bedrock.requests()[2:]]
    assert sent == [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}] * 2


@both
def test_stop_sequences_of_the_model_are_sent_unless_the_call_has_its_own(bedrock: BedrockServer, mode: Mode) -> None:
    """Also under their short name."""
    model = made(ChatBedrock, bedrock, CLAUDE, stop=["a1"])
    assert model.stop_sequences == ["a1"]
    asked(mode, model, "Hi")
    asked(mode, model, "Hi", stop=["b2"])
    assert [request.json["stop_sequences"] for request in bedrock.requests()] == [["a1"], ["b2"]]


@both
@pytest.mark.row("X.09")
@pytest.mark.row("X.20")
def test_a_streams_usage_counts_the_cache_once(bedrock: BedrockServer, spans: SpanRecorder, mode: Mode) -> None:
    """The metrics count everything; what Anthropic tells of each cache is kept, in the message and on the span."""
    usage = {
        "input_tokens": 3,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 4},
        "output_tokens": 1,
    }
    metrics = {**METRICS, "cacheReadInputTokenCount": 2, "cacheWriteInputTokenCount": 4}
    documents = [
        {"type": "message_start", "message": {"id": "msg_7", "model": "claude-x", "usage": usage}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Blue."}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics},
    ]
    bedrock.stream(STREAM, chunk_events(documents))
    total = summed(streamed(mode, made(ChatBedrock, bedrock, CLAUDE), TALK))
    assert total.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 5,
        "total_tokens": 14,
        "input_token_details": {"cache_read": 2, "cache_creation": 4, "ephemeral_5m_input_tokens": 4},
    }
    assert total.id == "msg_7"
    (span,) = spans
    assert span.attributes["gen_ai.usage.input_tokens"] == 9
    assert span.attributes["gen_ai.usage.cache_creation.input_tokens"] == 4
    assert span.attributes["gen_ai.response.id"] == "msg_7"
    assert span.attributes["gen_ai.response.model"] == "claude-x"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)


@both
@pytest.mark.row("B1.20")
@pytest.mark.row("X.10")
def test_streaming_tells_tokens_while_invoking(bedrock: BedrockServer, mode: Mode) -> None:
    """The message is the same, and its end is told once."""
    hooks = Hooks()
    plain = asked(mode, made(ChatBedrock, bedrock, CLAUDE), TALK)
    message = asked(mode, made(ChatBedrock, bedrock, CLAUDE, streaming=True, callbacks=[hooks]), TALK)
    assert (message.content, message.usage_metadata) == (plain.content, plain.usage_metadata)
    assert hooks.names().count("token") > 2
    assert (hooks.names()[0], hooks.names()[-1], hooks.names().count("end")) == ("start", "end", 1)


@both
@pytest.mark.row("B2.02")
@pytest.mark.row("B2.03")
def test_an_intervention_is_told_and_the_message_is_the_guardrails(bedrock: BedrockServer, mode: Mode) -> None:
    """Whole and streamed, also where the model's answer was the reason."""
    bedrock.guardrail("gr1", "2", masked={r"[\w.]+@[\w.]+": "{EMAIL}"}, blocked_words=["darn"], blocked_message="No.")
    settings = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": "ENABLED_FULL"}
    for drive in (asked, streamed):
        hooks = Hooks()
        model = made(ChatBedrock, bedrock, CLAUDE, guardrails=settings, callbacks=[hooks])
        given = drive(mode, model, "The darn sky")
        message = given if isinstance(given, AIMessage) else summed(given)
        assert message.text == "No."
        assert message.response_metadata["amazon-bedrock-guardrailAction"] == "INTERVENED"
        assert hooks.of("error")[2]["reason"] == "GUARDRAIL_INTERVENED"
        assert hooks.names()[-1] == "end"


def test_a_model_that_does_not_stream_gives_its_message_as_one_chunk(bedrock: BedrockServer) -> None:
    """Jurassic answers in one piece."""
    chunks = list(made(ChatBedrock, bedrock, "ai21.j2-mid-v1").stream(TALK))
    assert len(chunks) == 1
    assert [request.operation for request in bedrock.requests()] == ["invoke_model"]


@pytest.mark.row("X.11")
def test_a_model_can_be_used_from_many_tasks_at_once(bedrock: BedrockServer) -> None:
    """Each has its own arguments and its own answer."""
    model = made(ChatBedrock, bedrock, CLAUDE)

    async def one(number: int) -> bool:
        message = await model.ainvoke(f"Tell of word{number}", stop=[f"stop{number}"])
        return f"word{number}" in str(message.content)

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(one(number) for number in range(20)))

    assert all(asyncio.run(all_of_them()))
    sent = [(r.json["messages"][0]["content"], r.json["stop_sequences"]) for r in bedrock.requests()]
    assert sorted(sent) == sorted((f"Tell of word{n}", [f"stop{n}"]) for n in range(20))
    assert model.model_kwargs is None
