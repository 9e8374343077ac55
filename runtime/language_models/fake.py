"""Text models that follow a script: for tests, examples and benchmarks. No network, always the same answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ..outputs import GenerationChunk
from .llms import LLM

__all__ = ["FakeListLLM", "FakeListLLMError", "FakeStreamingListLLM"]


class FakeListLLMError(Exception):
    """The failure that a script asks for."""


class FakeListLLM(LLM):
    """A text model that gives its responses in turn, round and round.

    Args:
        responses: The responses.
        sleep: How long it takes for an answer, in seconds.
        i: Which one comes next.
    """

    responses: list[str]
    sleep: float | None = None
    i: int = 0

    @property
    def _llm_type(self) -> str:
        return "fake-list"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"responses": self.responses}

    def cache_fields(self) -> Mapping[str, Any]:
        """Return the responses: which one comes next is no part of what is asked."""
        return {"responses": self.responses}

    def _next(self) -> str:
        response = self.responses[self.i]
        self.i = (self.i + 1) % len(self.responses)
        return response

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        if self.sleep is not None:
            time.sleep(self.sleep)
        return self._next()

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        if self.sleep is not None:
            await asyncio.sleep(self.sleep)
        return self._next()


class FakeStreamingListLLM(FakeListLLM):
    """A text model that gives its responses in turn and streams letter by letter; `sleep` is then each letter's.

    Args:
        error_on_chunk_number: Raise a FakeListLLMError in place of this letter of a stream, counted from 0.
    """

    error_on_chunk_number: int | None = None

    def _chunk(self, place: int, letter: str) -> GenerationChunk:
        if place == self.error_on_chunk_number:
            raise FakeListLLMError(f"The fake model fails at chunk {place}, as it was told to.")
        return GenerationChunk(text=letter)

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        for place, letter in enumerate(self._next()):
            if self.sleep is not None:
                time.sleep(self.sleep)
            yield self._chunk(place, letter)

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        for place, letter in enumerate(self._next()):
            if self.sleep is not None:
                await asyncio.sleep(self.sleep)
            yield self._chunk(place, letter)
