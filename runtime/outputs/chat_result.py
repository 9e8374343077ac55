"""What a chat model returns for one prompt."""

from typing import Any

from pydantic import BaseModel

from .chat_generation import ChatGeneration

__all__ = ["ChatResult"]


class ChatResult(BaseModel):
    """What a chat model returns for one prompt.

    Args:
        generations: The candidate answers.
        llm_output: What the provider said about the call.
    """

    generations: list[ChatGeneration]
    llm_output: dict[str, Any] | None = None
