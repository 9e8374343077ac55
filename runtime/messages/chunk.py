"""Chunks: messages in pieces. `a + b` joins two, `add_chunks` a whole stream in linear time.

The sum has the first chunk's class. Its id is the first one of the highest rank: a provider's own, then one made for a
run ("run-...", then "lc_run-..."), then an automatic one ("lc_..."). Its name is the first that is set.
"""

from collections.abc import Sequence
from typing import Any, Self, TypeVar

from ..exceptions import InvalidInputError
from .merge import merge_content, merge_dicts
from .message import BaseMessage, Blocks, Content

__all__ = ["BaseMessageChunk", "add_chunks"]


class BaseMessageChunk(BaseMessage):
    """A piece of a message, which can be added to others."""

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)

    def __add__(self, other: Any) -> Self:
        """Return this chunk joined with another, or with each of a list.

        Raises:
            TypeError: If `other` is no chunk, or fields hold values that cannot be joined.
            ValueError: If the chunks belong to different roles, names or tool calls.
        """
        others = list(other) if isinstance(other, list | tuple) else [other]
        for chunk in others:
            if not isinstance(chunk, BaseMessageChunk):
                raise TypeError(
                    f"Cannot add {type(chunk).__name__} to {type(self).__name__}: only message chunks can be added."
                )
        return self.of_sum(self.sum_fields(others)) if others else self

    @classmethod
    def __fold__(cls, chunks: Sequence[Any]) -> Any:
        return add_chunks(chunks)

    @classmethod
    def of_sum(cls, fields: dict[str, Any]) -> Self:
        """Return the chunk that a sum's arguments make."""
        return cls(**fields)

    def sum_fields(self, others: Sequence["BaseMessageChunk"]) -> dict[str, Any]:
        """Return the arguments of the sum of this chunk and `others`, in time linear in their total size.

        Raises:
            TypeError: If fields hold values that cannot be joined.
        """
        chunks = [self, *others]
        extra = [c.additional_kwargs for c in chunks if c.additional_kwargs]
        metadata = [c.response_metadata for c in chunks if c.response_metadata]
        return {
            "content": merge_content(self.content, *(c.content for c in others)),
            "additional_kwargs": merge_dicts(*extra) if extra else {},
            "response_metadata": merge_dicts(*metadata) if metadata else {},
            "name": next((c.name for c in chunks if c.name is not None), None),
            "id": min(dict.fromkeys(c.id for c in chunks if c.id), key=_id_rank, default=self.id),
        }


ChunkT = TypeVar("ChunkT", bound=BaseMessageChunk)


def add_chunks(chunks: Sequence[ChunkT]) -> ChunkT:
    """Return the sum of a stream's chunks, equal to adding them one by one, in time linear in their total size.

    Raises:
        InvalidInputError: If there are no chunks.
        TypeError: If one is no chunk, or fields hold values that cannot be joined.
        ValueError: If the chunks belong to different roles, names or tool calls.
    """
    if not chunks:
        raise InvalidInputError("There is nothing to add: give at least one message chunk.")
    return chunks[0] + chunks[1:] if len(chunks) > 1 else chunks[0]


_MADE_IDS = ("run-", "lc_run-", "lc_")


def _id_rank(message_id: str) -> int:
    return next((rank for rank, prefix in enumerate(_MADE_IDS, 1) if message_id.startswith(prefix)), 0)
