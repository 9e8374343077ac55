"""Calls of tools and their answers, by the documented import path; nothing else lives here."""

from .chunks import ToolMessageChunk
from .message import ToolMessage
from .tool_calls import (
    InvalidToolCall,
    ServerToolCall,
    ServerToolCallChunk,
    ServerToolResult,
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
    tool_call_chunk,
)
from .tool_calls import read_raw_tool_call_chunks as default_tool_chunk_parser
from .tool_calls import read_raw_tool_calls as default_tool_parser

__all__ = [
    "InvalidToolCall",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "default_tool_chunk_parser",
    "default_tool_parser",
    "invalid_tool_call",
    "tool_call",
    "tool_call_chunk",
]
