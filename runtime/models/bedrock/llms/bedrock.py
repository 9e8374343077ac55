"""Text models, under the documented path of their names."""

from ..base import BedrockBase
from ..llm import BedrockLLM

__all__ = ["BedrockBase", "BedrockLLM"]
