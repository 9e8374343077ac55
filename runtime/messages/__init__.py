"""Messages, their chunks, and what stands for a message."""

from .chunks import (
    AIMessageChunk,
    BaseMessageChunk,
    ChatMessageChunk,
    FunctionMessageChunk,
    HumanMessageChunk,
    SystemMessageChunk,
    ToolMessageChunk,
    add_chunks,
    message_chunk_to_message,
)
from .convert import AnyMessage, MessageLikeRepresentation, convert_to_messages, get_buffer_string
from .merge import merge_content
from .message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from .tool_calls import InvalidToolCall, ToolCall, ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk
from .usage import InputTokenDetails, OutputTokenDetails, UsageMetadata, add_usage, subtract_usage

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "AnyMessage",
    "BaseMessage",
    "BaseMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "InputTokenDetails",
    "InvalidToolCall",
    "MessageLikeRepresentation",
    "OutputTokenDetails",
    "RemoveMessage",
    "SystemMessage",
    "SystemMessageChunk",
    "ToolCall",
    "ToolCallChunk",
    "ToolMessage",
    "ToolMessageChunk",
    "UsageMetadata",
    "add_chunks",
    "add_usage",
    "convert_to_messages",
    "get_buffer_string",
    "invalid_tool_call",
    "merge_content",
    "message_chunk_to_message",
    "subtract_usage",
    "tool_call",
    "tool_call_chunk",
]
