"""What message templates share, by the documented import path; nothing else lives here."""

from .message_templates import BaseMessagePromptTemplate

__all__ = ["BaseMessagePromptTemplate"]
