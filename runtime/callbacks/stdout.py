"""The handler by its documented import path; nothing else lives here."""

from . import StdOutCallbackHandler

__all__ = ["StdOutCallbackHandler"]
