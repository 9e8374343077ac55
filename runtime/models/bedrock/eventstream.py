"""The decoder of `application/vnd.amazon.eventstream`, the framing of AWS streams: bytes in, messages out, no I/O.

A frame is total length, length of the headers, CRC-32 of these eight bytes, headers, payload, CRC-32 of all before it.
Numbers are big endian. A header is a name, a type and a value; the ten types, and the limits of 128 KiB of headers and
24 MiB of payload, are those of AWS's specification of the format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .errors import BedrockError, ConnectionFailedError, TruncatedStreamError

__all__ = ["MAX_HEADERS_BYTES", "MAX_PAYLOAD_BYTES", "FrameDecoder", "HeaderValue", "Message"]

MAX_HEADERS_BYTES = 128 * 1024
"""A frame with longer headers is damaged, in bytes."""

MAX_PAYLOAD_BYTES = 24 * 1024 * 1024
"""A frame with a longer payload is damaged, in bytes."""

HeaderValue = bool | int | bytes | str
"""A timestamp is an int, milliseconds since 1970; a UUID is its 16 bytes."""

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_FIXED_BYTES = _PRELUDE.size + _CHECKSUM.size
_LENGTH = struct.Struct(">H")
_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_NUMBERS[8] = _NUMBERS[5]
_BYTES, _TEXT, _UUID = 6, 7, 9


@dataclass(frozen=True, slots=True)
class Message:
    """One frame's content."""

    headers: Mapping[str, HeaderValue]
    payload: bytes


class FrameDecoder:
    """Turns pieces of a stream, cut anywhere, into its messages.

    Attributes:
        fault: What is wrong with the bytes, or None. From the damage on nothing more is decoded: the length that leads
            to the next frame cannot be trusted.
    """

    __slots__ = ("_buffer", "fault")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.fault: BedrockError | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that these bytes complete; look at `fault` afterwards.

        Args:
            data: The next bytes of the stream.
        """
        if self.fault is not None:
            return []
        self._buffer += data
        messages: list[Message] = []
        start = 0
        try:
            while (frame := self._frame_at(start)) is not None:
                messages.append(_message(frame))
                start += len(frame)
        except _DamagedError as exc:
            self.fault = ConnectionFailedError(f"The stream is damaged: {exc}. Send the request again.")
        del self._buffer[:start]
        return messages

    def finish(self) -> None:
        """Check that the stream ended between two frames, whole.

        Raises:
            TruncatedStreamError: If a frame is incomplete.
        """
        if self.fault is None and self._buffer:
            size = len(self._buffer)
            self.fault = TruncatedStreamError(f"The stream ended inside a frame, {size} bytes into it.")
        if self.fault is not None:
            raise self.fault

    def _frame_at(self, start: int) -> bytes | None:
        """Return the frame that begins there, its checksums right, or None if it is not all here."""
        buffer = self._buffer
        if len(buffer) - start < _PRELUDE.size:
            return None
        total, headers, checksum = _PRELUDE.unpack_from(buffer, start)
        if zlib.crc32(memoryview(buffer)[start : start + 8]) != checksum:
            raise _DamagedError("the checksum of a frame's lengths is wrong")
        payload = total - headers - _FIXED_BYTES
        if not (headers <= MAX_HEADERS_BYTES and 0 <= payload <= MAX_PAYLOAD_BYTES):
            raise _DamagedError(f"a frame of {total} bytes claims {headers} bytes of headers")
        if len(buffer) - start < total:
            return None
        frame = bytes(memoryview(buffer)[start : start + total])
        if zlib.crc32(memoryview(frame)[:-4]) != _CHECKSUM.unpack_from(frame, total - 4)[0]:
            raise _DamagedError("the checksum of a frame is wrong")
        return frame


class _DamagedError(Exception):
    """What is wrong with a frame."""


def _message(frame: bytes) -> Message:
    end = _PRELUDE.size + int.from_bytes(frame[4:8], "big")
    block = frame[_PRELUDE.size : end]
    try:
        headers = _known_headers(block) if len(block) <= _SHORT_BYTES else _headers(block)
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise _DamagedError("a frame's headers cannot be read") from exc
    return Message(headers, frame[end:-4])


def _headers(block: bytes) -> Mapping[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    place = 0
    while place < len(block):
        stop = place + 1 + block[place]
        name, kind = block[place + 1 : stop].decode(), block[stop]
        if name in headers:
            raise _DamagedError(f"a frame has the header {name!r} twice")
        headers[name], place = _value(block, kind, stop + 1)
    if place != len(block):
        raise _DamagedError("a frame's headers are longer than it says")
    return headers


_SHORT_BYTES = 256
_known_headers = lru_cache(maxsize=64)(_headers)
"""Nearly all frames of a stream have the headers of one before."""


def _value(frame: bytes, kind: int, start: int) -> tuple[HeaderValue, int]:
    """Return a header's value and the place behind it."""
    if kind in (_TEXT, _BYTES):
        (size,) = _LENGTH.unpack_from(frame, start)
        start += _LENGTH.size
        value = frame[start : start + size]
        return (value.decode() if kind == _TEXT else value), start + size
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        return number.unpack_from(frame, start)[0], start + number.size
    if kind in (0, 1):
        return kind == 0, start
    if kind == _UUID:
        return frame[start : start + 16], start + 16
    raise _DamagedError(f"a header has the unknown type {kind}")
