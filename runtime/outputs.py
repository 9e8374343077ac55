"""What models return: generations, alone or one list per prompt.

A chat generation's `text` is always its message's text. Chunks are added with `+`, which takes one chunk or a list and
is linear in the total size of the list.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel

from .messages.chunks import BaseMessageChunk, add_chunks
from .messages.merge import merge_dicts
from .messages.message import BaseMessage, text_of
from .serializable import Serializable

__all__ = [
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatResult",
    "Generation",
    "GenerationChunk",
    "LLMResult",
    "RunInfo",
]

_set = object.__setattr__


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
        chunks = [self, *_chunks(self, other, GenerationChunk)]
        return GenerationChunk(text="".join(c.text for c in chunks), generation_info=_joined_info(chunks))


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
        chunks = [self, *_chunks(self, other, ChatGenerationChunk)]
        message = add_chunks([c.message for c in chunks])
        return ChatGenerationChunk(message=message, generation_info=_joined_info(chunks))


class RunInfo(BaseModel):
    """Which run an answer came from."""

    run_id: UUID


class ChatResult(BaseModel):
    """What a chat model returns for one prompt.

    Args:
        generations: The candidate answers.
        llm_output: What the provider said about the call.
    """

    generations: list[ChatGeneration]
    llm_output: dict[str, Any] | None = None


class LLMResult(BaseModel):
    """What a model returns for several prompts.

    Args:
        generations: For each prompt its candidate answers.
        llm_output: What the provider said about the calls.
        run: The run of each prompt.
    """

    _token_usage_key: ClassVar[str] = "token_usage"

    generations: list[list[GenerationChunk | ChatGenerationChunk | ChatGeneration | Generation]]
    llm_output: dict[str, Any] | None = None
    run: list[RunInfo] | None = None
    type: Literal["LLMResult"] = "LLMResult"

    def flatten(self) -> list["LLMResult"]:
        """Return one result per prompt. Token usage stays with the first only, so that sums count it once."""
        results = []
        for place, generations in enumerate(self.generations):
            output = self.llm_output
            if output is not None and place:
                output = {**output, self._token_usage_key: {}}
            results.append(LLMResult(generations=[generations], llm_output=output))
        return results

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LLMResult):
            return NotImplemented
        return self.generations == other.generations and self.llm_output == other.llm_output

    __hash__ = None  # type: ignore[assignment]  # results can change


_Kind = TypeVar("_Kind", bound=Generation)


def _chunks(own: Generation, other: Any, kind: type[_Kind]) -> list[_Kind]:
    others = list(other) if isinstance(other, list | tuple) else [other]
    for chunk in others:
        if not isinstance(chunk, kind):
            raise TypeError(f"Cannot add {type(chunk).__name__} to {type(own).__name__}; add a {kind.__name__}.")
    return others


def _joined_info(chunks: Sequence[Generation]) -> dict[str, Any] | None:
    infos = [c.generation_info for c in chunks if c.generation_info]
    return merge_dicts(*infos) if infos else None
