"""The parser that gives an answer's text, chunk by chunk."""

from __future__ import annotations

from ..runnables.serializable import is_ours
from .base import text_of
from .transform import BaseTransformOutputParser, Feeder

__all__ = ["StrOutputParser"]


class StrOutputParser(BaseTransformOutputParser[str]):
    """The text of an answer: a text as it is, of a message its texts and text blocks."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold this parser."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace."""
        return ["langchain", "schema", "output_parser"]

    @property
    def _type(self) -> str:
        return "default"

    def feeder(self) -> Feeder:
        """Return what reads one answer: each chunk gives its text, also an empty one."""
        if is_ours(type(self), "parse", "parse_result"):
            return lambda chunk: (text_of(chunk),)
        return super().feeder()

    def parse(self, text: str) -> str:
        """Return the text.

        Args:
            text: The text.
        """
        return text
