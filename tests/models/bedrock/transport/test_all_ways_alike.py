"""One script of the server, travelled in all three ways: the same events, heads, answers and errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from spanloom.runtime.models.bedrock import errors
from spanloom.runtime.models.bedrock.calls import Call
from spanloom.runtime.models.bedrock.transport import Transport
from spanloom.testing.bedrock_server import BedrockServer

from .travelling import (
    ARN,
    CONVERSE,
    CONVERSE_STREAM,
    EVENTS,
    INVOKE,
    INVOKE_STREAM,
    MESSAGES,
    WAYS,
    Brought,
    Traveller,
    Way,
    connection,
    delta,
    is_token,
)

Travel = Callable[..., Traveller]


def alike(travel: Travel, call: Call = CONVERSE_STREAM, **changes: Any) -> Brought:
    """What the stream brings, having seen that it is the same in all ways."""
    brought = [travel(way, **changes).stream(call) for way in WAYS]
    for other in brought[1:]:
        assert other.told() == brought[0].told()
    return brought[0]


REASONING: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"redactedContent": b"\x00\xff"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm", "signature": None}}}),
    ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "weather"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"city": "Ulm"}'}}}),
    ("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": {"a": [None, {"b": None}]}}),
    ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 5}}),
]


@pytest.mark.parametrize("events", [EVENTS, REASONING], ids=["text", "reasoning and tools"])
@pytest.mark.parametrize("options", [{}, {"split": 1}, {"split": 7, "together": 3}, {"together": 9}], ids=str)
def test_a_stream_brings_the_events_that_boto3_brings(
    server: BedrockServer, travel: Travel, events: list[tuple[str, Any]], options: dict[str, Any]
) -> None:
    """Blobs are bytes, members without a value are left out, documents are as they came; however it was cut."""
    server.stream("converse_stream", events, times=None, **options)
    client = boto3.client(
        "bedrock-runtime", endpoint_url=server.url, config=Config(parameter_validation=False), **server.credentials
    )
    answer = client.converse_stream(**CONVERSE_STREAM.arguments)
    wanted = [next(iter(event.items())) for event in answer["stream"]]
    brought = alike(travel)
    assert brought.error is None
    assert brought.events == wanted
    assert len(wanted) == len(events)
    assert brought.head["ResponseMetadata"]["RequestId"]
    assert brought.head["ResponseMetadata"]["RetryAttempts"] == 0
    answer["ResponseMetadata"]["RetryAttempts"] = 0
    assert set(brought.head) == set(answer) - {"stream"}


def test_a_stream_of_chunks_brings_bytes_and_its_own_head(server: BedrockServer, travel: Travel) -> None:
    """The head has the content type that the header tells."""
    server.stream("invoke_model_with_response_stream", [("chunk", {"completion": "é"})], times=None)
    brought = alike(travel, INVOKE_STREAM)
    assert brought.events == [("chunk", {"bytes": '{"completion": "é"}'.encode()})]
    assert brought.head["contentType"] == "application/json"


@pytest.mark.row("X.07")
def test_events_and_members_that_nobody_knows_yet_are_kept(server: BedrockServer, travel: Travel) -> None:
    """A newer service never breaks an older client."""
    new: list[tuple[str, Any]] = [("weather", {"sun": True}), ("contentBlockDelta", {"delta": {"smell": {"a": 1}}})]
    server.stream("converse_stream", [EVENTS[0], *new, *EVENTS[1:]], times=None)
    assert alike(travel).events == [EVENTS[0], *new, *EVENTS[1:]]


@pytest.mark.parametrize("call", [CONVERSE, INVOKE], ids=lambda call: call.operation)
def test_an_answer_in_one_piece_is_boto3s_in_all_ways(server: BedrockServer, travel: Travel, call: Call) -> None:
    """The body of InvokeModel is bytes, read already."""
    client = boto3.client("bedrock-runtime", endpoint_url=server.url, **server.credentials)
    wanted = getattr(client, call.operation)(**call.arguments)
    if "body" in wanted:
        wanted["body"] = wanted["body"].read()
    answers = [travel(way).call(call) for way in WAYS]
    for answer in [wanted, *answers]:
        metadata = answer["ResponseMetadata"]
        assert metadata.pop("RequestId") == metadata["HTTPHeaders"].pop("x-amzn-requestid")
    assert answers == [wanted] * 3


@pytest.mark.parametrize("arguments", [{"modelId": ARN}, {"modelId": "a.b-v1:0"}], ids=["arn", "colon"])
def test_the_bytes_on_the_wire_are_the_same_in_all_ways(
    server: BedrockServer, travel: Travel, arguments: dict[str, Any]
) -> None:
    """Path, body and all headers but the times and counts of one request; each signature is right."""
    call = Call("converse_stream", {**arguments, "messages": [{"role": "user", "content": [{"text": "ü"}]}]})
    for way in WAYS:
        travel(way, headers=(("X-Team", "blue"),)).stream(call)
    seen = server.requests()
    assert [request.signature for request in seen] == ["valid"] * 3
    assert len({(request.method, request.path, request.body) for request in seen}) == 1
    ours = [dict(request.headers) for request in seen]
    for headers in ours:
        assert headers["x-team"] == "blue"
        assert "x-team" in headers["authorization"]
        assert headers["accept-encoding"] == "identity"
        for name in ("authorization", "amz-sdk-invocation-id", "x-amz-date", "user-agent", "connection", "accept"):
            headers.pop(name, None)
    assert ours[0] == ours[1] == ours[2]


STREAM_ERRORS = [
    ("throttlingException", errors.ThrottlingError),
    ("validationException", errors.RequestInvalidError),
    ("internalServerException", errors.ServiceUnavailableError),
    ("serviceUnavailableException", errors.ServiceUnavailableError),
    ("modelStreamErrorException", errors.ModelStreamError),
]


@pytest.mark.row("X.05")
@pytest.mark.parametrize(("name", "kind"), STREAM_ERRORS)
def test_an_error_in_a_stream_is_of_its_kind_and_keeps_the_request_id(
    server: BedrockServer, travel: Travel, name: str, kind: type[errors.BedrockError]
) -> None:
    """What came before it is given first."""
    about = {"message": "sorry", "originalStatusCode": 503, "originalMessage": "no memory"}
    server.stream("converse_stream", [*EVENTS[:3], (name, about)], times=None)
    brought = alike(travel)
    assert brought.events == EVENTS[:3]
    error = brought.error
    assert type(error) is kind
    assert "sorry" in str(error)
    assert error.code == name
    assert error.request_id == brought.head["ResponseMetadata"]["RequestId"]
    if isinstance(error, errors.ModelStreamError):
        assert (error.original_status, error.original_message) == (503, "no memory")


@pytest.mark.row("X.05")
def test_a_timeout_of_the_model_in_a_stream_of_chunks_is_of_its_kind(server: BedrockServer, travel: Travel) -> None:
    """InvokeModel alone knows it."""
    chunk = ("chunk", {"completion": "a"})
    server.stream("invoke_model_with_response_stream", [chunk, ("modelTimeoutException", {"message": "x"})], times=None)
    assert type(alike(travel, INVOKE_STREAM).error) is errors.ModelTimeoutError


def test_an_error_frame_that_no_model_knows_keeps_its_code(server: BedrockServer, travel: Travel) -> None:
    """Unmodelled errors carry code and message in headers."""
    told = ("!error", {"code": "WeatherError", "message": "rain"})
    server.stream("converse_stream", [*EVENTS[:2], told], times=None)
    error = alike(travel).error
    assert type(error) is errors.BedrockError
    assert (error.code, "rain" in str(error)) == ("WeatherError", True)


BREAKS = [
    ("close", errors.ConnectionFailedError),
    ("reset", errors.ConnectionFailedError),
    ("truncate", errors.TruncatedStreamError),
    ("crc", errors.ConnectionFailedError),
]


@pytest.mark.row("X.06")
@pytest.mark.parametrize(("fault", "kind"), BREAKS)
def test_a_connection_that_breaks_in_mid_stream_is_a_typed_error(
    server: BedrockServer, travel: Travel, fault: str, kind: type[errors.BedrockError]
) -> None:
    """Never a raw error of urllib3 or httpx; what came is given; it is a ConnectionError where one broke."""
    server.stream("converse_stream", [*EVENTS[:3], (f"!{fault}", None), *EVENTS[3:]], times=None)
    for way in WAYS:
        brought = travel(way).stream(CONVERSE_STREAM)
        assert brought.events == EVENTS[:3]
        assert type(brought.error) is kind
        assert brought.error.request_id == brought.head["ResponseMetadata"]["RequestId"]
        assert isinstance(brought.error, ConnectionError) == (kind is errors.ConnectionFailedError)


@pytest.mark.row("X.06")
def test_silence_longer_than_the_read_timeout_is_a_typed_timeout(server: BedrockServer, travel: Travel) -> None:
    """In mid-stream, so it is not tried again; it is a TimeoutError too."""
    server.stream("converse_stream", [*EVENTS[:3], ("!idle", None)], times=None)
    for way in WAYS:
        brought = travel(way, read_timeout_s=0.2).stream(CONVERSE_STREAM)
        assert brought.events == EVENTS[:3]
        assert type(brought.error) is errors.ReadTimeoutError
        assert isinstance(brought.error, TimeoutError)
    assert len(server.requests()) == 3


@pytest.mark.row("X.06")
async def test_a_connection_that_is_used_again_keeps_no_time_limit_of_its_last_user(server: BedrockServer) -> None:
    """A patient model and one that is not share connections; each is as patient as it was told."""
    patient, hasty = (Transport(connection(server, read_timeout_s=s, max_retries=0)) for s in (60, 0.2))
    await patient.acall(CONVERSE)
    server.stream("converse_stream", [("!idle", None)])
    async with asyncio.timeout(20):  # not reached: the error below comes first
        with pytest.raises(errors.ReadTimeoutError):
            await hasty.aopen(CONVERSE_STREAM, is_token)
    assert len({request.connection for request in server.requests()}) == 1


@pytest.mark.parametrize("answer", [{"output": 5}, {"output": {"message": [1]}}, [1], {"usage": "many"}])
def test_an_answer_of_a_wrong_shape_is_a_typed_error(server: BedrockServer, travel: Travel, answer: object) -> None:
    """Never a raw error of the code that stumbles over it."""
    server.answer("converse", answer, times=None)
    for way in WAYS:
        with pytest.raises(errors.ConnectionFailedError):
            travel(way, max_retries=0).call(CONVERSE)


def test_a_stream_that_ends_early_but_whole_is_left_to_its_reader(server: BedrockServer, travel: Travel) -> None:
    """Only a decoder knows which event is the last."""
    server.stream("converse_stream", [*EVENTS[:3], ("!end", None)], times=None)
    brought = alike(travel)
    assert (brought.events, brought.error) == (EVENTS[:3], None)


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_boto3_refuses_is_told_as_an_invalid_request(travel: Travel, way: Way) -> None:
    """Nothing was sent."""
    traveller = travel(way)
    with pytest.raises(errors.RequestInvalidError, match="modelId") as caught:
        traveller.call(Call("converse", {"messages": MESSAGES}))
    assert isinstance(caught.value, ValueError)
    assert traveller.server.requests() == []


@pytest.mark.parametrize("way", WAYS)
def test_large_requests_travel_whole(travel: Travel, way: Way) -> None:
    """A picture of a megabyte, in a worker thread where a loop would stand still."""
    picture = {"image": {"format": "png", "source": {"bytes": bytes(1_000_000)}}}
    traveller = travel(way)
    traveller.call(Call("converse", {"modelId": ARN, "messages": [{"role": "user", "content": [picture]}]}))
    (seen,) = traveller.server.requests()
    assert seen.signature == "valid"
    assert len(seen.json["messages"][0]["content"][0]["image"]["source"]["bytes"]) == 1_333_336


def test_a_stream_read_to_its_end_leaves_its_connection_to_the_next(server: BedrockServer, travel: Travel) -> None:
    """It goes back to the pool, though the stream is closed as well."""
    server.stream("converse_stream", [delta("a")], times=None)
    traveller = travel("blocking")
    transport = traveller.transport()
    for _ in range(3):
        stream = transport.open(CONVERSE_STREAM, lambda event: True)
        assert list(stream) == [delta("a")]
        stream.close()
    assert len({request.connection for request in server.requests()}) == 1
