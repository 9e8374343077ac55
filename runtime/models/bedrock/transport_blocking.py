"""Calls through boto3, in the calling thread.

boto3 sends the request and reads the head of the answer; a stream's bytes are then read from its connection by our own
decoder, so all ways of calling see the same events, and errors keep what boto3 drops. A stand-in for a client, whose
streams are no connections, is iterated as it is.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .calls import Call, Event
from .clients import ConnectionSettings, ServiceClient
from .errors import BedrockError
from .events import EventReader
from .failures import typed_errors
from .patience import Patience
from .signing import equip, with_headers

__all__ = ["BlockingStream", "BlockingWire"]

_STREAM_MEMBERS = ("stream", "body", "completion")
"""Where boto3 puts the stream: Converse, InvokeModel, agents."""


class BlockingWire:
    """Calls services through boto3.

    Args:
        settings: How to reach them.
        client: The user's client, for every service but `bedrock`, or None.
        bedrock_client: The user's client of the service `bedrock`, or None.
    """

    def __init__(self, settings: ConnectionSettings, client: Any = None, bedrock_client: Any = None) -> None:
        self._settings = settings
        self._client = _given(client, settings)
        self._bedrock_client = _given(bedrock_client, settings)
        self.headers: dict[str, str] = dict(settings.headers)
        """Headers of every request."""
        if settings.api_key is not None:
            self.headers["Authorization"] = f"Bearer {settings.api_key}"

    def given(self, service: str) -> ServiceClient | None:
        """Return the user's client for a service, or None.

        Args:
            service: The service's name in boto3.
        """
        return self._bedrock_client if service == "bedrock" else self._client

    def service(self, name: str, patience: Patience | None = None) -> ServiceClient:
        """Return the client to use.

        Args:
            name: The service's name in boto3.
            patience: How long the head of an answer may take, where that is less than usual.

        Raises:
            BedrockError: If there is no region, or the profile does not exist.
        """
        given = self.given(name)
        if given is not None:
            return given
        with typed_errors():
            found = ServiceClient.of(self._settings, name)
            usual_s = found.config.read_timeout
            if patience is None or (usual_s is not None and usual_s <= patience.seconds):
                return found
            return ServiceClient.of(replace(self._settings, read_timeout_s=patience.seconds), name)

    def call(self, call: Call) -> dict[str, Any]:
        """Return boto3's answer; blobs that boto3 would stream are read.

        Args:
            call: The call.

        Raises:
            BedrockError: If it fails.
        """
        service = self.service(call.service)
        with typed_errors():
            answer = self._asked(service, call)
            return {name: value.read() if hasattr(value, "read") else value for name, value in answer.items()}

    def open(self, call: Call, patience: Patience | None = None) -> BlockingStream:
        """Return the stream that answers a call.

        Args:
            call: The call.
            patience: How long the head may take; None for the read timeout.

        Raises:
            BedrockError: If it fails.
        """
        service = self.service(call.service, patience)
        with typed_errors(patience=patience):
            answer = self._asked(service, call)
        member = next(name for name in _STREAM_MEMBERS if name in answer)
        stream = BlockingStream(answer, answer.pop(member), service, call.operation)
        if patience is not None:
            stream.calm(self.service(call.service))
        return stream

    def _asked(self, service: ServiceClient, call: Call) -> dict[str, Any]:
        with with_headers(self.headers):
            return dict(getattr(service.client, call.operation)(**call.arguments))


def _given(client: Any, settings: ConnectionSettings) -> ServiceClient | None:
    if client is None:
        return None
    if settings.headers and hasattr(client, "meta"):
        equip(client)
    return ServiceClient(client)


class BlockingStream:
    """An open stream, read by the thread that asks.

    Args:
        head: boto3's answer without the stream.
        body: boto3's event stream, or what stands in for it.
        service: The client that opened it.
        operation: boto3's method.
    """

    def __init__(self, head: dict[str, Any], body: Any, service: ServiceClient, operation: str) -> None:
        self.head = head
        self._body = body
        raw = getattr(body, "_raw_stream", None)  # the connection; botocore has no public way to it
        shapers = service.shapers(operation)
        self._raw = raw if shapers is not None and hasattr(raw, "stream") else None
        self._reader = EventReader(shapers or {}, (head.get("ResponseMetadata") or {}).get("RequestId"))
        self._pieces: Iterator[Any] = iter(body) if self._raw is None else self._raw.stream()
        self._socket = _socket_of(self._raw)
        self._usual_s: float | None = self._socket.gettimeout() if self._socket is not None else None
        self._is_hurried = False
        self._ready: deque[Event | BedrockError] = deque()
        self._ended = self._closed = False

    def __iter__(self) -> Iterator[Event]:
        try:
            while (event := self.next()) is not None:
                yield event
        finally:
            self.close()

    def next(self, patience: Patience | None = None) -> Event | None:
        """Return the next event, or None at the end.

        Args:
            patience: When to give up; None for the read timeout alone.

        Raises:
            BedrockError: If the stream tells of an error, breaks or is silent for too long.
        """
        try:
            while not self._ready:
                if self._ended or self._closed:
                    return None
                with typed_errors(self.head, patience):
                    self._hurry(patience)
                    self._read()
        except BaseException:
            self.close()
            raise
        event = self._ready.popleft()
        if isinstance(event, BedrockError):
            self.close()
            raise event
        return event

    def _read(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._ended = True
            if self._raw is not None:
                self._reader.finish()
        elif self._raw is not None:
            self._ready.extend(self._reader.feed(piece))
        else:
            self._ready.extend(piece.items())

    def _hurry(self, patience: Patience | None) -> None:
        """Let the socket wait no longer than the patience lasts; afterwards as long as it did before."""
        if self._socket is None or (patience is None and not self._is_hurried):
            return
        self._is_hurried = patience is not None
        if patience is None:
            self._socket.settimeout(self._usual_s)
            return
        left_s = patience.left_s
        if left_s <= 0:
            raise patience.late()
        self._socket.settimeout(left_s if self._usual_s is None else min(left_s, self._usual_s))

    def calm(self, service: ServiceClient) -> None:
        """Let the read timeout of another client count behind the first token: this one's was made for opening.

        Args:
            service: The client that is used where nothing hurries.
        """
        if service.session is not None:
            self._usual_s, self._is_hurried = service.config.read_timeout, True

    def interrupt(self) -> None:
        """Wake the thread that reads, from any thread, and let no more be read; returns at once."""
        if self._ended:
            return
        self._closed = True
        if self._socket is not None:
            with suppress(OSError, ValueError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection at once, unless the stream was read to its end; twice does nothing."""
        self.interrupt()
        close = getattr(self._body, "close", None)
        if close is not None:
            with suppress(Exception):
                close()


def _socket_of(raw: Any) -> Any:
    """Return the socket below a urllib3 response, or None."""
    connection = getattr(raw, "connection", None)
    found = getattr(connection, "sock", None)
    if found is None:  # the server closes after this answer, so the connection let go of it
        file = getattr(getattr(getattr(raw, "_fp", None), "fp", None), "raw", None)
        found = getattr(file, "_sock", None)
    return found
