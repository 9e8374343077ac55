"""What the models ask of the transport, and what they get back.

A call is named and filled as boto3 names and fills it; answers and events are shaped as boto3 shapes them, whichever
way they came. So the code that builds requests and reads answers never knows how they travelled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["AsyncEventStream", "Call", "Event", "EventStream", "TokenTest"]

Event = tuple[str, Mapping[str, Any]]
"""One event of a stream: its name and its content, such as `("contentBlockDelta", {...})`; blobs are bytes."""

TokenTest = Callable[[Event], bool]
"""Says whether an event brings the first output; from then on a failed stream is not tried again."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS service.

    Attributes:
        operation: The name of boto3's method, such as `converse_stream`.
        arguments: Exactly what that method takes.
        service: The service's name in boto3: `bedrock-runtime`, `bedrock` or `bedrock-agent-runtime`.
    """

    operation: str
    arguments: Mapping[str, Any]
    service: str = "bedrock-runtime"


class EventStream(Protocol):
    """An open stream of events; iterate it once.

    Attributes:
        head: boto3's answer without the stream; `ResponseMetadata` holds the request id, the status, the headers with
            names in lower case, and how many retries there were.
    """

    head: Mapping[str, Any]

    def __iter__(self) -> Iterator[Event]:
        """Return the iterator over the events."""
        ...

    def close(self) -> None:
        """Close the connection at once; closing twice does nothing."""
        ...


class AsyncEventStream(Protocol):
    """An open stream of events on an event loop; iterate it once.

    Attributes:
        head: As of `EventStream`.
    """

    head: Mapping[str, Any]

    def __aiter__(self) -> AsyncIterator[Event]:
        """Return the iterator over the events."""
        ...

    async def aclose(self) -> None:
        """Close the connection at once; closing twice does nothing."""
        ...
