"""The transport: calls and streams of Bedrock, blocking and on event loops, with retries and typed errors.

Blocking calls go through boto3. On an event loop requests are signed by boto3 and sent there; where that cannot be (a
client of the user's, a proxy, a client certificate) boto3 runs in a worker thread. Whichever way a call goes, it
gives the same answers, events and errors; every error that tells of a call is a `BedrockError`.

An attempt that fails in a way that may pass is followed by another, a stream's only before its first token: events are
held back until then. The span of the run that is current tells of the attempts.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from .calls import AsyncEventStream, Call, Event, EventStream, TokenTest
from .clients import ConnectionSettings, ServiceClient, service_clients
from .errors import BedrockError, TruncatedStreamError
from .failures import typed_errors
from .fallback import ThreadStream, ThreadWire
from .patience import Patience
from .retrying import DEFAULT_RETRIES, Attempts
from .transport_blocking import BlockingStream, BlockingWire
from .transport_loop import LoopStream, LoopWire

__all__ = ["Transport"]

T = TypeVar("T")
S = TypeVar("S", bound="_Stream")


class Transport:
    """Makes the calls of one model. It holds no connection itself; those are shared by equal settings.

    Args:
        settings: How to reach the services.
        client: The user's boto3 client; used as it is for every service but `bedrock`.
        bedrock_client: The user's boto3 client of the service `bedrock`.
        sleep: Waits a number of seconds, in blocking calls.
        asleep: Waits a number of seconds, on event loops.
        draw: Draws the wait before an attempt between its two arguments, in seconds.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        client: Any = None,
        bedrock_client: Any = None,
        sleep: Callable[[float], None] = time.sleep,
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.settings = settings
        self._clients = (client, bedrock_client)
        self._wire = BlockingWire(settings, client, bedrock_client)
        self._sleep, self._asleep, self._draw = sleep, asleep, draw

    def serves(self, settings: ConnectionSettings, client: Any, bedrock_client: Any) -> bool:
        """Return whether this is the transport for these arguments of the constructor.

        Args:
            settings: As there.
            client: As there.
            bedrock_client: As there.
        """
        own, own_bedrock = self._clients
        return own is client and own_bedrock is bedrock_client and self.settings == settings

    def client(self, service: str = "bedrock-runtime") -> Any:
        """Return the boto3 client that blocking calls use; the first one blocks for up to half a second.

        Args:
            service: The service's name in boto3.

        Raises:
            BedrockError: If there is no region, or the profile does not exist.
        """
        return self._wire.service(service).client

    def call(self, call: Call) -> dict[str, Any]:
        """Return the answer of a call, as boto3 shapes it; a body that boto3 would stream is bytes.

        Args:
            call: The call.

        Raises:
            BedrockError: If it fails, after as many attempts as are worth it.
        """
        return _finished(_answered(_Here(self._wire, self._sleep), call, self._attempts()))

    async def acall(self, call: Call) -> dict[str, Any]:
        """Return the answer of a call on an event loop, as boto3 shapes it; a body that boto3 would stream is bytes.

        Args:
            call: The call.

        Raises:
            BedrockError: If it fails, after as many attempts as are worth it.
        """
        attempts = self._attempts()
        return await _answered(_OnLoop(await self._loop_wire(call.service), self._asleep), call, attempts)

    def open(self, call: Call, is_token: TokenTest) -> EventStream:
        """Return the stream that answers a call, its first token arrived.

        Args:
            call: The call.
            is_token: Says whether an event brings the first output; from then on nothing is tried again.

        Raises:
            BedrockError: If it fails before its first token, after as many attempts as are worth it.
        """
        opening = _opened(_Here(self._wire, self._sleep), call, is_token, self._attempts(), self._patience_s)
        return _Opened(_finished(opening))

    async def aopen(self, call: Call, is_token: TokenTest) -> AsyncEventStream:
        """Return the stream that answers a call on an event loop, its first token arrived.

        Args:
            call: The call.
            is_token: Says whether an event brings the first output; from then on nothing is tried again.

        Raises:
            BedrockError: If it fails before its first token, after as many attempts as are worth it.
        """
        attempts = self._attempts()
        io = _OnLoop(await self._loop_wire(call.service), self._asleep)
        return _OpenedOnLoop(await _opened(io, call, is_token, attempts, self._patience_s))

    @property
    def _patience_s(self) -> float | None:
        return self.settings.first_token_timeout_s

    def _attempts(self) -> Attempts:
        return Attempts(self._max_retries(), self._draw)

    def _max_retries(self) -> int:
        if self.settings.max_retries is not None:
            return self.settings.max_retries
        said: Mapping[str, Any] = getattr(self.settings.config, "retries", None) or {}
        if "total_max_attempts" in said:
            return int(said["total_max_attempts"]) - 1
        return int(said.get("max_attempts", DEFAULT_RETRIES))

    async def _loop_wire(self, name: str) -> LoopWire | ThreadWire:
        if self._wire.given(name) is not None:
            return ThreadWire(self._wire)
        service = service_clients.find(self.settings.client_key(name))
        if service is None or not service.is_ready_for_loops:
            with typed_errors():
                service = await asyncio.shield(asyncio.wrap_future(ServiceClient.for_loops(self.settings, name)))
        return LoopWire(service, self._wire.headers) if service.is_native else ThreadWire(self._wire)


class _Stream(Protocol):
    """A stream of whichever wire."""

    @property
    def head(self) -> Mapping[str, Any]: ...


