"""The Bedrock test server's streams: frames, faults, pace, gates, and clients that leave."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from botocore.exceptions import EventStreamError
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from spanloom.testing import _bedrock_frames as frames
from spanloom.testing.bedrock_server import BedrockServer

SKY: list[Any] = [{"role": "user", "content": [{"text": "what color is the sky?"}]}]
BODY = {"messages": SKY}


@pytest.fixture
def alone() -> Iterator[BedrockServer]:
    """A server of this test alone: AWS clients of other tests may keep connections until they are collected."""
    with BedrockServer() as running:
        yield running


def delta(text: str) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}


EVENTS: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    delta("Guten "),
    delta("Tag, \u4f60\u597d"),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 4}}),
]
AS_SEEN = [{name: payload} for name, payload in EVENTS]


def stream(runtime: Any) -> Any:
    return runtime.converse_stream(modelId="any", messages=SKY)["stream"]


def taken(events: Any) -> tuple[list[Any], Exception | None]:
    """Return what a stream gives, and the error that ended it; the AWS client leaves it open after one."""
    seen: list[Any] = []
    with contextlib.closing(events):
        try:
            seen.extend(events)
        except Exception as err:  # noqa: BLE001 - which one is the test's question
            return seen, err
    return seen, None


def keys(bedrock: BedrockServer) -> dict[str, str]:
    bedrock.accept(bearer="key")
    return {"Authorization": "Bearer key"}


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_the_aws_decoder_parses_every_kind_of_frame(step: int) -> None:
    """Fed in pieces of any size."""
    sent = frames.event_frame("contentBlockDelta", {"text": "\u4f60", "blob": 1})
    sent += frames.event_frame("chunk", {"completion": "x"}) + frames.event_frame("chunk", {"bytes": "YQ=="})
    sent += frames.exception_frame("throttlingException", {"message": "slow"}) + frames.error_frame("Code", "why")
    buffer, read = EventStreamBuffer(), []
    for at in range(0, len(sent), step):
        buffer.add_data(sent[at : at + step])
        read += [(message.headers, message.payload) for message in buffer]
    assert [headers[":message-type"] for headers, _ in read] == ["event", "event", "event", "exception", "error"]
    assert json.loads(read[0][1]) == {"text": "\u4f60", "blob": 1}
    assert base64.b64decode(json.loads(read[1][1])["bytes"]) == b'{"completion": "x"}'
    assert json.loads(read[2][1]) == {"bytes": "YQ=="}
    assert read[3][0][":exception-type"] == "throttlingException"
    assert (read[4][0][":error-code"], read[4][0][":error-message"]) == ("Code", "why")


def test_the_aws_decoder_refuses_a_spoilt_frame() -> None:
    """So that the fault is one."""
    buffer = EventStreamBuffer()
    buffer.add_data(frames.with_wrong_checksum(frames.event_frame("a", {})))
    with pytest.raises(ChecksumMismatch):
        list(buffer)


@pytest.mark.parametrize(
    "shape",
    [{}, {"split": 1}, {"split": [3, 12, -1]}, {"together": 4}, {"together": 100}, {"together": 3, "split": 11}],
)
def test_however_frames_are_cut_or_joined_the_events_are_the_same(
    bedrock: BedrockServer, runtime: Any, shape: dict[str, Any]
) -> None:
    """One byte at a time, several frames at once, or both."""
    bedrock.stream("converse_stream", EVENTS, **shape)
    assert list(stream(runtime)) == AS_SEEN
    seen = bedrock.requests()[0]
    assert (seen.outcome, seen.sent_events, seen.client_left_after) == ("answered", 6, None)


def chunk_sizes(bedrock: BedrockServer) -> list[int]:
    """Return the bytes of every chunk of HTTP in the next stream, read below any client."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in keys(bedrock).items())
    body = json.dumps(BODY)
    with socket.create_connection(("127.0.0.1", int(bedrock.url.rpartition(":")[2]))) as connection:
        connection.sendall(
            f"POST /model/any/converse-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Type: application/vnd.amazon.eventstream" in head
    sizes: list[int] = []
    while not sizes or sizes[-1]:
        size, _, rest = rest.partition(b"\r\n")
        sizes.append(int(size, 16))
        rest = rest[sizes[-1] + 2 :]
    return sizes[:-1]


def test_chunks_of_http_are_as_ordered(bedrock: BedrockServer) -> None:
    """A chunk per frame, all in one, or as many bytes as told."""
    bedrock.stream("converse_stream", EVENTS)
    bedrock.stream("converse_stream", EVENTS, together=100)
    bedrock.stream("converse_stream", EVENTS, together=100, split=50)
    bedrock.stream("converse_stream", EVENTS, together=100, split=[10, -10])
    each, joined, cut, ends = (chunk_sizes(bedrock) for _ in range(4))
    whole = sum(each)
    assert len(each) == 6
    assert joined == [whole]
    assert cut == [50] * (whole // 50) + [whole % 50] * bool(whole % 50)
    assert ends == [10, whole - 20, 10]


@pytest.mark.parametrize(
    ("fault", "error", "count"),
    [
        ("truncate", None, 3),
        ("end", None, 3),
        ("close", ProtocolError, 3),
        ("reset", ProtocolError, 3),
        ("crc", ChecksumMismatch, 3),
        (("error", {"code": "InternalFailure", "message": "oops"}), EventStreamError, 3),
        ("internalServerException", EventStreamError, 3),
        ("modelStreamErrorException", EventStreamError, 3),
        ("validationException", EventStreamError, 3),
        ("throttlingException", EventStreamError, 3),
        ("serviceUnavailableException", EventStreamError, 3),
    ],
)
def test_a_fault_surfaces_in_the_aws_client_as_documented(
    bedrock: BedrockServer, runtime: Any, fault: Any, error: type[Exception] | None, count: int
) -> None:
    """After the events before it; two of them go unnoticed there."""
    bedrock.stream("converse_stream", EVENTS, fault=fault, at=3)
    seen, raised = taken(stream(runtime))
    assert seen == AS_SEEN[:count]
    assert type(raised) is (error or type(None))
    if isinstance(raised, EventStreamError):
        name = "InternalFailure" if isinstance(fault, tuple) else fault
        assert raised.response["Error"]["Code"] == name
    assert bedrock.requests()[0].outcome == "faulted"


def test_a_model_timeout_is_modelled_for_invoke_streams_alone(bedrock: BedrockServer, runtime: Any) -> None:
    """In a Converse stream the AWS client knows no such name and tells none."""
    bedrock.stream(
        "invoke_model_with_response_stream", [("chunk", {"a": 1}), ("modelTimeoutException", {"message": "m"})]
    )
    seen, raised = taken(runtime.invoke_model_with_response_stream(modelId="any", body="{}")["body"])
    assert len(seen) == 1
    assert isinstance(raised, EventStreamError)
    assert raised.response["Error"] == {"Code": "modelTimeoutException", "Message": "m"}
    bedrock.stream("converse_stream", EVENTS, fault="modelTimeoutException", at=1)
    unnamed = taken(stream(runtime))[1]
    assert isinstance(unnamed, EventStreamError)
    assert unnamed.response["Error"]["Code"] == ""


def test_a_silent_server_runs_into_the_clients_timeout(bedrock: BedrockServer, client_of: Any) -> None:
    """The connection stays open and nothing comes."""
    bedrock.stream("converse_stream", EVENTS, fault="idle", at=2)
    seen, raised = taken(stream(client_of(config=Config(read_timeout=0.2))))
    assert seen == AS_SEEN[:2]
    assert isinstance(raised, ReadTimeoutError)


def test_members_of_a_stream_error_are_on_the_wire(bedrock: BedrockServer) -> None:
    """The AWS client drops them, so the bytes are read here."""
    told = {"message": "m", "originalStatusCode": 424, "originalMessage": "o"}
    bedrock.stream("converse_stream", [EVENTS[0], ("modelStreamErrorException", told)])
    answer = httpx.post(f"{bedrock.url}/model/any/converse-stream", json=BODY, headers=keys(bedrock))
    buffer = EventStreamBuffer()
    buffer.add_data(answer.content)
    assert json.loads(list(buffer)[-1].payload) == told


def test_unknown_events_are_sent_and_dropped_by_the_aws_client(bedrock: BedrockServer, runtime: Any) -> None:
    """And unknown members of known events too."""
    strange = ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"hologram": {"x": 1}}})
    bedrock.stream("converse_stream", [EVENTS[0], ("neverSeen", {"a": 1}), strange, *EVENTS[1:]])
    got = list(stream(runtime))
    assert got[0] == AS_SEEN[0]
    assert got[1]["contentBlockDelta"]["delta"] == {"SDK_UNKNOWN_MEMBER": {"name": "hologram"}}
    assert got[2:] == AS_SEEN[1:]


