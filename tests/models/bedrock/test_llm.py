"""BedrockLLM against a real server: every family, streams, stop strings, guardrails, spans and failures."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.caches import InMemoryCache
from spanloom.runtime.models.bedrock.errors import ModelStreamError, ThrottlingError, TruncatedStreamError
from spanloom.runtime.models.bedrock.llm import BedrockLLM
from spanloom.runtime.runnables import ConfigurableField
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.testing.recorder import SpanRecorder

from .driving import FAMILIES, LLAMA, METRICS, AsyncHooks, Hooks, Mode, asked, both, chunk_events, made, streamed

ANSWER = "You asked about: sky, colour."
ASKED = "What colour has the sky"
STREAM = "invoke_model_with_response_stream"
TOKENS = chunk_events(
    [
        {"generation": "One ", "prompt_token_count": 3, "generation_token_count": 1},
        {"generation": "two th", "prompt_token_count": None, "generation_token_count": 2},
        {"generation": "ree four", "prompt_token_count": None, "generation_token_count": 3},
        {"generation": "", "stop_reason": "length", "amazon-bedrock-invocationMetrics": METRICS},
    ]
)


def info_of(hooks: Hooks) -> dict[str, Any]:
    info: dict[str, Any] = hooks.of("end")[1][0].generations[0][0].generation_info
    return info


@both
@pytest.mark.parametrize("model_id", FAMILIES)
@pytest.mark.row("B3.02")
@pytest.mark.row("B3.03")
@pytest.mark.row("X.09")
def test_every_family_answers_whole_and_in_tokens(bedrock: BedrockServer, model_id: str, mode: Mode) -> None:
    """The two are the same text; both tell the reason, the usage, ids and times at their end."""
    model = made(BedrockLLM, bedrock, model_id)
    whole, pieces = Hooks(), Hooks()
    text = asked(mode, model, ASKED, {"callbacks": [whole]})
    tokens = streamed(mode, model, ASKED, {"callbacks": [pieces]})
    assert "".join(tokens) == text
    assert len(tokens) > 2 or not model._family().can_stream
    for hooks in (whole, pieces):
        info = info_of(hooks)
        assert info["usage_metadata"]["output_tokens"] > 0
        assert (info["stop_reason"] is not None, info["normal_reason"]) == (True, "stop")
        assert (info["model_name"], info["model_provider"]) == (model_id, "bedrock")
        assert info["latency_ms"] > 0
        assert info["request_id"]
    assert info_of(whole)["usage_metadata"] == info_of(pieces)["usage_metadata"]
    assert info_of(whole)["stop_reason"] == info_of(pieces)["stop_reason"]
    assert [request.signature for request in bedrock.requests()] == ["valid", "valid"]


@both
@pytest.mark.row("B1.20")
@pytest.mark.row("X.10")
def test_streaming_tells_tokens_while_invoking(bedrock: BedrockServer, mode: Mode) -> None:
    """The answer is the same, and its end is told once."""
    bedrock.stream(STREAM, TOKENS)
    hooks = Hooks()
    model = made(BedrockLLM, bedrock, streaming=True, callbacks=[hooks])
    assert asked(mode, model, ASKED) == "One two three four"
    assert hooks.names() == ["start", "token", "token", "token", "token", "end"]
    assert info_of(hooks)["stop_reason"] == "length"


@both
@pytest.mark.parametrize("stop", [["three"], ["zzz", "three"], ["e", "three"]])
@pytest.mark.row("B3.11")
@pytest.mark.row("X.12")
@pytest.mark.row("X.13")
def test_a_stop_string_across_chunks_ends_an_answer_that_the_service_would_not(
    bedrock: BedrockServer, stop: list[str], mode: Mode
) -> None:
    """Llama takes no stop strings, so nothing is sent and the answer is cut here, without the end of the stream."""
    bedrock.stream(STREAM, TOKENS)
    bedrock.answer("invoke_model", {"generation": "One two three four", "stop_reason": "length"})
    model = made(BedrockLLM, bedrock).bind(stop=stop)
    hooks = Hooks()
    wanted = "One two " if "e" not in stop else "On"
    assert "".join(streamed(mode, model, ASKED, {"callbacks": [hooks]})) == wanted
    assert asked(mode, model, ASKED) == wanted
    assert info_of(hooks)["stop_reason"] == "stop_sequence"
    assert info_of(hooks)["usage_metadata"]["input_tokens"] == 3
    assert all("stop" not in str(request.json) for request in bedrock.requests())


@both
@pytest.mark.row("X.13")
def test_stop_strings_are_literals(bedrock: BedrockServer, mode: Mode) -> None:
    """A dot means a dot."""
    bedrock.answer("invoke_model", {"generation": "It is (so). Yes", "stop_reason": "stop"}, times=2)
    model = made(BedrockLLM, bedrock)
    assert asked(mode, model, ASKED, stop=["."]) == "It is (so)"
    assert asked(mode, model, ASKED, stop=["("]) == "It is "


@both
@pytest.mark.row("X.04")
@pytest.mark.row("X.05")
def test_a_stream_that_breaks_off_gives_what_came_and_a_typed_error(bedrock: BedrockServer, mode: Mode) -> None:
    """With the id of the request."""
    model = made(BedrockLLM, bedrock)
    for events, error in [
        (TOKENS[:2], TruncatedStreamError),
        (
            [*TOKENS[:2], ("modelStreamErrorException", {"message": "gone", "originalStatusCode": 500})],
            ModelStreamError,
        ),
        ([*TOKENS[:2], ("throttlingException", {"message": "slow down"})], ThrottlingError),
    ]:
        bedrock.stream(STREAM, events)
        came: list[str] = []
        with pytest.raises(error) as caught:
            streamed(mode, model, ASKED, into=came)
        assert came == ["One ", "two th"]
        assert caught.value.request_id


@pytest.mark.row("X.02")
def test_leaving_a_stream_closes_its_connection(bedrock: BedrockServer) -> None:
    """The server sees the client go before the rest was sent."""
    bedrock.stream(STREAM, [*TOKENS[:1], ("!idle", None)])

    async def first() -> str:
        async for token in made(BedrockLLM, bedrock).astream(ASKED):
            return str(token)
        return ""

    assert asyncio.run(first()) == "One "
    assert next(made(BedrockLLM, bedrock).stream(ASKED))
    seen = bedrock.requests()
    assert seen[0].outcome == "client left"


@both
@pytest.mark.row("B1.11")
@pytest.mark.row("B2.02")
@pytest.mark.row("B2.03")
@pytest.mark.row("B2.04")
@pytest.mark.row("B2.05")
@pytest.mark.row("X.10")
@pytest.mark.parametrize("model_id", ["meta.llama3-1-8b-instruct-v1:0", "anthropic.claude-v2", "amazon.nova-lite-v1:0"])
def test_an_intervention_is_told_and_the_answer_is_the_guardrails(
    bedrock: BedrockServer, model_id: str, mode: Mode
) -> None:
    """Handlers of both kinds hear the reason and the trace, and then of one end; the trace stands in the metadata."""
    bedrock.guardrail("gr1", "2", blocked_words=["darn"], blocked_message="Sorry, not this.")
    settings = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": True}
    for drive in (asked, streamed):
        hooks, others = Hooks(), AsyncHooks()
        model = made(BedrockLLM, bedrock, model_id, guardrails=settings, callbacks=[hooks, others])
        assert "".join(drive(mode, model, "The darn sky")) == "Sorry, not this."
        _, (error,), kwargs = hooks.of("error")
        assert isinstance(error, Exception)
        assert (kwargs["reason"], kwargs["signal"]) == ("GUARDRAIL_INTERVENED", True)
        assert "wordPolicy" in str(kwargs["trace"])
        assert others.reasons == [("GUARDRAIL_INTERVENED", kwargs["trace"])]
        assert hooks.names()[-1] == "end"
        assert hooks.names().count("end") == 1
        assert info_of(hooks)["amazon-bedrock-guardrailAction"] == "INTERVENED"


@both
@pytest.mark.row("X.18")
def test_the_span_says_who_was_asked_what_it_cost_and_nothing_of_the_content(
    bedrock: BedrockServer, spans: SpanRecorder, mode: Mode
) -> None:
    """By the conventions, with the service's own ids and times."""
    bedrock.guardrail("gr1", "2")
    metrics = {**METRICS, "cacheReadInputTokenCount": 2}
    bedrock.stream(
        STREAM,
        chunk_events(
            [{"generation": "Blue secret", "stop_reason": "stop", "amazon-bedrock-invocationMetrics": metrics}]
        ),
        headers={"X-Amzn-Bedrock-Service-Tier": "priority"},
    )
    settings = {"guardrailIdentifier": "gr1", "guardrailVersion": "2"}
    streamed(mode, made(BedrockLLM, bedrock, guardrails=settings), "My secret sky")
    (span,) = spans
    attributes = dict(span.attributes)
    assert span.span.name == f"text_completion {LLAMA}"
    assert {name: attributes[name] for name in attributes if name.startswith(("gen_ai.", "aws."))} == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": LLAMA,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": LLAMA,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": attributes["gen_ai.response.time_to_first_chunk"],
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "aws.bedrock.guardrail.id": "gr1",
        "aws.request_id": attributes["aws.request_id"],
    }
    assert attributes["spanloom.model.latency_s"] == 0.12
    assert attributes["spanloom.model.service_tier"] == "priority"
    assert "secret" not in str(attributes)


