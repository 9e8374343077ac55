"""The parser of plain text, under its documented path."""

from .text import StrOutputParser

__all__ = ["StrOutputParser"]
