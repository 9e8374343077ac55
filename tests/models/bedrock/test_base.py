"""What both models by InvokeModel share: their arguments, and what goes out with every call."""

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from spanloom.runtime.models.bedrock.base import STOP_REASON_KEYS, STOP_SEQUENCE_KEYS, BedrockBase
from spanloom.runtime.models.bedrock.chat import ChatBedrock
from spanloom.runtime.models.bedrock.errors import ModelStreamError
from spanloom.runtime.models.bedrock.llm import BedrockLLM
from spanloom.testing.bedrock_server import BedrockServer

from .driving import CLAUDE, LLAMA, Mode, asked, both, chunk_events, made, streamed

ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc"
GUARDRAIL = {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": True}
KINDS: list[type[Any]] = [BedrockLLM, ChatBedrock]
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.row("B3.01")
def test_the_base_leaves_invoking_to_its_subclasses() -> None:
    """It cannot be made itself."""
    assert BedrockBase.__abstractmethods__ >= {"invoke"}
    with pytest.raises(TypeError, match="abstract"):
        BedrockBase(model_id=LLAMA)  # type: ignore[abstract]  # pyright: ignore


@each_kind
@pytest.mark.row("B1.04")
@pytest.mark.row("B1.14")
@pytest.mark.row("B1.19")
def test_arguments_have_their_short_names_too(kind: type[Any]) -> None:
    """`model`, `base_model` and `region` mean the long ones."""
    model = kind(model=ARN, base_model="meta.llama3-8b-instruct-v1:0", region="eu-west-1")
    assert (model.model_id, model.base_model_id) == (ARN, "meta.llama3-8b-instruct-v1:0")
    assert model.region_name == "eu-west-1"


@pytest.mark.row("B1.16")
@each_kind
def test_an_arn_needs_a_provider_or_a_base_model(kind: type[Any]) -> None:
    """Nothing else tells the form of the body."""
    with pytest.raises(ValueError, match="give the provider too"):
        kind(model_id=ARN)
    assert kind(model_id=ARN, provider="meta")._family().name == "meta llama"
    assert kind(model_id=ARN, base_model_id="amazon.nova-lite-v1:0")._family().name == "amazon nova"


@pytest.mark.row("B1.17")
@pytest.mark.row("B1.18")
@each_kind
def test_the_maps_of_keys_have_the_documented_defaults(kind: type[Any]) -> None:
    """They can be read and replaced."""
    model = kind(model_id=LLAMA)
    assert model.provider_stop_sequence_key_name_map == STOP_SEQUENCE_KEYS
    assert model.provider_stop_reason_key_map == STOP_REASON_KEYS
    assert kind(model_id=LLAMA, provider_stop_reason_key_map={"meta": "why"}).provider_stop_reason_key_map == {
        "meta": "why"
    }


@pytest.mark.row("B1.15")
@each_kind
def test_limits_in_model_kwargs_become_the_fields_and_the_callers_mapping_stays(kind: type[Any]) -> None:
    """A field that is given wins."""
    given = {"temperature": 0, "max_tokens": 7, "top_p": 0.5}
    model = kind(model_id=LLAMA, model_kwargs=given)
    assert (model.temperature, model.max_tokens, model.model_kwargs) == (0, 7, {"top_p": 0.5})
    assert given == {"temperature": 0, "max_tokens": 7, "top_p": 0.5}
    assert kind(model_id=LLAMA, max_tokens=3, model_kwargs=given).max_tokens == 3


@pytest.mark.row("B1.11")
@pytest.mark.parametrize(
    ("guardrails", "message"),
    [
        ({"guardrailIdentifier": "gr1"}, "guardrailVersion is missing"),
        ({"trace": True}, "name no guardrail"),
        ({"guardrail": "gr1"}, "they take guardrailIdentifier"),
    ],
)
def test_half_a_guardrail_is_refused_when_the_model_is_made(guardrails: dict[str, Any], message: str) -> None:
    """The message says what is missing."""
    arguments: dict[str, Any] = {"model_id": LLAMA, "guardrails": guardrails}
    with pytest.raises(ValueError, match=message):
        BedrockLLM(**arguments)


def test_a_text_model_refuses_arguments_that_it_does_not_know_and_a_chat_model_sends_them() -> None:
    """The chat model puts them into a copy of `model_kwargs`."""
    with pytest.raises(ValidationError, match="top_q"):
        made_up: dict[str, Any] = {"model_id": LLAMA, "top_q": 1}
        BedrockLLM(**made_up)
    own = {"top_p": 0.5}
    arguments: Any = {"model_id": LLAMA, "top_k": 3, "model_kwargs": own}
    assert ChatBedrock(**arguments).model_kwargs == {"top_k": 3, "top_p": 0.5}
    assert own == {"top_p": 0.5}


PATHS = ["invoke", "stream", "batch", "ainvoke", "astream", "abatch"]


def driven(path: str, model: Any) -> None:
    async def on_loop() -> None:
        if path == "astream":
            _ = [chunk async for chunk in model.astream("Hi")]
        elif path == "ainvoke":
            await model.ainvoke("Hi")
        else:
            await model.abatch(["Hi"])

    if path.startswith("a"):
        asyncio.run(on_loop())
    elif path == "stream":
        list(model.stream("Hi"))
    elif path == "invoke":
        model.invoke("Hi")
    else:
        model.batch(["Hi"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("streaming", [False, True])
@each_kind
@pytest.mark.row("B2.01")
@pytest.mark.row("X.03")
def test_guardrail_tier_and_performance_go_with_every_call(
    bedrock: BedrockServer, kind: type[Any], streaming: bool, path: str
) -> None:
    """Whichever way the model is called, as headers of the request."""
    bedrock.guardrail("gr1", "2")
    model = made(
        kind,
        bedrock,
        CLAUDE,
        guardrails=GUARDRAIL,
        streaming=streaming,
        service_tier="flex",
        performance_config={"latency": "optimized"},
    )
    driven(path, model)
    (request,) = bedrock.requests()
    told = {name: value for name, value in request.headers.items() if name.startswith("x-amzn-bedrock-")}
    assert {name: told[f"x-amzn-bedrock-{name}"] for name in ("guardrailidentifier", "guardrailversion", "trace")} == {
        "guardrailidentifier": "gr1",
        "guardrailversion": "2",
        "trace": "ENABLED",
    }
    assert told["x-amzn-bedrock-service-tier"] == "flex"
    assert told["x-amzn-bedrock-performanceconfig-latency"] == "optimized"
    is_streamed = streaming or path in ("stream", "astream")
    assert request.operation == ("invoke_model_with_response_stream" if is_streamed else "invoke_model")


@each_kind
@both
@pytest.mark.row("B1.15")
def test_what_the_model_is_told_in_its_body_is_not_taken_for_bedrocks(
    bedrock: BedrockServer, kind: type[Any], mode: Mode
) -> None:
    """A model's own parameter may have the name of one of Bedrock's; that of a call is Bedrock's."""
    model = made(kind, bedrock, "openai.gpt-oss-20b-1:0", model_kwargs={"service_tier": "auto"})
    asked(mode, model, "Hi", service_tier="flex")
    (request,) = bedrock.requests()
    assert request.json["service_tier"] == "auto"
    assert request.headers["x-amzn-bedrock-service-tier"] == "flex"


@each_kind
@both
@pytest.mark.row("X.05")
@pytest.mark.row("X.08")
def test_a_model_that_fails_before_its_first_token_is_asked_again(
    bedrock: BedrockServer, kind: type[Any], mode: Mode
) -> None:
    """Also where it says so in its own words, within the stream."""
    start = {"type": "message_start", "message": {"id": "m1", "usage": {"input_tokens": 3}}}
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    bedrock.stream("invoke_model_with_response_stream", chunk_events([start, error]))
    assert streamed(mode, made(kind, bedrock, CLAUDE), "Hi")
    assert len(bedrock.requests()) == 2
    bedrock.stream("invoke_model_with_response_stream", chunk_events([start, error]))
    with pytest.raises(ModelStreamError, match="Overloaded") as caught:
        streamed(mode, made(kind, bedrock, CLAUDE, max_retries=0), "Hi")
    assert caught.value.request_id


@each_kind
@both
@pytest.mark.row("B1.14")
def test_an_arn_reaches_the_service_whole(bedrock: BedrockServer, kind: type[Any], mode: Mode) -> None:
    """Colons and slashes are encoded in the path, and the body is the base model's."""
    model = made(kind, bedrock, ARN, base_model_id="us.meta.llama3-1-8b-instruct-v1:0", max_tokens=9)
    asked(mode, model, "Hi")
    (request,) = bedrock.requests()
    assert request.ids == [ARN]
    assert (request.signature, request.json["max_gen_len"]) == ("valid", 9)


@each_kind
@both
@pytest.mark.row("B1.15")
@pytest.mark.row("X.11")
def test_a_calls_arguments_win_and_leave_no_trace(bedrock: BedrockServer, kind: type[Any], mode: Mode) -> None:
    """Neither `stop` nor any other argument of a call is there in the next one."""
    own = {"top_p": 0.5, "nested": {"a": 1}}
    model = made(kind, bedrock, "qwen.qwen3-32b-v1:0", model_kwargs=own, max_tokens=9)
    call: dict[str, Any] = {"stop": ["."], "top_p": 0.1, "nested": {"b": 2}, "max_tokens": 3, "temperature": 0}
    streamed(mode, model, "Hi", **call)
    asked(mode, model, "Hi")
    first, second = (request.json for request in bedrock.requests())
    assert {key: first[key] for key in call} == call
    assert {key: second.get(key) for key in call} == {
        "stop": None,
        "top_p": 0.5,
        "nested": {"a": 1},
        "max_tokens": 9,
        "temperature": None,
    }
    assert own == model.model_kwargs == {"top_p": 0.5, "nested": {"a": 1}}


@pytest.mark.parametrize(
    ("model_id", "key"),
    [
        ("mistral.mistral-7b-instruct-v0:2", "stop"),
        ("ai21.j2-mid-v1", "stopSequences"),
        ("ai21.jamba-1-5-mini-v1:0", "stop"),
        ("anthropic.claude-v2", "stop_sequences"),
        ("meta.llama3-8b-instruct-v1:0", None),
    ],
)
@pytest.mark.row("B1.18")
@pytest.mark.row("X.12")
def test_stop_strings_go_under_the_key_that_the_provider_takes(
    bedrock: BedrockServer, model_id: str, key: str | None
) -> None:
    """Unless the user says otherwise."""
    made(BedrockLLM, bedrock, model_id).invoke("Hi", stop=["zzz"])
    provider = model_id.partition(".")[0]
    own = made(BedrockLLM, bedrock, model_id, provider_stop_sequence_key_name_map={provider: "halt"})
    own.invoke("Hi", stop=["zzz"])
    first, second = (request.json for request in bedrock.requests())
    assert [name for name, value in first.items() if value == ["zzz"]] == ([key] if key else [])
    assert second["halt"] == ["zzz"]


@pytest.mark.row("B1.17")
def test_a_reason_is_read_where_the_user_says(bedrock: BedrockServer) -> None:
    """For whole answers and for streams."""
    hooks: list[Any] = []
    model = made(BedrockLLM, bedrock, LLAMA, provider_stop_reason_key_map={"meta": "why"})
    bedrock.answer("invoke_model", {"generation": "a", "stop_reason": "stop", "why": "tired"})
    hooks.append(model.generate(["Hi"]).generations[0][0].generation_info)
    bedrock.stream(
        "invoke_model_with_response_stream", [("chunk", {"generation": "a", "stop_reason": "stop", "why": "bored"})]
    )
    hooks.append(list(model._stream("Hi"))[-1].generation_info)
    assert [info["stop_reason"] for info in hooks] == ["tired", "bored"]


@each_kind
@pytest.mark.row("B1.01")
@pytest.mark.row("X.18")
def test_secrets_are_shown_nowhere(bedrock: BedrockServer, kind: type[Any]) -> None:
    """Neither in what handlers are told nor in what tells one model from another."""
    model = made(kind, bedrock)
    secret = bedrock.credentials["aws_secret_access_key"]
    shown = [
        repr(model),
        str(model),
        str(model.serialized()),
        str(model._identifying_params),
        str(model.cache_fields()),
    ]
    assert not any(secret in text or bedrock.credentials["aws_access_key_id"] in text for text in shown)