@both
@pytest.mark.row("B1.05")
def test_answers_are_cached_and_streams_are_not(bedrock: BedrockServer, mode: Mode) -> None:
    """The same question to the same model asks the service once."""
    model = made(BedrockLLM, bedrock, cache=InMemoryCache())
    assert asked(mode, model, ASKED) == asked(mode, model, ASKED)
    streamed(mode, model, ASKED)
    other = model.model_copy(update={"temperature": 0.5})
    asked(mode, other, ASKED)
    assert [request.operation for request in bedrock.requests()] == ["invoke_model", STREAM, "invoke_model"]


@pytest.mark.row("B3.12")
def test_a_field_can_be_configured_for_a_call(bedrock: BedrockServer) -> None:
    """The model that was made stays as it is."""
    field = ConfigurableField(id="output_tokens", name="Max tokens", description="")
    model = made(BedrockLLM, bedrock, max_tokens=20).configurable_fields(max_tokens=field)
    model.invoke(ASKED)
    model.with_config(configurable={"output_tokens": 200}).invoke(ASKED)
    assert [request.json["max_gen_len"] for request in bedrock.requests()] == [20, 200]


@pytest.mark.row("B3.06")
def test_events_show_the_tokens_of_an_invocation(bedrock: BedrockServer) -> None:
    """A call made while somebody reads events streams inside."""
    bedrock.stream(STREAM, TOKENS)

    async def read() -> list[Any]:
        return [event async for event in made(BedrockLLM, bedrock).astream_events(ASKED)]

    events = asyncio.run(read())
    assert [event["event"] for event in events] == [
        "on_llm_start",
        *(["on_llm_stream"] * 4),
        "on_llm_end",
    ]
    assert [event["data"]["chunk"].text for event in events[1:-1]] == ["One ", "two th", "ree four", ""]


@pytest.mark.row("B3.20")
def test_a_text_model_has_no_structured_output(bedrock: BedrockServer) -> None:
    """It says so when asked for it."""
    with pytest.raises(NotImplementedError):
        made(BedrockLLM, bedrock).with_structured_output({"title": "x", "type": "object"})


@pytest.mark.row("B1.09")
@pytest.mark.row("B3.14")
def test_tokens_are_counted_by_the_callers_function(bedrock: BedrockServer) -> None:
    """Without one they are estimated offline."""
    model = made(BedrockLLM, bedrock, custom_get_token_ids=lambda text: list(range(len(text))))
    assert (model.get_num_tokens("abc"), made(BedrockLLM, bedrock).get_num_tokens("abc")) == (3, 1)
    assert bedrock.requests() == []


def test_a_batch_keeps_its_order(bedrock: BedrockServer) -> None:
    """Each prompt has its own answer, with its own limits."""
    prompts = [f"Tell of word{n}" for n in range(5)]
    answers = made(BedrockLLM, bedrock).batch(prompts, {"max_concurrency": 3})
    assert [f"word{n}" in answer for n, answer in enumerate(answers)] == [True] * 5
