"""The handler by its documented import path; nothing else lives here."""

from . import StreamingStdOutCallbackHandler

__all__ = ["StreamingStdOutCallbackHandler"]
