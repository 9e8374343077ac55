"""Messages of any role, by the documented import path; nothing else lives here."""

from .chunks import ChatMessageChunk
from .message import ChatMessage

__all__ = ["ChatMessage", "ChatMessageChunk"]
