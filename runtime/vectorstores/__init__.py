"""Vector stores: documents found by the nearness of their texts to a question."""

from .base import VST, VectorStore, VectorStoreRetriever, documents_of
from .faiss import FAISS
from .in_memory import InMemoryVectorStore
from .searching import SEARCH_TYPES, Scored, Searchable
from .similarity import cosine, maximal_marginal_relevance

__all__ = [
    "FAISS",
    "SEARCH_TYPES",
    "VST",
    "InMemoryVectorStore",
    "Scored",
    "Searchable",
    "VectorStore",
    "VectorStoreRetriever",
    "cosine",
    "documents_of",
    "maximal_marginal_relevance",
]
