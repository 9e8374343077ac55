"""Streams that are left early, and loops that run on meanwhile: what the server saw, and what is left here."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from spanloom.runtime.models.bedrock.connections import LoopConnections
from spanloom.runtime.models.bedrock.transport import Transport
from spanloom.testing.bedrock_server import BedrockServer, SeenRequest, bedrock_server

from .travelling import CONVERSE, CONVERSE_STREAM, EVENTS, Traveller, Way, connection, is_token

Travel = Callable[..., Traveller]
on_loops = pytest.mark.parametrize("way", ["loop", "threads"])
GATED = [*EVENTS[:2], ("!gate", "never"), *EVENTS[2:]]


@pytest.fixture
def lone_server() -> Iterator[BedrockServer]:
    """A server that no other test's connections reach."""
    with bedrock_server() as server:
        yield server


def the_request(server: BedrockServer) -> SeenRequest:
    """The only request, when the server has seen its client leave."""
    (seen,) = server.requests()
    return seen


def busy_threads() -> int:
    """How many of our worker threads are not idle."""
    from spanloom.runtime.runnables import threads

    return sum(thread.name == "spanloom-worker" for thread in threading.enumerate()) - len(threads._idle)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """No worker thread is busy after a test that was not before it."""
    before = busy_threads()
    yield
    for _ in range(500):
        if busy_threads() <= before:
            return
        threading.Event().wait(0.01)  # one that was told to stop is on its way out
    raise AssertionError(f"{busy_threads()} worker threads are busy, {before} were before")


def assert_left_at_once(server: BedrockServer) -> None:
    """The server saw the close where it waited."""
    seen = the_request(server)
    assert (seen.outcome, seen.client_left_after) == ("client left", 2)


@pytest.mark.row("X.02")
@on_loops
async def test_cancelling_the_reader_closes_the_connection(server: BedrockServer, travel: Travel, way: Way) -> None:
    """The task waits for an event that never comes."""
    server.stream("converse_stream", GATED)
    stream = await travel(way).transport().aopen(CONVERSE_STREAM, is_token)
    events = aiter(stream)
    assert [await anext(events) for _ in range(2)] == EVENTS[:2]
    task = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert_left_at_once(server)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.row("X.02")
@on_loops
@pytest.mark.parametrize("taken", [0, 1, 2])
async def test_closing_a_stream_closes_the_connection(
    server: BedrockServer, travel: Travel, way: Way, taken: int
) -> None:
    """Whether all, some or none of what was held back had been taken; closing twice does nothing."""
    server.stream("converse_stream", GATED)
    stream = await travel(way).transport().aopen(CONVERSE_STREAM, is_token)
    events = aiter(stream)
    for _ in range(taken):
        await anext(events)
    await stream.aclose()
    await stream.aclose()
    assert_left_at_once(server)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    gc.collect()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.row("X.02")
@on_loops
async def test_leaving_a_generator_that_reads_closes_the_connection(
    server: BedrockServer, travel: Travel, way: Way
) -> None:
    """As models do it: close in `finally`, also when the generator is closed from outside."""
    server.stream("converse_stream", GATED)
    transport = travel(way).transport()

    async def chunks() -> Any:
        stream = await transport.aopen(CONVERSE_STREAM, is_token)
        try:
            async for event in stream:
                yield event
        finally:
            await stream.aclose()

    made = chunks()
    async for _ in made:
        break
    await made.aclose()
    assert_left_at_once(server)


@pytest.mark.row("X.02")
@pytest.mark.parametrize("events", [GATED, [EVENTS[0], ("!gate", "never")]], ids=["before the head", "before a token"])
async def test_cancelling_an_opening_closes_the_connection(server: BedrockServer, events: list[Any]) -> None:
    """Before the head of the answer, and between it and the first token."""
    server.stream("converse_stream", events, head_s=30 if events is GATED else 0)
    transport = Transport(connection(server))
    await asyncio.to_thread(transport.client)
    task = asyncio.ensure_future(transport.aopen(CONVERSE_STREAM, is_token))
    while not server.requests(wait_s=0):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert the_request(server).outcome == "client left"


