"""What models return: generations, alone or one list per prompt.

A chat generation's `text` is always its message's text. Chunks are added with `+`, which takes one chunk or a list and
is linear in the total size of the list.
"""

from .chat_generation import ChatGeneration, ChatGenerationChunk
from .chat_result import ChatResult
from .generation import Generation, GenerationChunk
from .llm_result import LLMResult
from .run_info import RunInfo

__all__ = [
    "ChatGeneration",
    "ChatGenerationChunk",
    "ChatResult",
    "Generation",
    "GenerationChunk",
    "LLMResult",
    "RunInfo",
]
