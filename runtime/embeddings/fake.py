"""Made-up vectors, for tests."""

from __future__ import annotations

import hashlib
from random import Random

from pydantic import BaseModel, Field

from .embeddings import Embeddings

__all__ = ["DeterministicFakeEmbedding", "FakeEmbeddings"]


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
