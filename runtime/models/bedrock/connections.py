"""The HTTP connections of event loops.

Each loop has connections of its own. A connection whose answer was read to its end is kept for `IDLE_S` and used again;
one that is left early is cut at once, so that the service stops. A loop that shuts down, as `asyncio.run` lets it,
closes its connections first: an async generator that it knows of does that when it closes its generators.

Requests go through asyncio's own protocols, since a stream of tokens is a small read a token: the layers of a general
HTTP client cost five times as much CPU time for each.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit

from .http_wire import AnswerReader, HttpError, request_bytes

__all__ = ["IDLE_S", "TURN_S", "Connection", "LoopConnections"]

IDLE_S: Final = 30.0
"""How long an idle connection is kept, in seconds."""

TURN_S: Final = 0.005
"""How long requests may be written in one turn of a loop, in seconds."""

_MAX_WAITING_BYTES: Final = 1 << 20
"""With more bytes unread, no more are taken from the network."""

_Key = tuple[str, int, ssl.SSLContext | None]


class Connection(asyncio.Protocol):
    """One connection, with the answer that it is bringing.

    Args:
        key: The host, the port and the TLS settings.
    """

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.idle_since = 0.0
        self.is_lost = False
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer = AnswerReader()
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_paused = False
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def status(self) -> int:
        """The answer's status; 0 before it has come."""
        return self._answer.status

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """The answer's headers."""
        return self._answer.headers

    @property
    def is_reusable(self) -> bool:
        """Whether the answer was read to its end and another request may follow."""
        answer = self._answer
        return answer.is_done and answer.keeps_alive and not self.is_lost and self._error is None and not self._pieces

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came, and wake who waits for it."""
        try:
            piece = self._answer.feed(data)
        except HttpError as exc:
            self._fail(exc)
            return
        if piece:
            self._pieces.append(piece)
            self._waiting_bytes += len(piece)
            if self._waiting_bytes > _MAX_WAITING_BYTES and self._transport is not None:
                self._is_paused = True
                self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection."""
        self.is_lost = True
        if not self._answer.is_done and self._error is None:
            try:
                self._answer.end()
            except HttpError as err:
                self._error = err if exc is None else ConnectionError(f"The connection broke: {exc!r}")
        self._wake()

    def ask(self, request: bytes) -> None:
        """Send a request; the answer is read anew.

        Args:
            request: Its bytes.
        """
        self._answer = AnswerReader()
        self._error = None
        self._stop_timer()  # the request before may have had another limit
        assert self._transport is not None
        self._transport.write(request)

    async def head(self, timeout_s: float | None) -> None:
        """Wait until the head of the answer is read.

        Args:
            timeout_s: How long the service may be silent, in seconds.

        Raises:
            OSError: If the connection breaks or what comes is no answer; a TimeoutError if nothing comes for too long.
        """
        while not self._answer.status:
            await self._more(timeout_s)

    async def piece(self, timeout_s: float | None) -> bytes | None:
        """Return the next bytes of the body, or None at its end.

        Args:
            timeout_s: How long the service may be silent, in seconds.

        Raises:
            OSError: If the connection ends too early or what comes is no answer; a TimeoutError if nothing comes for
                too long.
        """
        while not self._pieces:
            if self._answer.is_done:
                return None
            await self._more(timeout_s)
        piece = self._pieces.popleft()
        self._waiting_bytes -= len(piece)
        if self._is_paused and self._waiting_bytes <= _MAX_WAITING_BYTES // 2 and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return piece

    def cut(self) -> None:
        """Close the connection at once; what was not sent or read is lost."""
        self._stop_timer()
        if self._transport is not None:
            with suppress(OSError, TypeError):  # uvloop's sockets cannot do this; theirs close in the next turn
                self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self._wake()
        self.cut()

    async def _more(self, timeout_s: float | None) -> None:
        """Wait until something has happened, and raise the error that it is."""
        if self._error is None and not self.is_lost:
            if timeout_s is not None:
                self._deadline = self._loop.time() + timeout_s
                if self._timer is None:  # one timer serves many waits, since it looks at the deadline when it is due
                    self._timer = self._loop.call_at(self._deadline, self._be_late)
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._error is not None and not self._pieces:
            raise self._error

    def _be_late(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._be_late)
            return
        self._fail(TimeoutError("The service was silent for too long. Raise timeout if the model needs longer."))