async def test_an_opening_given_up_in_a_thread_is_closed_when_its_head_comes(
    server: BedrockServer, travel: Travel
) -> None:
    """boto3 cannot be stopped before; nobody waits for it, and nothing is left in the end."""
    server.stream("converse_stream", GATED, head_s=0.3)
    task = asyncio.ensure_future(travel("threads").transport().aopen(CONVERSE_STREAM, is_token))
    while not server.requests(wait_s=0):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (seen,) = await asyncio.to_thread(server.requests, 10.0)
    assert seen.outcome == "client left"


@pytest.mark.row("X.02")
def test_closing_a_blocking_stream_closes_the_connection(server: BedrockServer) -> None:
    """In the thread that reads."""
    server.stream("converse_stream", GATED)
    stream = Transport(connection(server)).open(CONVERSE_STREAM, is_token)
    events = iter(stream)
    assert [next(events) for _ in range(2)] == EVENTS[:2]
    stream.close()
    stream.close()
    assert list(events) == []
    assert the_request(server).outcome == "client left"


@pytest.mark.row("X.02")
def test_a_blocking_stream_can_be_closed_by_another_thread(server: BedrockServer) -> None:
    """The reader wakes up at once, though no bytes come."""
    server.stream("converse_stream", GATED)
    stream = Transport(connection(server)).open(CONVERSE_STREAM, is_token)
    events = iter(stream)
    assert [next(events) for _ in range(2)] == EVENTS[:2]
    woken = threading.Event()

    def read() -> None:
        try:
            next(events, None)
        except ConnectionError:
            pass
        finally:
            woken.set()

    reader = threading.Thread(target=read)
    reader.start()
    stream.close()
    assert woken.wait(10)
    reader.join()
    assert the_request(server).outcome == "client left"


@pytest.mark.row("X.01")
@on_loops
async def test_the_loop_turns_while_tokens_are_awaited(server: BedrockServer, travel: Travel, way: Way) -> None:
    """Between any two tokens of a slow server other tasks have their turns."""
    server.stream("converse_stream", EVENTS, gap_s=0.1, head_s=0.1)
    transport = travel(way).transport()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    heart = asyncio.ensure_future(turn())
    seen = [turns]
    stream = await transport.aopen(CONVERSE_STREAM, is_token)
    seen.append(turns)
    async for event in stream:
        if is_token(event):
            seen.append(turns)
    await stream.aclose()
    heart.cancel()
    assert len(seen) == 4
    opening, at_once, between = (later - earlier for earlier, later in zip(seen, seen[1:], strict=False))
    assert opening > 50
    assert at_once >= 0
    assert between > 50


@pytest.mark.row("X.01")
async def test_the_loop_turns_while_the_first_client_is_made(server: BedrockServer) -> None:
    """Loading a service's model takes long, in a worker thread; here it takes until the loop has turned."""
    from spanloom.runtime.models.bedrock import clients

    transport = Transport(connection(server, connect_timeout_s=7.125))  # settings that no other test has
    clients._building.acquire()
    stuck = threading.Timer(20, clients._building.release)  # lets a loop go on that waits for itself
    stuck.start()
    task = asyncio.ensure_future(transport.acall(CONVERSE))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not task.done()
    assert stuck.is_alive(), "the loop stood still until it was let go"
    stuck.cancel()
    clients._building.release()
    assert (await task)["stopReason"] == "end_turn"
    stuck.join()


async def test_many_calls_that_wait_for_the_first_client_hold_one_thread(server: BedrockServer) -> None:
    """One makes it for all; those that give up take nothing with them."""
    from spanloom.runtime.models.bedrock import clients

    transport = Transport(connection(server, connect_timeout_s=7.25))  # settings that no other test has
    before = busy_threads()
    with clients._building:
        tasks = [asyncio.ensure_future(transport.acall(CONVERSE)) for _ in range(50)]
        while busy_threads() == before:
            await asyncio.sleep(0)
        assert busy_threads() == before + 1
        for task in tasks[10:]:
            task.cancel()
        await asyncio.wait(tasks[10:])
        assert not any(task.done() for task in tasks[:10])
    assert [(await task)["stopReason"] for task in tasks[:10]] == ["end_turn"] * 10


