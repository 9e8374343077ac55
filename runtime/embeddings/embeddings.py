"""Texts as vectors of which near ones mean alike."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..runnables.io_loop import in_thread

__all__ = ["Embeddings"]


class Embeddings(ABC):
    """Makes vectors of texts; a subclass writes the two blocking methods.

    The async methods run the blocking ones in a worker thread; a subclass that knows better overrides them.
    """

    @abstractmethod
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text that is to be found.

        Args:
            texts: The texts.
        """

    @abstractmethod
    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is to find others.

        Args:
            text: The text.
        """

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vector of each text that is to be found, on an event loop.

        Args:
            texts: The texts.
        """
        vectors: list[list[float]] = await in_thread(self.embed_documents, texts)
        return vectors

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of a text that is to find others, on an event loop.

        Args:
            text: The text.
        """
        vector: list[float] = await in_thread(self.embed_query, text)
        return vector
