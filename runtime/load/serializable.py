"""The base of what dumps hold, by the documented import path; nothing else lives here."""

from ..serializable import Serializable

__all__ = ["Serializable"]
