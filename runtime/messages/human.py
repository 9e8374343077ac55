"""What users say, by the documented import path; nothing else lives here."""

from .chunks import HumanMessageChunk
from .message import HumanMessage

__all__ = ["HumanMessage", "HumanMessageChunk"]
