"""As much of HTTP/1.1 as a test server on loopback needs: requests with a length, keep-alive, chunked answers.

It exists because a test of a streaming client has to see and do what server frameworks hide: when exactly each piece
leaves, that the client went away, and a connection dropped in the middle of an answer.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = [
    "ClientReader",
    "HttpRequest",
    "RequestError",
    "chunk",
    "client_is_gone",
    "head",
    "json_answer",
    "pause",
    "read_request",
]

_MAX_BODY_BYTES = 32 * 1024 * 1024


class ClientReader(asyncio.StreamReader):
    """A reader that also tells, without being read, that its client has gone: `gone` is set.

    An answer that waits between two tokens waits for this too; hundreds of slow streams cost no polling.
    """

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.gone = asyncio.Event()
        """Set once the client has closed or reset the connection."""

    def feed_eof(self) -> None:
        """Take the end of what the client sends."""
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        """Take the error that ended the connection.

        Args:
            exc: The error.
        """
        super().set_exception(exc)
        self.gone.set()


class RequestError(Exception):
    """A request that cannot be read; `status` says why."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are in lower case, `target` is the path and query exactly as sent."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    keep_alive: bool

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: If it is not JSON, or nested too deeply.
        """
        try:
            return json.loads(self.body)
        except RecursionError as err:
            raise ValueError("the body is nested too deeply") from err


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """Return the next request of a connection, or None when the client has closed it.

    Args:
        reader: The connection's reader.
        writer: Its writer; told to go on when the client waits for `100 Continue`.

    Raises:
        RequestError: If the request is malformed, too long, or has a chunked body.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError:
        raise RequestError(431, "the header is too long") from None
    first, *lines = raw.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise RequestError(400, f"{first!r} is not an HTTP/1 request line")
    named = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in named}
    if "transfer-encoding" in headers:
        raise RequestError(411, "send the body with a Content-Length")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > _MAX_BODY_BYTES:
        raise RequestError(413, f"a body of {length} bytes is not taken")
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        body = await reader.readexactly(int(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    try:
        target = urlsplit(parts[1])
    except ValueError as err:
        raise RequestError(400, f"the target {parts[1]!r} is no address: {err}") from err
    keep_alive = parts[2] != "HTTP/1.0" and headers.get("connection", "").lower() != "close"
    return HttpRequest(parts[0], parts[1], target.path or "/", dict(parse_qsl(target.query)), headers, body, keep_alive)


def head(status: int, content_type: str, *, length: int | None, extra: Mapping[str, str] | None = None) -> bytes:
    """Return the status line and headers of an answer.

    Args:
        status: The HTTP status.
        content_type: The Content-Type.
        length: The body's bytes; None announces a chunked body.
        extra: Further headers.
    """
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {content_type}"]
    lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in (extra or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def json_answer(value: Any) -> bytes:
    """Return a value as the bytes of a JSON body, characters beyond ASCII written as themselves.

    Args:
        value: Anything JSON can hold.
    """
    return json.dumps(value, ensure_ascii=False).encode()


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of a chunked body; empty data ends the body.

    Args:
        data: The chunk's bytes.
    """
    return b"%x\r\n%b\r\n" % (len(data), data)


def client_is_gone(reader: ClientReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the client has closed or reset its connection, as far as the event loop knows by now.

    Args:
        reader: The connection's reader.
        writer: Its writer.
    """
    return reader.gone.is_set() or writer.is_closing()


async def pause(seconds: float | None, reader: ClientReader, writer: asyncio.StreamWriter) -> bool:
    """Wait, at most until the client goes away; return whether it is still there.

    Args:
        seconds: How long to wait; 0 lets the event loop turn once, None waits until the client has gone.
        reader: The connection's reader.
        writer: Its writer.
    """
    await asyncio.sleep(0)
    if seconds is None or seconds > 0:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await reader.gone.wait()
    return not client_is_gone(reader, writer)
