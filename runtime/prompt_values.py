"""What a prompt yields: a value that any model can take, as text or as messages."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict

from .messages.convert import AnyMessage, get_buffer_string
from .messages.message import BaseMessage, HumanMessage
from .serializable import Serializable

__all__ = [
    "ChatPromptValue",
    "ChatPromptValueConcrete",
    "ImagePromptValue",
    "ImageURL",
    "PromptValue",
    "StringPromptValue",
]


class PromptValue(Serializable, ABC):
    """The base: a prompt as text or as messages."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold prompt values."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of prompt values."""
        return ["langchain", "schema", "prompt"]

    @abstractmethod
    def to_string(self) -> str:
        """Return the prompt as text."""

    @abstractmethod
    def to_messages(self) -> list[BaseMessage]:
        """Return the prompt as messages."""


class StringPromptValue(PromptValue):
    """A prompt that is a text; as messages, one of a human."""

    text: str
    type: Literal["StringPromptValue"] = "StringPromptValue"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of text prompts."""
        return ["langchain", "prompts", "base"]

    def to_string(self) -> str:
        """Return the text."""
        return self.text

    def to_messages(self) -> list[BaseMessage]:
        """Return the text as a human's message."""
        return [HumanMessage(self.text)]


class ChatPromptValue(PromptValue):
    """A prompt that is a conversation."""

    messages: Sequence[BaseMessage]

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of chat prompts."""
        return ["langchain", "prompts", "chat"]

    def to_string(self) -> str:
        """Return the conversation as text, one "Speaker: words" per message."""
        return get_buffer_string(self.messages)

    def to_messages(self) -> list[BaseMessage]:
        """Return the messages in a new list."""
        return list(self.messages)


class ChatPromptValueConcrete(ChatPromptValue):
    """A conversation whose schema names each kind of message, so that mappings are read by their `type`."""

    messages: Sequence[AnyMessage]  # pyright: ignore[reportIncompatibleVariableOverride]
    type: Literal["ChatPromptValueConcrete"] = "ChatPromptValueConcrete"


class ImageURL(TypedDict, total=False):
    """Where an image is: an address or a data URL, and in what detail a model should look at it."""

    detail: Literal["auto", "low", "high"]
    url: str


class ImagePromptValue(PromptValue):
    """A prompt that is an image; as text, its address."""

    image_url: ImageURL
    type: Literal["ImagePromptValue"] = "ImagePromptValue"

    def to_string(self) -> str:
        """Return the image's address, or an empty text if there is none."""
        return self.image_url.get("url", "")

    def to_messages(self) -> list[BaseMessage]:
        """Return the image as a human's message."""
        return [HumanMessage([dict(self.image_url)])]
