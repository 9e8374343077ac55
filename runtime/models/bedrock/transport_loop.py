"""Calls on an event loop: boto3 makes and signs the request, httpx sends it, botocore's parser or our decoder reads.

What may block does so in a worker thread: making the first client, finding or renewing credentials, and writing
requests so large that the loop would stand still.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, cast

from ...runnables.io_loop import in_thread
from ...runnables.unhooked import without_hooks
from .calls import Call, Event
from .clients import ServiceClient
from .errors import BedrockError
from .events import EventReader
from .failures import service_error, typed_errors
from .patience import Patience
from .pools import LoopPools, Pool
from .signing import PreparedRequest, prepare

if TYPE_CHECKING:
    import httpx

__all__ = ["LARGE_BYTES", "LoopStream", "LoopWire"]

LARGE_BYTES = 256 * 1024
"""Requests with more text and blobs than this are written and signed in a worker thread, in bytes or characters."""


class LoopWire:
    """Calls a service from event loops.

    Args:
        service: The service's client, whose requests are taken.
        headers: Headers of every request.
    """

    def __init__(self, service: ServiceClient, headers: Mapping[str, str]) -> None:
        self._service = service
        self._headers = headers

    async def call(self, call: Call) -> dict[str, Any]:
        """Return boto3's answer; blobs that boto3 would stream are read.

        Args:
            call: The call.

        Raises:
            BedrockError: If it fails.
        """
        with typed_errors():
            exchange = await self._sent(call)
            try:
                return self._parsed(call, exchange.response, await exchange.read())
            finally:
                await exchange.aclose()

    async def open(self, call: Call, patience: Patience | None = None) -> LoopStream:
        """Return the stream that answers a call.

        Args:
            call: The call.
            patience: How long its head may take; None for the read timeout alone.

        Raises:
            BedrockError: If it fails.
        """
        with typed_errors(patience=patience):
            async with asyncio.timeout_at(None if patience is None else patience.until):
                exchange = await self._sent(call)
                try:
                    body = await exchange.read() if exchange.response.status_code >= 300 else None
                    head = self._parsed(call, exchange.response, body)
                except BaseException:
                    await exchange.aclose()
                    raise
        return LoopStream(head, exchange, self._service.shapers(call.operation) or {})

    async def _sent(self, call: Call) -> _Exchange:
        """Send the request and return the exchange, the head of its answer read."""
        import httpx

        prepared = await self._prepared(call)
        config = self._service.config
        timeout = httpx.Timeout(config.read_timeout, connect=config.connect_timeout, pool=None)
        request = httpx.Request(
            prepared.method,
            prepared.url,
            headers=dict(prepared.headers),
            content=prepared.body,
            extensions={"timeout": timeout.as_dict()},
        )
        pools = await LoopPools.of_this_loop()
        pool = pools.take(self._service.ssl_context)
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            await pools.give_back(pool)
            raise
        return _Exchange(response, pools, pool)

    async def _prepared(self, call: Call) -> PreparedRequest:
        credentials = self._service.credentials
        if hasattr(credentials, "refresh_needed") and credentials.refresh_needed():
            await asyncio.shield(asyncio.wrap_future(self._service.renewal()))
        if _size(call.arguments) > LARGE_BYTES:
            made: PreparedRequest = await in_thread(prepare, self._service.client, call, self._headers)
            return made
        return prepare(self._service.client, call, self._headers)

    def _parsed(self, call: Call, response: httpx.Response, body: bytes | None) -> dict[str, Any]:
        """Return an answer as boto3 shapes it, or raise the error that it is; no body stands for a stream."""
        from botocore.parsers import create_parser

        operation, model = self._service.operation(call.operation), self._service.service_model
        failed = response.status_code >= 300
        told: dict[str, Any] = {
            "headers": response.headers,
            "status_code": response.status_code,
            "context": {"operation_name": operation.name},
            "body": io.BytesIO(body or b"") if operation.has_streaming_output and not failed else body or b"",
        }
        parser = create_parser(model.resolved_protocol)
        answer: dict[str, Any] = parser.parse(told, operation.output_shape)
        if failed:
            shape = model.shape_for_error_code((answer.get("Error") or {}).get("Code", ""))
            if shape is not None:
                answer.update(parser.parse(told, shape))
            raise service_error(answer)
        if operation.has_event_stream_output:
            answer.pop(operation.output_shape.serialization["payload"], None)
        return {name: value.read() if isinstance(value, io.BytesIO) else value for name, value in answer.items()}


def _size(value: Any) -> int:
    """Return roughly how much text and how many blobs there are in a call's arguments."""
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, (list, tuple)) else 0


