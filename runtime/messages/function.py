"""Functions' answers, by the documented import path; nothing else lives here."""

from .chunks import FunctionMessageChunk
from .message import FunctionMessage

__all__ = ["FunctionMessage", "FunctionMessageChunk"]
