"""The encoder of `application/vnd.amazon.eventstream`, the framing of Bedrock's streams.

A frame is total length, headers length, CRC-32 of these eight bytes, headers, payload, CRC-32 of everything before; all
numbers are big endian. Written from AWS's published description; it shares nothing with the decoders it tests.
"""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

__all__ = ["error_frame", "event_frame", "exception_frame", "with_wrong_checksum"]

_STRING = 7
"""The type of a header whose value is a text."""


def event_frame(name: str, payload: Any) -> bytes:
    """Return the frame of an event.

    Args:
        name: The event's name. The payload of a `chunk` is a provider's JSON document, or a mapping with `bytes`.
        payload: A JSON value; bytes in it are sent in base64.
    """
    if name == "chunk" and not (isinstance(payload, Mapping) and "bytes" in payload):
        payload = {"bytes": base64.b64encode(json.dumps(payload, ensure_ascii=False).encode()).decode()}
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return _frame(headers, _json(payload))


def exception_frame(name: str, payload: Mapping[str, Any]) -> bytes:
    """Return the frame of a modelled exception.

    Args:
        name: Its name on the wire, such as `throttlingException`.
        payload: Its members, such as `message`.
    """
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return _frame(headers, _json(payload))


def error_frame(code: str, message: str) -> bytes:
    """Return the frame of an error that the service's model does not know.

    Args:
        code: Its code.
        message: Its text.
    """
    return _frame({":error-code": code, ":error-message": message, ":message-type": "error"}, b"")


def with_wrong_checksum(frame: bytes) -> bytes:
    """Return a frame whose last byte, a part of its checksum, is wrong.

    Args:
        frame: A right frame.
    """
    return frame[:-1] + bytes([frame[-1] ^ 0xFF])


def _frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack(f">B{len(key)}sBH", len(key), key, _STRING, len(text)) + text


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
