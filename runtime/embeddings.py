"""Embeddings: texts as vectors of which near ones mean alike; and made-up ones for tests."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from random import Random

from pydantic import BaseModel, Field

from .runnables.io_loop import in_thread

__all__ = ["DeterministicFakeEmbedding", "Embeddings", "FakeEmbeddings"]


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


class FakeEmbeddings(Embeddings, BaseModel):
    """Random vectors, for tests: another one at each call. Coordinates are drawn from a normal distribution.

    Args:
        size: How many coordinates a vector has.
    """

    size: int = Field(ge=1)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each text.

        Args:
            texts: The texts.
        """
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Return a vector.

        Args:
            text: The text.
        """
        draw = self._random(text)
        return [draw.gauss(0.0, 1.0) for _ in range(self.size)]

    def _random(self, text: str) -> Random:
        return Random()


class DeterministicFakeEmbedding(FakeEmbeddings):
    """Made-up vectors, for tests: always the same one for the same text, whatever the process. Meaning plays no part.

    Args:
        size: How many coordinates a vector has.
    """

    def _random(self, text: str) -> Random:
        return Random(hashlib.sha256(text.encode()).digest())
