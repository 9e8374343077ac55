"""Parsers: from a model's answer to a value, also while the answer arrives."""

from .base import BaseGenerationOutputParser, BaseLLMOutputParser, BaseOutputParser
from .enums import EnumOutputParser
from .json import JsonOutputParser, SimpleJsonOutputParser
from .lists import (
    CommaSeparatedListOutputParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
)
from .pydantic import PydanticOutputParser
from .text import StrOutputParser
from .tool_calls import JsonOutputKeyToolsParser, JsonOutputToolsParser, PydanticToolsParser
from .transform import BaseCumulativeTransformOutputParser, BaseTransformOutputParser
from .xml import XMLOutputParser

__all__ = [
    "BaseCumulativeTransformOutputParser",
    "BaseGenerationOutputParser",
    "BaseLLMOutputParser",
    "BaseOutputParser",
    "BaseTransformOutputParser",
    "CommaSeparatedListOutputParser",
    "EnumOutputParser",
    "JsonOutputKeyToolsParser",
    "JsonOutputParser",
    "JsonOutputToolsParser",
    "ListOutputParser",
    "MarkdownListOutputParser",
    "NumberedListOutputParser",
    "PydanticOutputParser",
    "PydanticToolsParser",
    "SimpleJsonOutputParser",
    "StrOutputParser",
    "XMLOutputParser",
]
