"""Parsers: from a model's answer to a value, also while the answer arrives."""

from .base import BaseGenerationOutputParser, BaseOutputParser
from .json import JsonOutputParser, SimpleJsonOutputParser
from .text import StrOutputParser
from .transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser

__all__ = [
    "BaseCumulativeTransformOutputParser",
    "BaseGenerationOutputParser",
    "BaseOutputParser",
    "BaseTransformOutputParser",
    "JsonOutputParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
]