class _Io(Protocol[S]):
    """What a call needs of the outside; blocking, nothing of it ever waits for a loop."""

    async def call(self, call: Call) -> dict[str, Any]: ...
    async def open(self, call: Call, patience: Patience | None) -> S: ...
    async def next(self, stream: S, patience: Patience | None) -> Event | None: ...
    async def close(self, stream: S) -> None: ...
    async def sleep(self, seconds: float) -> None: ...
    def now(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Begun(Generic[S]):
    """A stream at its first token."""

    stream: S
    head: Mapping[str, Any]
    held: deque[Event]
    attempts: int


async def _answered(io: _Io[Any], call: Call, attempts: Attempts) -> dict[str, Any]:
    """Return the answer of the first attempt that does not fail."""
    while True:
        try:
            answer = await io.call(call)
        except BedrockError as exc:
            wait_s = attempts.wait_s(exc)
        else:
            attempts.tell()
            return _counted(answer, attempts)
        await io.sleep(wait_s)


async def _opened(
    io: _Io[S], call: Call, is_token: TokenTest, attempts: Attempts, patience_s: float | None
) -> _Begun[S]:
    """Return the stream of the first attempt that brings a token, or ends without one and without an error."""
    while True:
        patience = None if patience_s is None else Patience(patience_s, io.now)
        try:
            stream = await io.open(call, patience)
            held = await _first_events(io, stream, is_token, patience)
        except BedrockError as exc:
            wait_s = attempts.wait_s(exc)
        else:
            attempts.tell()
            return _Begun(stream, _counted(dict(stream.head), attempts), held, attempts.number)
        await io.sleep(wait_s)


async def _first_events(io: _Io[S], stream: S, is_token: TokenTest, patience: Patience | None) -> deque[Event]:
    """Return a stream's events up to its first token; closes it if it fails before."""
    held: deque[Event] = deque()
    try:
        while (event := await io.next(stream, patience)) is not None:
            held.append(event)
            with typed_errors(stream.head):
                if is_token(event):
                    return held
        if not held:
            raise TruncatedStreamError("The stream ended before its first event.")
    except BaseException:
        await io.close(stream)
        raise
    return held


def _counted(answer: dict[str, Any], attempts: Attempts) -> dict[str, Any]:
    """Return an answer that tells how many attempts followed the first, where boto3 tells of its own."""
    told = answer.get("ResponseMetadata")
    if isinstance(told, Mapping):
        metadata = {name: value for name, value in told.items() if name != "MaxAttemptsReached"}  # of one, always
        metadata["RetryAttempts"] = metadata.get("RetryAttempts", 0) + attempts.retries
        answer["ResponseMetadata"] = metadata
    return answer


def _finished(body: Coroutine[Any, Any, T]) -> T:
    """Return what a body returns whose steps never wait for a loop."""
    try:
        body.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    body.close()
    raise RuntimeError("A blocking call waited for an event loop; sleep must be a plain function.")


class _Here:
    """A blocking wire, its steps done where they are awaited."""

    def __init__(self, wire: BlockingWire, sleep: Callable[[float], None]) -> None:
        self._wire, self._sleep = wire, sleep

    async def call(self, call: Call) -> dict[str, Any]:
        return self._wire.call(call)

    async def open(self, call: Call, patience: Patience | None) -> BlockingStream:
        return self._wire.open(call, patience)

    async def next(self, stream: BlockingStream, patience: Patience | None) -> Event | None:
        return stream.next(patience)

    async def close(self, stream: BlockingStream) -> None:
        stream.close()

    async def sleep(self, seconds: float) -> None:
        self._sleep(seconds)

    def now(self) -> float:
        return time.monotonic()


class _OnLoop:
    """A wire of an event loop."""

    def __init__(self, wire: LoopWire | ThreadWire, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._wire, self._sleep = wire, sleep

    async def call(self, call: Call) -> dict[str, Any]:
        return await self._wire.call(call)

    async def open(self, call: Call, patience: Patience | None) -> LoopStream | ThreadStream:
        return await self._wire.open(call, patience)

    async def next(self, stream: LoopStream | ThreadStream, patience: Patience | None) -> Event | None:
        return await stream.next(patience)

    async def close(self, stream: LoopStream | ThreadStream) -> None:
        await stream.aclose()

    async def sleep(self, seconds: float) -> None:
        await self._sleep(seconds)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class _Opened:
    """A stream for blocking code: what was held back, then the rest."""

    def __init__(self, begun: _Begun[BlockingStream]) -> None:
        self.head, self._begun = begun.head, begun

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._begun.held:
            return self._begun.held.popleft()
        try:
            event = self._begun.stream.next()
        except BedrockError as exc:
            exc.attempts = self._begun.attempts
            raise
        if event is None:
            raise StopIteration
        return event

    def close(self) -> None:
        self._begun.held.clear()
        self._begun.stream.close()


class _OpenedOnLoop:
    """A stream for an event loop: what was held back, then the rest."""

    def __init__(self, begun: _Begun[LoopStream | ThreadStream]) -> None:
        self.head, self._begun = begun.head, begun

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if self._begun.held:
            return self._begun.held.popleft()
        try:
            event = await self._begun.stream.next()
        except BedrockError as exc:
            exc.attempts = self._begun.attempts
            raise
        if event is None:
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        self._begun.held.clear()
        await self._begun.stream.aclose()