class LoopConnections:
    """The connections of one loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._spent_s = self._cost_s = 0.0
        self._turn_ends = False
        self._turn_began_s = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: dict[_Key, list[Connection]] = {}
        self._closer: AsyncGenerator[None] | None = None

    @staticmethod
    async def of_this_loop() -> LoopConnections:
        """Return the connections of the running loop."""
        loop = asyncio.get_running_loop()
        found = _by_loop.get(loop)
        if found is None:
            for other in [other for other in list(_by_loop) if other.is_closed()]:
                _by_loop.pop(other, None)  # other threads look too
            found = _by_loop[loop] = LoopConnections()
            found._closer = found._until_shutdown()
            await found._closer.__anext__()
        return found

    async def _until_shutdown(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            _by_loop.pop(asyncio.get_running_loop(), None)
            self.close()
            await asyncio.sleep(0)  # their transports say goodbye in the loop's next turn

    async def send(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        *,
        tls: ssl.SSLContext | None,
        connect_s: float | None,
    ) -> Connection:
        """Send a request and return its connection, the answer still to come; give it back with `done`.

        Args:
            method: The method.
            url: The address.
            headers: The headers.
            body: The body.
            tls: The TLS settings, for https.
            connect_s: How long connecting may take, in seconds.

        Raises:
            ConnectionError: If there is no connection to be had, or not in time.
            ValueError: If the headers cannot be written.
        """
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not any(name.lower() == "host" for name, _ in headers):
            headers = [("Host", parts.netloc.rpartition("@")[2]), *headers]
        request = request_bytes(method, target, headers, body)
        key = _key(parts, tls)
        connection = self._kept(key) or await _connected(key, connect_s)
        connection.ask(request)
        return connection

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Let a request be written inside the block: as many in a turn of the loop as `TURN_S` allows.

        So hundreds that are begun at once do not hold up the streams that are already being read. Nor do these hold up
        the others: where turns grow long, half of the last one's time is allowed, ten times `TURN_S` at most.
        """
        if self._spent_s >= TURN_S or self._waiting:
            waiter = self._loop.create_future()
            self._waiting.append(waiter)
            self._end_turn()
            await waiter
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self._cost_s = time.perf_counter() - began_s
            self._spent_s += self._cost_s
            self._end_turn()

    def _end_turn(self) -> None:
        """Let the next turn begin when the loop comes round."""
        if not self._turn_ends:
            self._turn_ends, self._turn_began_s = True, time.perf_counter()
            self._loop.call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._turn_ends, self._spent_s = False, 0.0
        share_s = min(max(TURN_S, (time.perf_counter() - self._turn_began_s) / 2), 10 * TURN_S)
        room = max(1, int(share_s / max(self._cost_s, 1e-6)))
        while self._waiting and room:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else its task was cancelled
                waiter.set_result(None)
                room -= 1
        if self._waiting:
            self._end_turn()

    def _kept(self, key: _Key) -> Connection | None:
        now, idle = asyncio.get_running_loop().time(), self._idle.get(key, [])
        while idle:
            connection = idle.pop()
            if connection.is_reusable and now - connection.idle_since < IDLE_S:
                return connection
            connection.cut()
        return None

    def done(self, connection: Connection) -> None:
        """Take a connection back: it is kept if its answer was read to its end, else cut.

        Args:
            connection: The connection.
        """
        if not connection.is_reusable:
            connection.cut()
            return
        connection.idle_since = asyncio.get_running_loop().time()
        idle = self._idle.setdefault(connection.key, [])
        idle.append(connection)
        while idle and connection.idle_since - idle[0].idle_since > IDLE_S:
            idle.pop(0).cut()

    def close(self) -> None:
        """Close every idle connection."""
        for idle in self._idle.values():
            for connection in idle:
                connection.cut()
        self._idle.clear()


def _key(parts: SplitResult, tls: ssl.SSLContext | None) -> _Key:
    is_secure = parts.scheme == "https"
    host = parts.hostname or ""
    return host, parts.port or (443 if is_secure else 80), (tls or _default_tls()) if is_secure else None


@cache
def _default_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _connected(key: _Key, timeout_s: float | None) -> Connection:
    host, port, tls = key
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            _, connection = await loop.create_connection(
                partial(Connection, key), host, port, ssl=tls, server_hostname=host if tls else None
            )
    except TimeoutError as exc:
        raise ConnectionError(f"No connection to {host}:{port} in time; the limit is {timeout_s} s.") from exc
    except OSError as exc:  # TLS errors are among them
        raise ConnectionError(f"No connection to {host}:{port}: {exc}") from exc
    return connection


_by_loop: dict[asyncio.AbstractEventLoop, LoopConnections] = {}
os.register_at_fork(after_in_child=_by_loop.clear)
