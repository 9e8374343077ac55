"""What models are told of their task, by the documented import path; nothing else lives here."""

from .chunks import SystemMessageChunk
from .message import SystemMessage

__all__ = ["SystemMessage", "SystemMessageChunk"]
