"""HTTP/1.1 as bytes: a request written, an answer's head and body read. Nothing here waits or calls.

An answer may come in any pieces. Its body is framed by `Transfer-Encoding: chunked`, by `Content-Length`, or by the
connection's end; how far framing bytes may grow is bounded. RFC 9112; what no server of AWS sends is refused rather
than guessed: folded header lines, other transfer encodings, lengths that contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["MAX_HEAD_BYTES", "AnswerReader", "HttpError", "request_bytes"]

MAX_HEAD_BYTES: Final = 64 * 1024
"""An answer whose head is longer is refused, in bytes."""

_MAX_SIZE_LINE_BYTES: Final = 1024
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n\0]*)?")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_FORBIDDEN = re.compile("[\r\n\0]|[^\0-\xff]")


class HttpError(ConnectionError):
    """What came over a connection is no HTTP/1.1 answer, or only a part of one."""


def request_bytes(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """Return a request as it is sent; its length is added to the headers.

    Args:
        method: The method.
        target: The path and query, already escaped.
        headers: The other headers; `Host` must be among them.
        body: The body.

    Raises:
        ValueError: If a part holds a line break, which would begin another header or request, or a character that no
            header can have; the text names the header and never shows its value, which may be a secret.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() != "content-length"]
    lines.append(f"Content-Length: {len(body)}")
    for line in lines:
        if _FORBIDDEN.search(line):
            name = line.split(":", 1)[0] if line is not lines[0] else "the request line"
            raise ValueError(
                f"{name[:80]!r} of the request holds a line break, a zero byte or a character outside Latin-1; "
                "take it out."
            )
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class AnswerReader:
    """Reads one answer.

    Attributes:
        status: Its status once the head is read, else 0.
        headers: Its headers, in order, as pairs.
        is_done: Whether it was read to its end.
        keeps_alive: Whether the connection serves another request after that.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.is_done = False
        self.keeps_alive = False
        self._buffer = bytearray()
        self._left: int | None = None  # bytes of the body, or of the chunk, still to come; None: until the end
        self._chunked = False
        self._in_trailer = False

    def feed(self, data: bytes) -> bytes:
        """Return the bytes of the body that these bytes bring.

        Args:
            data: What came.

        Raises:
            HttpError: If it is no HTTP/1.1 answer, or something follows the answer.
        """
        if self._buffer or not self.status:
            self._buffer += data
            if not self.status and not self._read_head():
                return b""
            data = bytes(self._buffer)
            self._buffer.clear()
        elif self.is_done and data:
            raise HttpError("Bytes came after the answer's end.")
        return self._chunks(data) if self._chunked else self._plain(data)

    def end(self) -> None:
        """Take the connection's end.

        Raises:
            HttpError: If the answer is not complete.
        """
        if self.status and not self._chunked and self._left is None:
            self.is_done = True
        if not self.is_done:
            raise HttpError("The connection was closed before the answer's end.")

    def _read_head(self) -> bool:
        """Read the head if it is whole; answers of status 1xx are skipped."""
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise HttpError(f"The answer's head is longer than {MAX_HEAD_BYTES} bytes.")
                return False
            first, *lines = bytes(self._buffer[:end]).split(b"\r\n")
            del self._buffer[: end + 4]
            match = _STATUS.fullmatch(first)
            if match is None:
                raise HttpError(f"The answer begins with {first[:40]!r}, which is no HTTP/1.1 status line.")
            if int(match[2]) < 200:
                continue
            self.headers = [_header(line) for line in lines]
            self._frame(is_late=match[1] == b"1", status=int(match[2]))
            return True

    def _frame(self, *, is_late: bool, status: int) -> None:
        """Find out where the body ends; `is_late` is HTTP/1.1 rather than 1.0."""
        self.status = status
        values = {name.lower(): value for name, value in self.headers}
        lengths = {value.strip() for name, value in self.headers if name.lower() == "content-length"}
        encoding = values.get("transfer-encoding", "").strip().lower()
        options = {option.strip().lower() for option in values.get("connection", "").split(",")}
        self.keeps_alive = "close" not in options and (is_late or "keep-alive" in options)
        if status in (204, 304):
            self.is_done = True
        elif encoding:
            if encoding != "chunked" or lengths:
                raise HttpError(
                    f"The body is framed by {encoding!r} and {sorted(lengths)}; only chunked is understood."
                )
            self._chunked, self._left = True, 0
        elif lengths:
            length = lengths.pop()
            if lengths or not (length.isascii() and length.isdigit()):
                raise HttpError(f"The body's length is {length!r}, and perhaps others; one number was expected.")
            self._left = int(length)
            self.is_done = self._left == 0
        else:
            self.keeps_alive = False

    def _plain(self, data: bytes) -> bytes:
        if self._left is None:
            return b"" if self.is_done else data
        if len(data) > self._left:
            raise HttpError("More bytes came than the answer's length.")
        self._left -= len(data)
        self.is_done = self._left == 0
        return data

    def _chunks(self, data: bytes) -> bytes:
        """Return what the chunks hold; what is not whole of their framing waits in the buffer."""
        place, size, found = 0, len(data), []
        while place < size:
            if self.is_done:
                raise HttpError("Bytes came after the answer's end.")
            left = self._left or 0
            if left > 2:  # the chunk's data; its last two bytes are its line end
                taken = data[place : place + left - 2]
                found.append(taken)
                place += len(taken)
                self._left = left - len(taken)
                continue
            line_end = data.find(b"\r\n", place)
            if line_end < 0:
                if size - place > _MAX_SIZE_LINE_BYTES:
                    raise HttpError("A line between chunks is too long.")
                break
            self._line(data[place:line_end])
            place = line_end + 2
        if place < size:
            self._buffer += data[place:]
        return found[0] if len(found) == 1 else b"".join(found)

    def _line(self, line: bytes) -> None:
        """Take a line of the framing: the end of a chunk, the size of the next, or a trailer."""
        if self._left == 2:
            if line:
                raise HttpError(f"A chunk is followed by {line[:20]!r} instead of its end.")
            self._left = 0
        elif self._in_trailer:
            self.is_done = not line
        else:
            match = _SIZE.fullmatch(line)
            if match is None:
                raise HttpError(f"A chunk's size is {line[:20]!r}, which is no number.")
            length = int(match[1], 16)
            self._in_trailer = length == 0
            self._left = length + 2 if length else 0


def _header(line: bytes) -> tuple[str, str]:
    name, separator, value = line.partition(b":")
    if not separator or _NAME.fullmatch(name) is None or b"\0" in value or b"\n" in value:
        raise HttpError(f"The answer has a header line {line[:40]!r}, which is not `name: value`.")
    return name.decode("ascii"), value.strip(b" \t").decode("latin-1")