def test_a_fault_may_hit_the_built_in_answer(bedrock: BedrockServer, runtime: Any) -> None:
    """At half of its events unless told otherwise; also of InvokeModel's stream."""
    bedrock.stream("converse_stream", fault="throttlingException")
    seen, raised = taken(stream(runtime))
    assert len(seen) == 4
    assert isinstance(raised, EventStreamError)
    bedrock.stream("invoke_model_with_response_stream", fault="crc", at=0)
    response = runtime.invoke_model_with_response_stream(modelId="amazon.titan-text", body='{"inputText": "a b c"}')
    assert taken(response["body"])[0] == []


def test_invoke_streams_take_documents_or_bytes(bedrock: BedrockServer, runtime: Any) -> None:
    """A document is wrapped as Bedrock does it."""
    bedrock.stream(
        "invoke_model_with_response_stream", [("chunk", {"a": 1}), ("chunk", {"bytes": b"[2]"}), ("chunk", "x")]
    )
    events = runtime.invoke_model_with_response_stream(modelId="any", body="{}")["body"]
    assert [json.loads(event["chunk"]["bytes"]) for event in events] == [{"a": 1}, [2], "x"]


def test_every_event_leaves_on_its_own(bedrock: BedrockServer, runtime: Any) -> None:
    """What stands before a closed gate arrives while the stream is still open; then the rest."""
    bedrock.stream("converse_stream", [*EVENTS[:2], ("!gate", "go"), *EVENTS[2:]])
    events = iter(stream(runtime))
    assert [next(events), next(events)] == AS_SEEN[:2]
    half = bedrock.requests(wait_s=0)[0]
    assert (half.outcome, half.sent_events) == ("in progress", 2)
    bedrock.open_gate("go")
    assert list(events) == AS_SEEN[2:]


