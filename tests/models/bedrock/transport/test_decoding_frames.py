"""The decoder of event streams: whole, cut anywhere, damaged; checked against botocore's decoder both ways."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloom.runtime.models.bedrock.errors import ConnectionFailedError, TruncatedStreamError
from spanloom.runtime.models.bedrock.eventstream import (
    MAX_HEADERS_BYTES,
    MAX_PAYLOAD_BYTES,
    FrameDecoder,
    Message,
)
from spanloom.testing._bedrock_frames import event_frame, exception_frame, with_wrong_checksum

FRAMES = [
    event_frame("messageStart", {"role": "assistant"}),
    event_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Grüße 🌍"}}),
    event_frame("chunk", {"generation": "x"}),
    exception_frame("throttlingException", {"message": "slow down"}),
]
NUMBERS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}


def header(name: bytes, kind: int, value: Any) -> bytes:
    """One header as the specification writes it."""
    start = bytes([len(name)]) + name + bytes([kind])
    if kind in NUMBERS:
        return start + struct.pack(NUMBERS[kind], value)
    if kind in (6, 7):
        return start + struct.pack(">H", len(value)) + bytes(value)
    return start + (bytes(value) if kind == 9 else b"")


def frame(headers: bytes, payload: bytes) -> bytes:
    """A frame with these headers, its checksums right."""
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


def decoded(data: bytes, step: int) -> list[Message]:
    """What our decoder makes of the data, given so many bytes at a time."""
    decoder = FrameDecoder()
    messages = [m for start in range(0, len(data), step) for m in decoder.feed(data[start : start + step])]
    decoder.finish()
    return messages


def reference(data: bytes) -> list[Message]:
    """What botocore's decoder makes of it."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [Message(event.headers, event.payload) for event in buffer]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 11, 64, 10_000])
def test_frames_cut_anywhere_or_joined_are_the_same_messages(step: int) -> None:
    """Pieces of one byte, of some bytes, and all frames in one piece."""
    data = b"".join(FRAMES)
    assert decoded(data, step) == reference(data)
    assert len(reference(data)) == len(FRAMES)


def test_a_stream_cut_once_at_every_byte_is_the_same_messages() -> None:
    """No place of a cut makes a difference."""
    data = b"".join(FRAMES)
    wanted = reference(data)
    for cut in range(len(data)):
        decoder = FrameDecoder()
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == wanted
        decoder.finish()


values = st.one_of(
    st.tuples(st.sampled_from([0, 1]), st.none()),
    st.tuples(st.just(2), st.integers(-(2**7), 2**7 - 1)),
    st.tuples(st.just(3), st.integers(-(2**15), 2**15 - 1)),
    st.tuples(st.just(4), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.sampled_from([5, 8]), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(6), st.binary(max_size=40)),
    st.tuples(st.just(7), st.text(max_size=40).map(str.encode)),
    st.tuples(st.just(9), st.binary(min_size=16, max_size=16)),
)
names = st.text("abcdefgh:-", min_size=1, max_size=8).map(str.encode)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(names, values, max_size=5), st.binary(max_size=200)), max_size=4), st.data())
def test_every_frame_that_botocore_reads_is_read_alike(
    contents: list[tuple[dict[bytes, tuple[int, Any]], bytes]], data: st.DataObject
) -> None:
    """Headers of all ten types, any payload, any cut."""
    stream = b"".join(
        frame(b"".join(header(name, *value) for name, value in headers.items()), payload)
        for headers, payload in contents
    )
    step = data.draw(st.integers(1, max(1, len(stream))))
    assert decoded(stream, step) == reference(stream)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(b"".join(FRAMES)) - 1), st.integers(1, 255))
def test_a_changed_byte_never_goes_unseen(place: int, change: int) -> None:
    """What came before the damaged frame is given, and nothing after it; the fault is told."""
    data = bytearray(b"".join(FRAMES))
    data[place] ^= change
    decoder = FrameDecoder()
    messages = decoder.feed(bytes(data))
    assert messages == reference(b"".join(FRAMES))[: len(messages)]
    assert len(messages) < len(FRAMES)
    with pytest.raises((ConnectionFailedError, TruncatedStreamError)):
        decoder.finish()


def test_messages_before_a_wrong_checksum_are_given_and_nothing_after_it() -> None:
    """The fault stands beside them, also when more bytes come."""
    decoder = FrameDecoder()
    (message,) = decoder.feed(FRAMES[0] + with_wrong_checksum(FRAMES[1]) + FRAMES[2])
    assert message.headers[":event-type"] == "messageStart"
    assert isinstance(decoder.fault, ConnectionFailedError)
    assert "checksum" in str(decoder.fault)
    assert decoder.feed(FRAMES[0]) == []


@pytest.mark.parametrize("left", [1, 11, 12, 13, 40])
def test_a_stream_that_ends_inside_a_frame_is_told_as_truncated(left: int) -> None:
    """Whether its lengths were there or not."""
    decoder = FrameDecoder()
    assert len(decoder.feed(FRAMES[0] + FRAMES[1][:left])) == 1
    assert decoder.fault is None
    with pytest.raises(TruncatedStreamError, match=f"{left} bytes into it"):
        decoder.finish()


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        (15, 0),
        (16, 1),
        (2**32 - 1, 0),
        (2**32 - 1, 2**32 - 1),
        (16 + MAX_PAYLOAD_BYTES + 1, 0),
        (16 + MAX_HEADERS_BYTES + 1, MAX_HEADERS_BYTES + 1),
    ],
)
def test_absurd_lengths_are_told_before_their_bytes_come(total: int, headers: int) -> None:
    """Their checksum may be right; nobody waits for gigabytes."""
    prelude = struct.pack(">II", total, headers)
    decoder = FrameDecoder()
    assert decoder.feed(prelude + struct.pack(">I", zlib.crc32(prelude))) == []
    assert isinstance(decoder.fault, ConnectionFailedError)


def test_a_payload_of_the_largest_size_is_read() -> None:
    """The limit itself is allowed."""
    (message,) = decoded(frame(b"", bytes(MAX_PAYLOAD_BYTES)), 1 << 20)
    assert len(message.payload) == MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    "headers",
    [
        header(b"a", 2, 1) + header(b"a", 2, 2),
        b"\x01a\x0a",
        b"\x01a\x07\xff\xff",
        b"\x05a",
        b"\xffa",
        b"\x01a\x07\x00\x01\xff",
        b"\x01a",
    ],
    ids=[
        "twice",
        "unknown type",
        "value too long",
        "name too long",
        "name longer than the frame",
        "no UTF-8",
        "no type",
    ],
)
def test_headers_that_cannot_be_read_are_a_fault(headers: bytes) -> None:
    """Though the checksums are right."""
    decoder = FrameDecoder()
    assert decoder.feed(frame(headers, b"payload")) == []
    assert isinstance(decoder.fault, ConnectionFailedError)
