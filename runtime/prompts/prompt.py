"""Text prompts by the documented import path; nothing else lives here."""

from .template import PromptTemplate

__all__ = ["PromptTemplate"]
