"""Example selectors: which examples to show a model for an input."""

from .base import BaseExampleSelector
from .length import LengthBasedExampleSelector
from .nearness import MaxMarginalRelevanceExampleSelector, SemanticSimilarityExampleSelector, sorted_values

__all__ = [
    "BaseExampleSelector",
    "LengthBasedExampleSelector",
    "MaxMarginalRelevanceExampleSelector",
    "SemanticSimilarityExampleSelector",
    "sorted_values",
]
