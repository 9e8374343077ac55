"""Retrievers and their settings, under the documented path of their names."""

from ..retrieval_config import RetrievalConfig, SearchFilter, VectorSearchConfig
from ..retriever import AmazonKnowledgeBasesRetriever

__all__ = ["AmazonKnowledgeBasesRetriever", "RetrievalConfig", "SearchFilter", "VectorSearchConfig"]
