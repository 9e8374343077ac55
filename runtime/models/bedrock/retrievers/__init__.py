"""Retrievers, under the documented path of their names."""

from ..retriever import AmazonKnowledgeBasesRetriever

__all__ = ["AmazonKnowledgeBasesRetriever"]
