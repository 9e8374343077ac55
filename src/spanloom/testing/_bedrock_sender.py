"""The sender of an event stream: frames into chunks of HTTP, at the pace and with the faults that were ordered."""

import asyncio
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from ._bedrock_frames import error_frame, event_frame, exception_frame, with_wrong_checksum
from ._bedrock_script import Behaviour, SeenRequest, Step
from ._http import ClientReader, chunk, pause

__all__ = ["ClientLeftError", "Connection", "EventSender", "Gates"]

_TOKENS = frozenset({"chunk", "contentBlockDelta"})
_FAULTY = ("truncate", "crc")


class ClientLeftError(Exception):
    """The client has closed its connection before the answer's end."""


class Gates:
    """Named gates at which streams wait until a test opens them; a gate stays open."""

    def __init__(self) -> None:
        self._gates: dict[str, asyncio.Event] = {}

    def open(self, name: str) -> None:
        """Open a gate.

        Args:
            name: Its name; it need not be waited at yet.
        """
        self._gates.setdefault(name, asyncio.Event()).set()

    async def passed(self, name: str, reader: ClientReader) -> None:
        """Return when a gate is open or the client has gone.

        Args:
            name: The gate's name.
            reader: The client's reader.
        """
        gate = self._gates.setdefault(name, asyncio.Event())
        waits = [asyncio.ensure_future(gate.wait()), asyncio.ensure_future(reader.gone.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class Connection:
    """A client's connection.

    Args:
        number: Its number, in the order of arrival.
        reader: Its reader.
        writer: Its writer.
    """

    def __init__(self, number: int, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self.is_of_test = False
        """Whether it asks for what only tests ask; such connections are not counted."""

    async def wait(self, seconds: float | None) -> None:
        """Wait while the client is there; None waits until it has gone.

        Args:
            seconds: How long.

        Raises:
            ClientLeftError: If the client has gone.
        """
        if not await pause(seconds, self.reader, self.writer):
            raise ClientLeftError

    async def write(self, data: bytes) -> None:
        """Hand bytes to the socket and look whether the client is still there.

        Args:
            data: The bytes.

        Raises:
            ClientLeftError: If the client has gone.
        """
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError:
            raise ClientLeftError from None
        await self.wait(0)

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class EventSender:
    """Sends the events of one stream.

    Args:
        connection: The client's connection.
        seen: What is noted of the request.
        behaviour: How the stream is sent.
        gap_s: The wait before each token but the first.
        gates: The gates of the server.
    """

    def __init__(
        self, connection: Connection, seen: SeenRequest, behaviour: Behaviour, gap_s: float, gates: Gates
    ) -> None:
        self._connection = connection
        self._seen = seen
        self._behaviour = behaviour
        self._gap_s = gap_s
        self._gates = gates
        self._pending: list[bytes] = []
        self._next_frame_fault = ""

    async def send(self, events: list[Step]) -> bool:
        """Send the events and end the answer; return whether the connection is good for another request.

        Args:
            events: Events and orders; an ordered fault is put among them.

        Raises:
            ClientLeftError: If the client goes away before the end.
        """
        is_first_token = True
        for name, payload in self._with_fault(events):
            if name in _TOKENS:
                if self._gap_s and not is_first_token:
                    await self._flush()
                    await self._connection.wait(self._gap_s)
                is_first_token = False
            if name.startswith("!"):
                ended = await self._obey(name[1:], payload)
                if ended is not None:
                    return ended
                continue
            frame = exception_frame(name, payload) if name.endswith("Exception") else event_frame(name, payload)
            if self._next_frame_fault == "truncate":
                await self._flush()
                await self._connection.write(chunk(frame[: len(frame) // 2]))
                return await self._end(faulted=True)
            if self._next_frame_fault == "crc":
                frame, self._next_frame_fault = with_wrong_checksum(frame), ""
                self._seen.outcome = "faulted"
            self._pending.append(frame)
            if name.endswith("Exception"):
                return await self._end(faulted=True)
            if len(self._pending) >= self._behaviour.together:
                await self._flush()
        return await self._end(faulted=self._seen.outcome == "faulted")

    def _with_fault(self, events: list[Step]) -> Iterable[Step]:
        fault = self._behaviour.fault
        if fault is None:
            return events
        at = len(events) // 2 if self._behaviour.at is None else self._behaviour.at
        # A fault of a frame needs a frame after it.
        at = min(at, len(events) - (fault[0][1:] in _FAULTY))
        return [*events[:at], fault, *events[at:]]

    async def _obey(self, order: str, value: Any) -> bool | None:
        """Follow an order; return whether the connection is usable if the answer has ended, else None."""
        if order in _FAULTY:
            self._next_frame_fault = order
            return None
        if order == "error":
            self._pending.append(error_frame(value["code"], value["message"]))
            return await self._end(faulted=True)
        await self._flush()
        if order == "pause":
            await self._connection.wait(value)
            return None
        if order == "gate":
            await self._gates.passed(value, self._connection.reader)
            await self._connection.wait(0)
            return None
        if order == "end":
            return await self._end(faulted=True)
        if order == "idle":
            await self._connection.wait(None)
        self._seen.outcome = "faulted"
        if order == "reset":
            self._connection.reset()
        return False

    async def _flush(self) -> None:
        if not self._pending:
            return
        data, count = b"".join(self._pending), len(self._pending)
        self._pending.clear()
        self._seen.sent_events += count
        for piece in _pieces(data, self._behaviour.split):
            await self._connection.write(chunk(piece))

    async def _end(self, *, faulted: bool) -> bool:
        await self._flush()
        self._seen.outcome = "faulted" if faulted else "answered"
        try:
            await self._connection.write(chunk(b""))
        except ClientLeftError:
            return False  # everything was sent: leaving now is no cancelling
        return True


def _pieces(data: bytes, split: int | list[int] | None) -> Iterator[bytes]:
    if split is None:
        cuts: list[int] = []
    elif isinstance(split, int):
        cuts = list(range(split, len(data), split))
    else:
        cuts = sorted({at % len(data) for at in split if -len(data) < at < len(data)} - {0})
    for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        yield data[begin:end]
