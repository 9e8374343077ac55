"""ChatBedrockConverse against a real server process: what is sent, what comes back, and what fails."""

from typing import Any

import pytest

from spanloom.runtime.messages import HumanMessage, SystemMessage
from spanloom.runtime.models.bedrock.errors import ModelStreamError, ThrottlingError, TruncatedStreamError
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .asking import Hooks, Mode, answered, bodies, both, joined, message, model_of, streamed
from .sending import ADD, CLAUDE, PNG

FRENCH = "J'aime la programmation."
SEED = [
    ("messageStart", {"role": "assistant"}),
    *(
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": t}})
        for t in ("J'aime", " la", " programmation.")
    ),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 22, "outputTokens": 11, "totalTokens": 33}, "metrics": {"latencyMs": 581}}),
]
ASKED = [("system", "You are a helpful translator."), ("human", "I love programming.")]


@both
@pytest.mark.row("C.31")
@pytest.mark.row("C.36")
@pytest.mark.row("C.37")
def test_an_answer_is_the_documented_message(server: BedrockServer, mode: Mode) -> None:
    """A list of blocks, its text alone under `text`, the service's words about it, and the run's id."""
    server.answer(
        "converse",
        {
            "output": {"message": {"role": "assistant", "content": [{"text": FRENCH}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 22, "outputTokens": 11, "totalTokens": 33},
            "metrics": {"latencyMs": 609},
        },
    )
    found = message(mode, model_of(server, temperature=0, max_tokens=None), ASKED)
    assert (found.content, found.text) == ([{"type": "text", "text": FRENCH}], FRENCH)
    assert found.usage_metadata == {"input_tokens": 22, "output_tokens": 11, "total_tokens": 33}
    said = found.response_metadata
    assert (said["stopReason"], said["metrics"], said["ResponseMetadata"]["HTTPStatusCode"]) == (
        "end_turn",
        {"latencyMs": 609},
        200,
    )
    assert found.id is not None
    assert found.id.startswith("run-")
    assert found.id.endswith("-0")
    assert bodies(server) == [
        {
            "messages": [{"role": "user", "content": [{"text": "I love programming."}]}],
            "system": [{"text": "You are a helpful translator."}],
            "inferenceConfig": {"temperature": 0.0},
        }
    ]


@both
@pytest.mark.row("C.32")
@pytest.mark.row("C.33")
def test_a_stream_gives_the_documented_chunks(server: BedrockServer, mode: Mode) -> None:
    """An empty one first, texts with their index, one with stop reason, counts and request; all with one id."""
    server.stream("converse_stream", SEED)
    chunks = streamed(mode, model_of(server), ASKED)
    assert (chunks[0].content, chunks[1].content) == ([], [{"type": "text", "text": "J'aime", "index": 0}])
    assert len({chunk.id for chunk in chunks}) == 1
    total = joined(chunks)
    assert total.content == [{"type": "text", "text": FRENCH, "index": 0}]
    last = chunks[-1]
    assert last.response_metadata["stopReason"] == total.response_metadata["stopReason"] == "end_turn"
    assert last.response_metadata["metrics"] == {"latencyMs": 581}
    assert last.response_metadata["ResponseMetadata"]["RequestId"]
    assert last.usage_metadata == {"input_tokens": 22, "output_tokens": 11, "total_tokens": 33}
    assert last.chunk_position == "last"


@both
@pytest.mark.row("X.10")
def test_handlers_see_each_token_and_one_end(server: BedrockServer, mode: Mode) -> None:
    """The start, every chunk, and one end; an invocation that does not stream has no tokens."""
    for stream, wanted in ((True, 3), (False, 0)):
        server.stream("converse_stream", SEED)
        hooks = Hooks()
        ask: Any = streamed if stream else message
        ask(mode, model_of(server), config={"callbacks": [hooks]})
        tokens = [args[0] for name, args, _ in hooks.calls if name == "token" and args[0]]
        assert (len(tokens), hooks.names()[0], hooks.names().count("end"), hooks.names()[-1]) == (
            wanted,
            "start",
            1,
            "end",
        )


@both
@pytest.mark.row("X.10")
def test_a_streaming_model_shows_tokens_of_an_invocation(server: BedrockServer, mode: Mode) -> None:
    """The answer is the stream's sum, and handlers saw its pieces."""
    server.stream("converse_stream", SEED)
    hooks = Hooks()
    found = message(mode, model_of(server, streaming=True), config={"callbacks": [hooks]})
    assert (found.text, hooks.names().count("end")) == (FRENCH, 1)
    assert "token" in hooks.names()


@both
def test_a_model_that_cannot_stream_answers_in_one_chunk(server: BedrockServer, mode: Mode) -> None:
    """With tools a model that streams only without them is invoked."""
    model = model_of(server, model="meta.llama3-1-70b-instruct-v1:0")
    assert len(streamed(mode, model.bind_tools([ADD]))) == 1
    assert len(streamed(mode, model)) > 1
    assert [seen.operation for seen in server.requests()] == ["converse", "converse_stream"]


@both
@pytest.mark.row("C.26")
@pytest.mark.row("C.27")
def test_a_bound_tool_is_called_and_its_answer_sent_back(server: BedrockServer, mode: Mode) -> None:
    """The call is read from an answer and from a stream alike."""
    tool = {
        "name": "weather",
        "description": "d",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    bound = model_of(server).bind_tools([tool], tool_choice="any")
    whole, total = message(mode, bound, "call weather"), joined(streamed(mode, bound, "call weather"))
    assert [call["name"] for call in whole.tool_calls] == ["weather"]
    assert whole.tool_calls == total.tool_calls
    for body in bodies(server):
        assert body["toolConfig"]["toolChoice"] == {"any": {}}
        assert [offered["toolSpec"]["name"] for offered in body["toolConfig"]["tools"]] == ["weather"]


@both
@pytest.mark.row("C.34")
def test_a_thought_survives_a_second_turn(server: BedrockServer, mode: Mode) -> None:
    """Thinking is asked for with the model's own field; its signature goes back with the next request."""
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    model = model_of(
        server, model="us.anthropic.claude-sonnet-4-20250514-v1:0", additional_model_request_fields=thinking
    )
    thought = {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}}
    server.script("converse", {"blocks": [thought, {"text": "x"}]})
    first = message(mode, model)
    assert [block["type"] for block in first.content if isinstance(block, dict)] == ["reasoning_content", "text"]
    message(mode, model, [HumanMessage("a"), first, HumanMessage("b")])
    sent = bodies(server)
    assert sent[0]["additionalModelRequestFields"] == thinking
    assert sent[1]["messages"][1]["content"] == [thought, {"text": "x"}]


@both
@pytest.mark.row("C.35")
def test_an_image_reaches_the_service(server: BedrockServer, mode: Mode) -> None:
    """Its bytes travel in base64."""
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    message(mode, model_of(server), [HumanMessage(["what is it", block])])
    (body,) = bodies(server)
    assert body["messages"][0]["content"][1] == {"image": {"format": "png", "source": {"bytes": PNG}}}


@both
@pytest.mark.row("C.04")
@pytest.mark.row("X.11")
def test_arguments_of_a_call_are_of_that_call_alone(server: BedrockServer, mode: Mode) -> None:
    """The next call has the model's own again, and neither model nor messages were changed."""
    model = model_of(server, stop_sequences=["own"], max_tokens=5)
    before, messages = (
        model.model_copy(deep=True),
        [SystemMessage("s"), HumanMessage(["a", {"type": "text", "text": "b"}])],
    )
    kept = [each.model_copy(deep=True) for each in messages]
    fields = {"top_k": 1}
    streamed(mode, model, messages, stop=["call"], max_tokens=9, additional_model_request_fields=fields)
    message(mode, model, messages)
    first, second = bodies(server)
    assert first["inferenceConfig"] == {"maxTokens": 9, "stopSequences": ["call"]}
    assert first["additionalModelRequestFields"] == fields == {"top_k": 1}
    assert second["inferenceConfig"] == {"maxTokens": 5, "stopSequences": ["own"]}
    assert "additionalModelRequestFields" not in second
    assert (messages, model.parameters()) == (kept, before.parameters())


@both
@pytest.mark.row("C.11")
@pytest.mark.row("C.13")
@pytest.mark.row("C.15")
@pytest.mark.row("C.16")
@pytest.mark.row("X.03")
def test_settings_go_with_every_way_to_ask(server: BedrockServer, mode: Mode) -> None:
    """Guardrail, tier and performance are sent and what the service says of them is given, streamed or not."""
    server.guardrail("g1")
    model = model_of(
        server,
        guardrails={"guardrailIdentifier": "g1", "guardrailVersion": "1", "streamProcessingMode": "async"},
        service_tier="flex",
        performance_config={"latency": "optimized"},
        additional_model_response_field_paths=["/stop_reason"],
        request_metadata={"team": "a"},
    )
    for found in (message(mode, model), joined(streamed(mode, model))):
        assert found.response_metadata["serviceTier"] == {"type": "flex"}
        assert found.response_metadata["performanceConfig"] == {"latency": "optimized"}
        assert found.response_metadata["additionalModelResponseFields"] == {"stop_reason": "end_turn"}
    whole, stream = bodies(server)
    assert whole["guardrailConfig"] == {"guardrailIdentifier": "g1", "guardrailVersion": "1"}
    assert stream["guardrailConfig"] == {**whole["guardrailConfig"], "streamProcessingMode": "async"}
    assert whole["requestMetadata"] == stream["requestMetadata"] == {"team": "a"}


GUARDRAIL = {"guardrailIdentifier": "g1", "guardrailVersion": "1", "trace": "enabled"}


@both
@pytest.mark.row("X.17")
@pytest.mark.parametrize("ask", [message, streamed])
def test_an_intervention_is_told_to_handlers_once(server: BedrockServer, mode: Mode, ask: Any) -> None:
    """The run goes on and ends; before its end handlers hear why, as with InvokeModel."""
    server.guardrail("g1", blocked_words=["secret"])
    hooks = Hooks()
    ask(mode, model_of(server, guardrails=GUARDRAIL), "the secret word", config={"callbacks": [hooks]})
    told = [kwargs for name, _, kwargs in hooks.calls if name == "error"]
    assert [each["reason"] for each in told] == ["GUARDRAIL_INTERVENED"]
    assert told[0]["trace"]["guardrail"]["inputAssessment"]
    assert hooks.names()[-2:] == ["error", "end"]


@both
@pytest.mark.row("X.17")
def test_an_intervention_without_a_trace_is_told_too(server: BedrockServer, mode: Mode) -> None:
    """The stop reason alone tells of it."""
    server.guardrail("g1", blocked_words=["secret"])
    guardrail = {"guardrailIdentifier": "g1", "guardrailVersion": "1"}
    for ask in (message, streamed):
        hooks = Hooks()
        found: Any = ask
        found(mode, model_of(server, guardrails=guardrail), "the secret word", config={"callbacks": [hooks]})
        assert [kwargs["reason"] for name, _, kwargs in hooks.calls if name == "error"] == ["GUARDRAIL_INTERVENED"]


@both
@pytest.mark.row("X.04")
def test_a_truncated_stream_raises_after_what_came(server: BedrockServer, mode: Mode) -> None:
    """The chunks were given; then a typed error."""
    server.stream("converse_stream", [*SEED[:3], ("!end", None)])
    with pytest.raises(TruncatedStreamError) as caught:
        streamed(mode, model_of(server))
    assert joined(caught.value.came).text == "J'aime la"  # type: ignore[attr-defined]


@both
@pytest.mark.row("X.05")
def test_an_error_in_a_stream_is_typed(server: BedrockServer, mode: Mode) -> None:
    """What came stays; the model's own words are kept."""
    failure = {"message": "m", "originalStatusCode": 500, "originalMessage": "why"}
    server.stream("converse_stream", [*SEED[:3], ("modelStreamErrorException", failure)])
    with pytest.raises(ModelStreamError) as caught:
        streamed(mode, model_of(server))
    assert (caught.value.original_status, caught.value.original_message) == (500, "why")


@both
@pytest.mark.row("C.10")
def test_attempts_are_limited_as_told(server: BedrockServer, mode: Mode) -> None:
    """Without retries the first failure is raised."""
    server.fail("converse", code="ThrottlingException", times=None)
    with pytest.raises(ThrottlingError):
        answered(mode, model_of(server, max_retries=0))
    assert len(server.requests()) == 1


def test_leaving_a_stream_early_closes_its_connection(server: BedrockServer) -> None:
    """The server sees the client go."""
    server.stream("converse_stream", [*SEED[:3], ("!idle", None)])
    stream = model_of(server).stream("x")
    next(stream), next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert [seen.outcome for seen in server.requests()] != ["complete"]
    assert server.connections(0) == 0


@both
@pytest.mark.row("C.09")
def test_headers_and_region_go_with_every_request(server: BedrockServer, mode: Mode) -> None:
    """They are signed, too."""
    model = model_of(server, default_headers={"x-team": "a"})
    message(mode, model)
    streamed(mode, model)
    assert [(seen.headers["x-team"], seen.signature) for seen in server.requests()] == [("a", "valid")] * 2


@both
def test_the_span_tells_model_provider_counts_and_reason(server: BedrockServer, mode: Mode) -> None:
    """One client span for each call, by the GenAI conventions."""
    server.stream("converse_stream", SEED)
    with SpanRecorder() as spans:
        streamed(mode, model_of(server, guardrails=GUARDRAIL))
        (span,) = spans.spans
        told = span.attributes
    assert (told["gen_ai.request.model"], told["gen_ai.provider.name"]) == (CLAUDE, "aws.bedrock")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.response.finish_reasons"]) == (22, ("end_turn",))
    assert told["aws.bedrock.guardrail.id"] == "g1"