class _Exchange:
    """A request that was sent, and the answer that is coming."""

    def __init__(self, response: httpx.Response, pools: LoopPools, pool: Pool) -> None:
        self.response = response
        self._pools, self._pool = pools, pool
        self._pieces = cast("AsyncGenerator[bytes]", aiter(cast("httpx.AsyncByteStream", response.stream)))
        self._closed = False

    async def piece(self) -> bytes | None:
        """Return the next bytes, or None at the end."""
        try:
            data: bytes = await _unknown_to_loop(self._pieces.__anext__)
        except StopAsyncIteration:
            return None
        return data

    async def read(self) -> bytes:
        """Return all the bytes."""
        pieces = []
        while (data := await self.piece()) is not None:
            pieces.append(data)
        return b"".join(pieces)

    async def aclose(self) -> None:
        """Close the connection, unless the answer was read to its end; twice does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await cast("httpx.AsyncByteStream", self.response.stream).aclose()
        finally:
            await self._pools.give_back(self._pool)


@coroutine
def _unknown_to_loop(first: Callable[[], Any]) -> Generator[Any, Any, Any]:
    """Await what `first` returns so that the loop never hears of the async generators started by it.

    httpx reads a body through four of them, one inside the other, and closes none when an answer is left early; the
    loop would close them in tasks of its own, after the connection is long gone.
    """
    awaitable = without_hooks(first)
    step = partial(awaitable.send, None)
    while True:
        try:
            waiting = without_hooks(step)
        except StopIteration as done:
            return done.value
        try:
            step = partial(awaitable.send, (yield waiting))
        except BaseException as exc:  # noqa: BLE001 - thrown into the code that waits
            step = partial(awaitable.throw, exc)


class LoopStream:
    """An open stream, read by a task.

    Args:
        head: boto3's answer without the stream.
        exchange: The request and its answer.
        shapers: Of the events.
    """

    def __init__(self, head: dict[str, Any], exchange: _Exchange, shapers: Mapping[str, Any]) -> None:
        self.head = head
        self._exchange = exchange
        self._reader = EventReader(shapers, (head.get("ResponseMetadata") or {}).get("RequestId"))
        self._ready: deque[Event | BedrockError] = deque()
        self._ended = False

    async def next(self, patience: Patience | None = None) -> Event | None:
        """Return the next event, or None at the end.

        Args:
            patience: When to give up; None for the read timeout alone.

        Raises:
            BedrockError: If the stream tells of an error, breaks or is silent for too long.
        """
        try:
            while not self._ready:
                if self._ended:
                    return None
                with typed_errors(self.head, patience):
                    await self._read(patience)
        except BaseException:
            await self.aclose()
            raise
        event = self._ready.popleft()
        if isinstance(event, BedrockError):
            await self.aclose()
            raise event
        return event

    async def _read(self, patience: Patience | None) -> None:
        if patience is None:
            piece = await self._exchange.piece()
        else:
            async with asyncio.timeout_at(patience.until):
                piece = await self._exchange.piece()
        if piece is not None:
            self._ready.extend(self._reader.feed(piece))
            return
        self._ended = True
        await self._exchange.aclose()
        self._reader.finish()

    async def aclose(self) -> None:
        """Close the connection at once, unless the stream was read to its end; twice does nothing."""
        self._ended = True
        await self._exchange.aclose()
