"""Parsers of tool calls, under their documented path."""

from .raw_tool_calls import make_invalid_tool_call, parse_tool_call, parse_tool_calls
from .tool_calls import JsonOutputKeyToolsParser, JsonOutputToolsParser, PydanticToolsParser

__all__ = [
    "JsonOutputKeyToolsParser",
    "JsonOutputToolsParser",
    "PydanticToolsParser",
    "make_invalid_tool_call",
    "parse_tool_call",
    "parse_tool_calls",
]
