"""The input of a streaming run, as the run reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from .frames import hidden

__all__ = ["ObservedBlocking", "ObservedOnLoop"]

_END = object()


class _Observed(AsyncIterator[Any]):
    """The input of a streaming run, kept for its end record where somebody needs it.

    Args:
        first: The first chunk, read already.
        source: Where the others come from.
        kept: Where to keep them, or None.
    """

    __slots__ = ("first", "kept", "source")

    def __init__(self, first: Any, source: Any, kept: list[Any] | None) -> None:
        self.first, self.source, self.kept = first, source, kept

    def keep(self, chunk: Any) -> Any:
        if chunk is _END:
            raise StopAsyncIteration
        if self.kept is not None:
            self.kept.append(chunk)
        return chunk


class ObservedBlocking(_Observed):
    """The input of a run under a blocking call."""

    @hidden
    async def __anext__(self) -> Any:
        chunk, self.first = self.first, None
        if chunk is not None:
            self.__class__ = _RestBlocking  # pyright: ignore[reportAttributeAccessIssue]  # same slots, one look less
            return self.keep(chunk[0])
        return self.keep(next(self.source, _END))


class _RestBlocking(ObservedBlocking):
    @hidden
    async def __anext__(self) -> Any:
        return self.keep(next(self.source, _END))


class ObservedOnLoop(_Observed):
    """The input of a run on an event loop."""

    @hidden
    async def __anext__(self) -> Any:
        chunk, self.first = self.first, None
        if chunk is not None:
            return self.keep(chunk[0])
        chunk = await self.source.__anext__()
        if self.kept is not None:
            self.kept.append(chunk)
        return chunk
