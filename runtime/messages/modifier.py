"""Requests to change a history, by the documented import path; nothing else lives here."""

from .message import RemoveMessage

__all__ = ["RemoveMessage"]
