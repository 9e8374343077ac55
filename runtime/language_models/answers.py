"""What the messages of an answer get from their run: an id and the provider's metadata.

What the provider made stays as it is, since it may give the same objects again; what changes is a copy.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from ..exceptions import ModelError
from ..messages import BaseMessageChunk, message_chunk_to_message
from ..outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from ..runnables.io import fold

__all__ = ["agenerate_from_stream", "copied", "generate_from_stream", "named", "told", "without_run_id"]

_set = object.__setattr__
_Model = TypeVar("_Model", bound=BaseModel)


def told(generation: ChatGeneration, shared: Mapping[str, Any] | None, name: str) -> ChatGeneration:
    """Return the generation with an id and its metadata in its message, as a copy where anything changes.

    Args:
        generation: The generation.
        shared: What the provider said of all generations of the call.
        name: The id of a message that has none.
    """
    message = generation.message
    metadata = {**(shared or {}), **(generation.generation_info or {}), **message.response_metadata}
    if message.id is not None and metadata == message.response_metadata:
        return generation
    told = copied(message, {"id": message.id or name, "response_metadata": metadata})
    return copied(generation, {"message": told})


def named(message: BaseMessageChunk, info: Mapping[str, Any] | None, name: str) -> BaseMessageChunk:
    """Return the chunk with an id and its info in its metadata, as a copy where anything changes.

    Args:
        message: The chunk.
        info: What the provider said of it.
        name: The id of a message that has none.
    """
    if info:
        return copied(message, {"id": message.id or name, "response_metadata": {**info, **message.response_metadata}})
    return message if message.id is not None else copied(message, {"id": name})


def copied(model: _Model, changes: Mapping[str, Any]) -> _Model:
    """Return a copy with other values for some fields; pydantic's own takes twice the time, for every token.

    Args:
        model: What to copy.
        changes: Field name -> value, which is not checked.
    """
    made = model.__class__.__new__(model.__class__)
    _set(made, "__dict__", {**model.__dict__, **changes})
    _set(made, "__pydantic_fields_set__", {*model.__pydantic_fields_set__, *changes})
    _set(made, "__pydantic_extra__", model.__pydantic_extra__)
    _set(made, "__pydantic_private__", model.__pydantic_private__)
    return made


def without_run_id(generation: ChatGeneration) -> ChatGeneration:
    """Return the generation without an id that names this run: the next run that gets it has its own.

    Args:
        generation: The generation.
    """
    if not (generation.message.id or "").startswith("run-"):
        return generation
    return copied(generation, {"message": copied(generation.message, {"id": None})})


def generate_from_stream(stream: Iterable[ChatGenerationChunk]) -> ChatResult:
    """Return streamed chunks as one answer; for a `_generate` that asks its own `_stream`.

    Args:
        stream: The chunks.

    Raises:
        ModelError: If there are none.
    """
    chunks = list(stream)
    if not chunks:
        raise ModelError("The stream gave no chunk; an answer has at least one.")
    total: ChatGenerationChunk = fold(chunks)
    message = message_chunk_to_message(total.message)
    return ChatResult(generations=[ChatGeneration(message=message, generation_info=total.generation_info)])


async def agenerate_from_stream(stream: AsyncIterator[ChatGenerationChunk]) -> ChatResult:
    """Return streamed chunks as one answer; for an `_agenerate` that asks its own `_astream`.

    Args:
        stream: The chunks.

    Raises:
        ModelError: If there are none.
    """
    return generate_from_stream([chunk async for chunk in stream])
