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

__all__ = [
    "InvalidToolCall",
    "ServerToolCall",
    "ServerToolCallChunk",
    "ServerToolResult",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "invalid_tool_call",
    "tool_call",
    "tool_call_chunk",
]
