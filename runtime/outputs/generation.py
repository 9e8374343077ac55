"""Answers of text models, whole and in pieces."""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from ..messages.merge import merge_dicts
from ..serializable import Serializable

__all__ = ["Generation", "GenerationChunk", "chunks_in", "joined_info"]


class Generation(Serializable):
    """One answer of a text model.

    Args:
        text: The answer.
        generation_info: What the provider said about it, such as why it stopped.
    """

    text: str
    generation_info: dict[str, Any] | None = None
    type: Literal["Generation"] = "Generation"

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold generations."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of outputs."""
        return ["langchain", "schema", "output"]


class GenerationChunk(Generation):
    """A piece of a text model's answer."""

    @classmethod
    def __fold__(cls, chunks: Sequence["GenerationChunk"]) -> "GenerationChunk":
        return chunks[0] + list(chunks[1:])

    def __add__(self, other: Any) -> "GenerationChunk":
        """Return this chunk joined with another, or with each of a list.

        Raises:
            TypeError: If `other` is no chunk of this kind, or infos hold values that cannot be joined.
        """
        chunks = [self, *chunks_in(self, other, GenerationChunk)]
        return GenerationChunk(text="".join(c.text for c in chunks), generation_info=joined_info(chunks))


_Kind = TypeVar("_Kind", bound=Generation)


def chunks_in(own: Generation, other: Any, kind: type[_Kind]) -> list[_Kind]:
    """Return what is to be added to a chunk: one, or a list of them.

    Args:
        own: The chunk.
        other: What is added.
        kind: The class that it must have.

    Raises:
        TypeError: If it has not.
    """
    others = list(other) if isinstance(other, list | tuple) else [other]
    for chunk in others:
        if not isinstance(chunk, kind):
            raise TypeError(f"Cannot add {type(chunk).__name__} to {type(own).__name__}; add a {kind.__name__}.")
    return others


def joined_info(chunks: Sequence[Generation]) -> dict[str, Any] | None:
    """Return the infos of chunks joined; None where none has any.

    Args:
        chunks: The chunks.

    Raises:
        TypeError: If infos hold values that cannot be joined.
    """
    infos = [c.generation_info for c in chunks if c.generation_info]
    return merge_dicts(*infos) if infos else None
