"""BedrockLLM: text models of Bedrock by InvokeModel, and models that take messages, asked with one.

What is known of an answer beside its text (why it ended, its tokens, ids, times, tier) stands in the generation's
`generation_info`; of a stream, on the last chunk, which has no text. A stream that breaks off raises a
`TruncatedStreamError` after what came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from ....tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ...language_models.llms import LLM
from ...messages import UsageMetadata
from ...outputs import Generation, GenerationChunk, LLMResult
from ...runnables.config import RunnableConfig
from ...runnables.io import Io
from .base import BedrockBase
from .invoke.asking import Answer, Piece

__all__ = ["BedrockLLM"]


class BedrockLLM(BedrockBase, LLM):
    """A text model of Bedrock; the arguments are those of `BedrockBase`.

    Structured output is not for text models: `with_structured_output` raises `NotImplementedError`.
    """

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of text models of Bedrock."""
        return ["langchain", "llms", "bedrock"]

    @property
    def _llm_type(self) -> str:
        return "amazon_bedrock"

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """Return the model's answer to an input.

        Args:
            input: A text, messages, or a prompt value.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: `stop`, and what else the provider takes.
        """
        answer: str = LLM.invoke(self, input, config, **kwargs)
        return answer

    def _can_stream(self, io: Io) -> bool:
        return self._family().can_stream

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        return _result([self._answer(prompt, stop, kwargs) for prompt in prompts])

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        return _result([await self._aanswer(prompt, stop, kwargs) for prompt in prompts])

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return self._answer(prompt, stop, kwargs)[0].text

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        return (await self._aanswer(prompt, stop, kwargs))[0].text

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        pieces = self._pieces(prompt, stop, kwargs)
        try:
            for piece, _, known in pieces:
                yield from _chunk(piece, known)
        finally:
            pieces.close()

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        pieces = self._apieces(prompt, stop, kwargs)
        try:
            async for piece, _, known in pieces:
                for chunk in _chunk(piece, known):
                    yield chunk
        finally:
            await pieces.aclose()


def _chunk(piece: Piece, known: dict[str, Any]) -> list[GenerationChunk]:
    """Return the chunk of a piece; none for one that says nothing to a text model, such as reasoning."""
    if piece.is_last:
        return [GenerationChunk(text=piece.text, generation_info=_info(known, piece.usage))]
    return [GenerationChunk(text=piece.text)] if piece.text else []


def _result(answers: list[tuple[Answer, dict[str, Any]]]) -> LLMResult:
    rows = [[Generation(text=answer.text, generation_info=_info(known, answer.usage))] for answer, known in answers]
    return LLMResult(generations=[list(row) for row in rows])


def _info(known: dict[str, Any], usage: UsageMetadata | None) -> dict[str, Any]:
    return known if usage is None else {**known, "usage_metadata": usage}
