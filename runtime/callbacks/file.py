"""The handler by its documented import path; nothing else lives here."""

from . import FileCallbackHandler

__all__ = ["FileCallbackHandler"]
