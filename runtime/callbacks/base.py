"""Handlers by their documented import path; nothing else lives here."""

from . import AsyncCallbackHandler, BaseCallbackHandler, Callbacks

__all__ = ["AsyncCallbackHandler", "BaseCallbackHandler", "Callbacks"]
