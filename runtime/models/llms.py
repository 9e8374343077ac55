"""Text models by their documented import path; nothing else lives here."""

from .chatglm import ChatGLM

__all__ = ["ChatGLM"]