def test_a_client_that_leaves_is_noticed_before_the_next_token(bedrock: BedrockServer, runtime: Any) -> None:
    """The gap stands between tokens, not before the first; leaving ends it at once."""
    bedrock.stream("converse_stream", EVENTS, gap_s=3600)
    events = stream(runtime)
    first_two = [next(iter(events)) for _ in range(2)]
    events.close()
    assert first_two == AS_SEEN[:2]
    seen = bedrock.requests()[0]
    assert (seen.outcome, seen.sent_events, seen.client_left_after) == ("client left", 2, 2)


async def test_a_cancelled_task_closes_its_connection(alone: BedrockServer) -> None:
    """With an asynchronous client; the server's connection is gone."""
    alone.stream("converse_stream", EVENTS, gap_s=3600)
    headers = keys(alone)
    begun = asyncio.Event()

    async def consume() -> None:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", f"{alone.url}/model/any/converse-stream", json=BODY, headers=headers) as answer,
        ):
            async for _ in answer.aiter_raw():
                begun.set()

    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert alone.requests()[0].outcome == "client left"


def test_reset_breaks_off_streams_that_still_wait(bedrock: BedrockServer, runtime: Any) -> None:
    """So that no test's stream outlives it."""
    bedrock.stream("converse_stream", [EVENTS[0], ("!pause", 3600), *EVENTS[1:]])
    events = stream(runtime)
    assert next(iter(events)) == AS_SEEN[0]
    bedrock.reset()
    assert taken(events)[0] == []
    assert bedrock.requests() == []


async def test_many_streams_are_held_at_once(alone: BedrockServer) -> None:
    """250 of them, all open while a gate is closed, all answered when it opens."""
    count = 250
    headers = "".join(f"{name}: {value}\r\n" for name, value in keys(alone).items())
    body = json.dumps(BODY)
    request = (
        f"POST /model/any/converse-stream HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}"
    )
    alone.stream("converse_stream", [EVENTS[0], ("!gate", "all"), *EVENTS[1:]], gap_s=0.01, times=count)

    async def consume() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(alone.url.rpartition(":")[2]))
        writer.write(request.encode())
        answer = await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return answer

    tasks = [asyncio.create_task(consume()) for _ in range(count)]
    held = await asyncio.to_thread(alone.connections, count, wait_s=30)
    await asyncio.to_thread(alone.open_gate, "all")
    answers = await asyncio.gather(*tasks)
    assert held == count
    assert all(answer.count(b"contentBlockDelta") == 2 for answer in answers)
    assert {seen.sent_events for seen in alone.requests()} == {6}
