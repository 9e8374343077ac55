"""Documents: pieces of text with what is known about them."""

from .document import Document

__all__ = ["Document"]
