"""Handlers by their documented import path; nothing else lives here."""

from . import AsyncCallbackHandler, BaseCallbackHandler, BaseCallbackManager, Callbacks

__all__ = ["AsyncCallbackHandler", "BaseCallbackHandler", "BaseCallbackManager", "Callbacks"]
