"""Calls on an event loop: boto3 makes and signs the request, our connections send it, its parser or our decoder reads.

What may block does so in a worker thread: making the first client, finding or renewing credentials, and writing
requests so large that the loop would stand still.
"""

from __future__ import annotations

import asyncio
import io
from collections import deque
from collections.abc import Awaitable, Mapping
from typing import Any

from ...runnables.io_loop import in_thread
from .calls import Call, Event
from .clients import ServiceClient
from .connections import Connection, LoopConnections
from .errors import BedrockError
from .events import EventReader
from .failures import service_error, typed_errors
from .patience import Patience
from .signing import PreparedRequest, prepare

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
                return self._parsed(call, exchange, await exchange.read())
            finally:
                exchange.close()

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
                    body = await exchange.read() if exchange.status >= 300 else None
                    head = self._parsed(call, exchange, body)
                except BaseException:
                    exchange.close()
                    raise
        return LoopStream(head, exchange, self._service.shapers(call.operation) or {})

    async def _sent(self, call: Call) -> _Exchange:
        """Send the request and return the exchange, the head of its answer read."""
        service, connections = self._service, await LoopConnections.of_this_loop()
        prepared = await self._prepared(call, connections)
        connection = await connections.send(
            prepared.method,
            prepared.url,
            list(prepared.headers.items()),
            prepared.body,
            tls=service.ssl_context,
            connect_s=service.config.connect_timeout,
        )
        try:
            await connection.head(service.config.read_timeout)
        except BaseException:
            connection.cut()
            raise
        return _Exchange(connection, connections, service.config.read_timeout)

    async def _prepared(self, call: Call, connections: LoopConnections) -> PreparedRequest:
        credentials = self._service.credentials
        if _is_due(credentials):
            await asyncio.shield(asyncio.wrap_future(self._service.renewal()))
        # Where a renewal failed though the old credentials still hold, signing tries it again.
        if _is_due(credentials) or _size(call.arguments) > LARGE_BYTES:
            made: PreparedRequest = await in_thread(prepare, self._service.client, call, self._headers)
            return made
        async with connections.turn():
            return prepare(self._service.client, call, self._headers)

    def _parsed(self, call: Call, exchange: _Exchange, body: bytes | None) -> dict[str, Any]:
        """Return an answer as boto3 shapes it, or raise the error that it is; no body stands for a stream."""
        from botocore.awsrequest import HeadersDict
        from botocore.parsers import create_parser

        operation, model = self._service.operation(call.operation), self._service.service_model
        failed = exchange.status >= 300
        told: dict[str, Any] = {
            "headers": HeadersDict(exchange.headers),
            "status_code": exchange.status,
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


def _is_due(credentials: Any) -> bool:
    """Return whether credentials are to be renewed; those that never expire are not."""
    return hasattr(credentials, "refresh_needed") and bool(credentials.refresh_needed())


def _size(value: Any) -> int:
    """Return roughly how much text and how many blobs there are in a call's arguments."""
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, (list, tuple)) else 0


class _Exchange:
    """A request that was sent, and the answer that is coming."""

    def __init__(self, connection: Connection, connections: LoopConnections, read_s: float | None) -> None:
        self.status, self.headers = connection.status, connection.headers
        self._connection, self._connections, self._read_s = connection, connections, read_s
        self._closed = False

    def piece(self) -> Awaitable[bytes | None]:
        """Return the wait for the next bytes, or for None at the end."""
        return self._connection.piece(self._read_s)

    async def read(self) -> bytes:
        """Return all the bytes."""
        pieces = []
        while (data := await self.piece()) is not None:
            pieces.append(data)
        return b"".join(pieces)

    def close(self) -> None:
        """Cut the connection, unless the answer was read to its end; twice does nothing."""
        if not self._closed:
            self._closed = True
            self._connections.done(self._connection)


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
        while not self._ready:
            if self._ended:
                return None
            try:
                await self._read(patience)
            except BaseException:
                await self.aclose()
                with typed_errors(self.head, patience):
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
        self._exchange.close()
        self._reader.finish()

    async def aclose(self) -> None:
        """Close the connection at once, unless the stream was read to its end; twice does nothing."""
        self._ended = True
        self._exchange.close()
