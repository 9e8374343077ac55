"""What a model returns for several prompts."""

from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from .chat_generation import ChatGeneration, ChatGenerationChunk
from .generation import Generation, GenerationChunk
from .run_info import RunInfo

__all__ = ["LLMResult"]


class LLMResult(BaseModel):
    """What a model returns for several prompts.

    Args:
        generations: For each prompt its candidate answers.
        llm_output: What the provider said about the calls.
        run: The run of each prompt.
    """

    _token_usage_key: ClassVar[str] = "token_usage"

    generations: list[list[GenerationChunk | ChatGenerationChunk | ChatGeneration | Generation]]
    llm_output: dict[str, Any] | None = None
    run: list[RunInfo] | None = None
    type: Literal["LLMResult"] = "LLMResult"

    def flatten(self) -> list["LLMResult"]:
        """Return one result per prompt. Token usage stays with the first only, so that sums count it once."""
        results = []
        for place, generations in enumerate(self.generations):
            output = self.llm_output
            if output is not None and place:
                output = {**output, self._token_usage_key: {}}
            results.append(LLMResult(generations=[generations], llm_output=output))
        return results

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LLMResult):
            return NotImplemented
        return self.generations == other.generations and self.llm_output == other.llm_output

    __hash__ = None  # type: ignore[assignment]  # results can change
