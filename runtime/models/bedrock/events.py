"""What the messages of a stream say, as boto3 shapes it: names and contents of events, blobs as bytes, or an error.

A member without a value is left out, as boto3 does. Events and members that the installed botocore does not know yet
are kept as they came. Of a stream's errors boto3 keeps the code and the text alone; here they keep all.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

from .calls import Event
from .errors import BedrockError, ConnectionFailedError
from .eventstream import FrameDecoder, Message
from .failures import service_error

__all__ = ["EventReader", "Shaper", "event_shapers"]

Shaper = Callable[[Any], Any]
"""Turns a JSON value into what boto3 makes of it."""


class EventReader:
    """Turns the bytes of a stream into its events.

    Args:
        shapers: The name of an event -> what its content must go through; others are taken as they come.
        request_id: The id of the stream's request, for its errors.
    """

    __slots__ = ("_frames", "_request_id", "_shapers")

    def __init__(self, shapers: Mapping[str, Shaper], request_id: str | None = None) -> None:
        self._frames = FrameDecoder()
        self._shapers = shapers
        self._request_id = request_id

    def feed(self, data: bytes) -> list[Event | BedrockError]:
        """Return the events that these bytes complete; an error is where the stream tells of it, and the last.

        Args:
            data: The next bytes of the stream.
        """
        read: list[Event | BedrockError] = []
        for message in self._frames.feed(data):
            one = self._read(message)
            read.append(one)
            if isinstance(one, BedrockError):
                return read
        if self._frames.fault is not None:
            read.append(self._placed(self._frames.fault))
        return read

    def finish(self) -> None:
        """Check that the stream ended between two frames.

        Raises:
            BedrockError: If it did not.
        """
        try:
            self._frames.finish()
        except BedrockError as exc:
            raise self._placed(exc) from None

    def _read(self, message: Message) -> Event | BedrockError:
        kind, headers = message.headers.get(":message-type"), message.headers
        if kind == "error":
            told: Mapping[str, Any] = {"Code": headers.get(":error-code"), "Message": headers.get(":error-message")}
            return self._placed(service_error({"Error": told}, in_stream=True))
        try:
            content = json.loads((message.payload or b"{}").decode())
        except ValueError:
            return self._placed(ConnectionFailedError("An event of the stream is no JSON. Send the request again."))
        if kind == "exception":
            about = content if isinstance(content, Mapping) else {}
            told = {"Code": headers.get(":exception-type"), "Message": about.get("message") or about.get("Message")}
            return self._placed(service_error({**about, "Error": told}, in_stream=True))
        name = str(headers.get(":event-type", ""))
        shaper = self._shapers.get(name)
        try:
            return name, content if shaper is None else shaper(content)
        except (AttributeError, TypeError, ValueError):  # a member of another type than the service's model says
            text = f"A {name} event of the stream has another form than this one's are known to have."
            return self._placed(ConnectionFailedError(f"{text} Send the request again."))

    def _placed(self, error: BedrockError) -> BedrockError:
        error.request_id, error.status = self._request_id, 200
        return error


def event_shapers(service_model: Any, operation: str) -> dict[str, Shaper]:
    """Return what the contents of an operation's events go through.

    Args:
        service_model: botocore's model of the service.
        operation: The operation's name there, such as `ConverseStream`.
    """
    shape = service_model.operation_model(operation).get_event_stream_output()
    known: dict[str, Shaper] = {}
    return {name: _shaper(member, known) for name, member in shape.members.items()}


def _shaper(shape: Any, known: dict[str, Shaper]) -> Shaper:
    """Return the shaper of a shape; `known` holds those being made, for shapes that hold themselves."""
    kind = shape.type_name
    if kind == "blob":
        return b64decode
    if kind == "timestamp":
        return _moment
    if kind not in ("structure", "list", "map") or getattr(shape, "is_document_type", False):
        return _as_it_is
    if shape.name in known:
        return lambda value: known[shape.name](value)  # noqa: PLW0108 - looked up late: it is being made
    known[shape.name] = _as_it_is
    if kind == "structure":
        members = {name: _shaper(member, known) for name, member in shape.members.items()}

        def shaped(value: Any) -> Any:
            made = {}
            for name, content in value.items():
                if content is not None:
                    shaper = members.get(name)
                    made[name] = content if shaper is None else shaper(content)
            return made

    elif kind == "list":
        each = _shaper(shape.member, known)

        def shaped(value: Any) -> Any:
            return [each(content) for content in value]

    else:
        each = _shaper(shape.value, known)

        def shaped(value: Any) -> Any:
            return {name: each(content) for name, content in value.items()}

    known[shape.name] = shaped
    return shaped


def _as_it_is(value: Any) -> Any:
    return value


def _moment(value: Any) -> Any:
    from botocore.utils import parse_timestamp

    return parse_timestamp(value)
