"""Answers of chat models, whole and in pieces."""

from collections.abc import Sequence
from typing import Any, Literal

from ..messages.chunks import BaseMessageChunk, add_chunks
from ..messages.message import BaseMessage, text_of
from .generation import Generation, chunks_in, joined_info

__all__ = ["ChatGeneration", "ChatGenerationChunk"]

_set = object.__setattr__


class ChatGeneration(Generation):
    """One answer of a chat model.

    Args:
        message: The answer; `text` is taken from it, whatever is given.
        generation_info: What the provider said about it.
    """

    text: str = ""
    message: BaseMessage
    type: Literal["ChatGeneration"] = "ChatGeneration"  # type: ignore[assignment]  # documented wire name

    def model_post_init(self, context: Any, /) -> None:
        """Take the text from the message."""
        self.text = str(self.message.text)


class ChatGenerationChunk(ChatGeneration):
    """A piece of a chat model's answer."""

    message: BaseMessageChunk  # pyright: ignore[reportIncompatibleVariableOverride]
    type: Literal["ChatGenerationChunk"] = "ChatGenerationChunk"  # type: ignore[assignment]  # documented wire name

    @classmethod
    def fast(cls, message: BaseMessageChunk) -> "ChatGenerationChunk":
        """Return a chunk of a message without validating it; for streams, a chunk a token.

        Args:
            message: The message chunk.
        """
        made = cls.__new__(cls)
        text, kind = text_of(message.content), "ChatGenerationChunk"
        _set(made, "__dict__", {"text": text, "generation_info": None, "type": kind, "message": message})
        _set(made, "__pydantic_fields_set__", {"message", "text"})
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    @classmethod
    def __fold__(cls, chunks: Sequence["ChatGenerationChunk"]) -> "ChatGenerationChunk":
        return chunks[0] + list(chunks[1:])

    def __add__(self, other: Any) -> "ChatGenerationChunk":
        """Return this chunk joined with another, or with each of a list.

        Raises:
            TypeError: If `other` is no chunk of this kind, or fields hold values that cannot be joined.
            ValueError: If the messages belong to different roles, names or tool calls.
        """
        chunks = [self, *chunks_in(self, other, ChatGenerationChunk)]
        message = add_chunks([c.message for c in chunks])
        return ChatGenerationChunk(message=message, generation_info=joined_info(chunks))
