"""Chat histories: what was said in a session, kept between calls.

A program writes `add_messages` and `clear`, and gives `messages`; where it keeps them far away, also the async methods,
which otherwise do the same in a worker thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pydantic import BaseModel, Field

from .messages import AIMessage, BaseMessage, HumanMessage, get_buffer_string
from .runnables.io_loop import in_thread

__all__ = ["BaseChatMessageHistory", "InMemoryChatMessageHistory"]


class BaseChatMessageHistory(ABC):
    """What a history must offer."""

    messages: list[BaseMessage]
    """What was said, in order; a property where it is kept elsewhere."""

    async def aget_messages(self) -> list[BaseMessage]:
        """Return what was said, on an event loop."""
        found: list[BaseMessage] = await in_thread(lambda: self.messages)
        return found

    def add_user_message(self, message: HumanMessage | str) -> None:
        """Add what a human said.

        Args:
            message: The message, or its text.
        """
        self.add_message(HumanMessage(content=message) if isinstance(message, str) else message)

    def add_ai_message(self, message: AIMessage | str) -> None:
        """Add what a model said.

        Args:
            message: The message, or its text.
        """
        self.add_message(AIMessage(content=message) if isinstance(message, str) else message)

    def add_message(self, message: BaseMessage) -> None:
        """Add a message.

        Args:
            message: The message.

        Raises:
            NotImplementedError: If the class writes neither this nor `add_messages`.
        """
        if type(self).add_messages is BaseChatMessageHistory.add_messages:
            raise NotImplementedError(f"{type(self).__name__} has no add_messages; write it.")
        self.add_messages([message])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages; here one by one.

        Args:
            messages: The messages.
        """
        for message in messages:
            self.add_message(message)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages, on an event loop.

        Args:
            messages: The messages.
        """
        await in_thread(self.add_messages, messages)

    @abstractmethod
    def clear(self) -> None:
        """Forget what was said."""

    async def aclear(self) -> None:
        """Forget what was said, on an event loop."""
        await in_thread(self.clear)

    def __str__(self) -> str:
        return get_buffer_string(self.messages)


class InMemoryChatMessageHistory(BaseChatMessageHistory, BaseModel):
    """A history that lives as long as the process.

    Args:
        messages: What was said.
    """

    messages: list[BaseMessage] = Field(default_factory=list)

    async def aget_messages(self) -> list[BaseMessage]:
        """Return what was said, on an event loop."""
        return self.messages

    def add_message(self, message: BaseMessage) -> None:
        """Add a message.

        Args:
            message: The message.
        """
        self.messages.append(message)

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages, on an event loop.

        Args:
            messages: The messages.
        """
        self.add_messages(messages)

    def clear(self) -> None:
        """Forget what was said."""
        self.messages = []

    async def aclear(self) -> None:
        """Forget what was said, on an event loop."""
        self.clear()
