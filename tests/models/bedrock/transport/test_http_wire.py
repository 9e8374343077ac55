"""Answers of HTTP/1.1 read from bytes in any pieces, with h11 as the second opinion."""

import random

import h11
import pytest

from spanloom.runtime.models.bedrock.http_wire import MAX_HEAD_BYTES, AnswerReader, HttpError, request_bytes

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def read(data: bytes, cuts: list[int]) -> AnswerReader:
    """Feed the bytes cut at these places and return the reader with what it found in `body`."""
    reader = AnswerReader()
    reader.body = b""  # type: ignore[attr-defined]
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        reader.body += reader.feed(data[begin:end])  # type: ignore[attr-defined]
    return reader


def by_h11(data: bytes) -> tuple[int, bytes, bool]:
    """Return the status, the body and whether the connection may be used again, as h11 reads them."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    status, body = 0, b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, body, connection.their_state is h11.DONE
        else:
            assert isinstance(event, h11.InformationalResponse), event


def answer(draw: random.Random) -> bytes:
    """Return an answer with a random body, framed in a random way."""
    body = draw.randbytes(draw.choice([0, 1, 5, 300, 5000]))
    status = draw.choice([200, 403, 429, 500])
    head = (
        f"HTTP/1.1 {status} {draw.choice(['OK', '', 'Not so good'])}\r\nx-amzn-RequestId: abc\r\nSpaced:   a b \t\r\n"
    )
    if draw.random() < 0.2:
        head += "Connection: close\r\n"
    if draw.random() < 0.3:
        head = "HTTP/1.1 100 Continue\r\n\r\n" + head
    if draw.random() < 0.3:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    made, place = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), 0
    while place < len(body):
        size = draw.choice([1, 2, 3, 16, 1000])
        piece = body[place : place + size]
        place += size
        made += (
            f"{len(piece):{draw.choice(['x', 'X', '04x'])}}{draw.choice(['', ';a=b'])}\r\n".encode() + piece + b"\r\n"
        )
    return made + b"0\r\n" + draw.choice([b"", b"Trailer: x\r\n"]) + b"\r\n"


def test_answers_in_any_pieces_are_read_as_h11_reads_them() -> None:
    """1,500 answers, cut at random places: the same status, body and fate of the connection."""
    draw = random.Random(7)
    for _ in range(1500):
        data = answer(draw)
        cuts = sorted(draw.sample(range(1, len(data)), min(len(data) - 1, draw.choice([0, 1, 5, 40]))))
        reader = read(data, cuts)
        assert reader.is_done
        assert (reader.status, reader.body, reader.keeps_alive) == by_h11(data)  # type: ignore[attr-defined]


def test_an_answer_byte_by_byte_is_the_same() -> None:
    """Also where every line end is torn apart."""
    data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    reader = read(data, list(range(1, len(data))))
    assert reader.body == b"hello world"  # type: ignore[attr-defined]
    assert reader.is_done


def test_a_body_without_a_frame_ends_with_the_connection() -> None:
    """It is complete then, and the connection is not used again."""
    reader = read(HEAD + b"\r\nhello", [])
    assert not reader.is_done
    reader.end()
    assert reader.is_done
    assert not reader.keeps_alive


@pytest.mark.parametrize(
    "data",
    [b"", HEAD, HEAD + b"Content-Length: 5\r\n\r\nhell", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
)
def test_a_connection_that_ends_early_is_an_error(data: bytes) -> None:
    """Nothing that was cut off counts as a whole answer."""
    reader = read(data, [])
    with pytest.raises(HttpError, match="before the answer's end"):
        reader.end()


@pytest.mark.parametrize(
    "data",
    [
        b"SPDY/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        HEAD + b"no separator\r\n\r\n",
        HEAD + b"Name : x\r\n\r\n",
        HEAD + b" folded\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        HEAD + b"Content-Length: 1\r\n\r\nab",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
        HEAD + b"x: " + b"y" * (MAX_HEAD_BYTES + 1),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    """A clear error, never a guess and never endless memory."""
    with pytest.raises(HttpError):
        read(data, [])


def test_a_request_is_what_h11_would_read() -> None:
    """Its target, headers and body, with the length added."""
    data = request_bytes("POST", "/model/a%3Ab/invoke?x=1", [("Host", "h:1"), ("X-A", "b")], b"{}")
    server = h11.Connection(h11.SERVER)
    server.receive_data(data)
    request = server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"POST", b"/model/a%3Ab/invoke?x=1")
    assert dict(request.headers) == {b"host": b"h:1", b"x-a": b"b", b"content-length": b"2"}
    body = server.next_event()
    assert isinstance(body, h11.Data)
    assert bytes(body.data) == b"{}"


@pytest.mark.parametrize(("target", "value"), [("/a b\r\nX: y", "z"), ("/", "z\r\nInjected: yes"), ("/", "z\0")])
def test_a_line_break_never_gets_into_a_request(target: str, value: str) -> None:
    """Nobody smuggles a header or a second request."""
    with pytest.raises(ValueError, match="line break"):
        request_bytes("POST", target, [("Host", "h"), ("X", value)], b"")


@pytest.mark.row("X.18")
@pytest.mark.parametrize("value", ["Bearer SECRET\n", "Bearer SECRET\N{SNOWMAN}"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    """The value may be a key, which would end up in logs and spans."""
    with pytest.raises(ValueError, match="'Authorization'") as caught:
        request_bytes("POST", "/", [("Host", "h"), ("Authorization", value)], b"")
    assert "SECRET" not in repr(caught.value)