async def test_many_streams_at_once_run_side_by_side(lone_server: BedrockServer) -> None:
    """All are open before any goes on; their connections serve the next calls."""
    server = lone_server
    server.stream("converse_stream", [*EVENTS[:2], ("!gate", "all"), *EVENTS[2:]], times=None)
    transport = Transport(connection(server))
    streams = await asyncio.gather(*(transport.aopen(CONVERSE_STREAM, is_token) for _ in range(40)))
    assert server.connections() == 40
    server.open_gate("all")

    async def read(stream: Any) -> list[Any]:
        return [event async for event in stream]

    assert await asyncio.gather(*map(read, streams)) == [EVENTS] * 40
    assert server.connections() == 40
    await asyncio.gather(*(transport.acall(CONVERSE) for _ in range(40)))
    assert server.connections() == 40


def test_a_loop_that_ends_leaves_no_connection(lone_server: BedrockServer) -> None:
    """Idle ones are closed with it; the next loop has its own."""
    server = lone_server
    transport = Transport(connection(server))
    for _ in range(2):
        asyncio.run(transport.acall(CONVERSE))
        gc.collect()
        assert server.connections(expected=0) == 0
    assert len({request.connection for request in server.requests()}) == 2


@pytest.mark.row("X.11")
def test_loops_of_many_threads_find_their_connections_at_once() -> None:
    """Each thread looks for the loops that ended while others begin and end theirs."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(40):
                loop = asyncio.new_event_loop()
                loop.run_until_complete(LoopConnections.of_this_loop())
                loop.close()  # without closing its generators first, so that the next one has to
        except BaseException as exc:
            failures.append(exc)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    assert failures == []


async def test_a_stand_in_for_a_client_is_iterated_as_it_is(server: BedrockServer) -> None:
    """Programs test with objects that only look like clients."""

    class StandIn:
        def converse_stream(self, **kwargs: Any) -> dict[str, Any]:
            return {"ResponseMetadata": {}, "stream": [{"messageStart": {"role": "assistant"}}, dict([EVENTS[1]])]}

    transport = Transport(connection(server), client=StandIn())
    assert list(transport.open(CONVERSE_STREAM, is_token)) == EVENTS[:2]
    stream = await transport.aopen(CONVERSE_STREAM, is_token)
    assert [event async for event in stream] == EVENTS[:2]
    await stream.aclose()


@pytest.mark.row("X.02")
async def test_a_stream_whose_closing_is_cancelled_is_closed_by_its_thread(server: BedrockServer) -> None:
    """The thread closes what it read when it leaves, though nobody waits for it any more."""

    class Body:
        def __init__(self) -> None:
            self.goes_on, self.closed = threading.Event(), threading.Event()

        def __iter__(self) -> Iterator[Any]:
            yield from (dict([event]) for event in EVENTS[:2])
            self.goes_on.wait(60)
            yield dict([EVENTS[2]])

        def close(self) -> None:
            self.closed.set()

    class StandIn:
        body = Body()

        def converse_stream(self, **kwargs: Any) -> dict[str, Any]:
            return {"ResponseMetadata": {}, "stream": self.body}

    client = StandIn()
    stream = await Transport(connection(server), client=client).aopen(CONVERSE_STREAM, is_token)
    closing = asyncio.ensure_future(stream.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    assert closing.cancelled()
    client.body.goes_on.set()
    assert await asyncio.to_thread(client.body.closed.wait, 10)


@pytest.mark.row("B1.24")
@pytest.mark.row("C.01")
async def test_a_given_client_is_used_as_it_is(server: BedrockServer) -> None:
    """Its own hooks run, blocking and on a loop; no other client is made for its services."""
    from spanloom.runtime.models.bedrock.clients import service_clients

    client = boto3.client("bedrock-runtime", endpoint_url=server.url, **server.credentials)
    hooked: list[str] = []
    client.meta.events.register("before-call", lambda model, **_: hooked.append(model.name))
    settings = connection(server, endpoint_url="http://127.0.0.1:2")  # no other test goes there
    transport = Transport(settings, client=client)
    transport.call(CONVERSE)
    await transport.acall(CONVERSE)
    assert hooked == ["Converse", "Converse"]
    assert service_clients.find(settings.client_key("bedrock-runtime")) is None
    assert transport.client() is client
