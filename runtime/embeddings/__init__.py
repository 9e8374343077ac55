"""Embeddings: texts as vectors of which near ones mean alike; and made-up ones for tests."""

from .embeddings import Embeddings
from .fake import DeterministicFakeEmbedding, FakeEmbeddings

__all__ = ["DeterministicFakeEmbedding", "Embeddings", "FakeEmbeddings"]
