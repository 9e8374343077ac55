"""What models say, by the documented import path; nothing else lives here."""

from .ai_chunk import AIMessageChunk
from .message import AIMessage
from .usage import InputTokenDetails, OutputTokenDetails, UsageMetadata, add_usage, subtract_usage

__all__ = [
    "AIMessage",
    "AIMessageChunk",
    "InputTokenDetails",
    "OutputTokenDetails",
    "UsageMetadata",
    "add_usage",
    "subtract_usage",
]
