"""Documents, by the documented import path; nothing else lives here."""

from .document import Document

__all__ = ["Document"]
