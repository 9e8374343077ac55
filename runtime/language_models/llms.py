"""Text models: a text in, a text out, token by token where the provider streams.

A provider writes `_call` (or `_generate`), or `_stream` or `_astream` where it can stream; what it leaves out follows
from what it wrote, on an event loop by a worker thread. Tokens are told when `_stream` yields them; a `_stream` that
also reports them to its manager is not heard twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, ClassVar

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, manager_of
from ...tracing.lineage import SpanFacts
from ...tracing.scope import RunScope
from ..exceptions import ModelError
from ..outputs import Generation, GenerationChunk, LLMResult
from ..runnables.io import Io, fold, folded
from ..runnables.io_loop import ThreadedIteration, in_thread
from ..runnables.serializable import is_async_nearest
from .caching import cache_entry
from .legacy import CalledTexts
from .notices import tell_last_notices
from .spans import (
    AsyncMutedManager,
    MutedManager,
    give_token,
    keep_partial,
    log_answer,
    tell_answer,
    tell_first,
    tell_pace,
    tell_streaming,
    wants_tokens,
)
from .writing import managers, nothing_written, writes

__all__ = ["LLM", "BaseLLM"]


class BaseLLM(CalledTexts):
    """The base of text models: `_generate` answers several prompts at once."""

    run_type: ClassVar[str] = "llm"

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's answers to the prompts; here the sums of `_stream`."""
        if not writes(self, "_stream", BaseLLM):
            raise nothing_written(self, writes(self, "_astream", BaseLLM))
        return LLMResult(generations=[_summed(list(self._stream(prompt, stop=stop, **kwargs))) for prompt in prompts])

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's answers to the prompts, on an event loop; here `_generate` in a worker thread."""
        managed = managers(self, "_generate", run_manager.get_sync() if run_manager else None)
        result: LLMResult = await in_thread(self._generate, prompts, stop=stop, **managed, **kwargs)
        return result

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        """Yield the model's answer as it comes."""
        raise NotImplementedError

    def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        """Yield the model's answer as it comes, on an event loop; here `_stream`, read by a worker thread."""
        managed = managers(self, "_stream", run_manager.get_sync() if run_manager else None)
        return ThreadedIteration(lambda: self._stream(prompt, stop=stop, **managed, **kwargs))

    def span_facts(self) -> SpanFacts:
        """Return what the span of a call says."""
        return self.facts("text_completion")

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the prompt as records show it.

        Args:
            value: The input.
            scope: The run.
            kwargs: What the caller passed on.
        """
        prompt = self.prompt_of(value).to_string()
        details: dict[str, Any] = {"prompt": prompt}
        scope.details = details
        if scope.handlers:
            rest = {key: item for key, item in kwargs.items() if key != "stop"}
            details["start"] = ([prompt],)
            details["serialized"] = self.serialized()
            details["start_kwargs"] = self.start_details(kwargs.get("stop"), rest)
        return {"prompts": [prompt]}

    async def body(self, value: Any, io: Io, /, *, stop: list[str] | None = None, **kwargs: Any) -> Any:
        """Return the model's answer, from its cache where it has one.

        Args:
            value: The input.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If the model is to use the global cache and none is set.
            ModelError: If the provider gives no answer at all.
        """
        prompt = io.scope.details["prompt"]
        entry = cache_entry(self, prompt, stop, kwargs)
        kept = None if entry is None else await entry.found(io, Generation)
        if kept is not None:
            return self._ended(LLMResult(generations=[list(kept)]), io.scope)
        if wants_tokens(self, io) and self._can_stream(io):
            chunks = [chunk async for chunk in self._tokens(prompt, stop, io, kwargs)]
            result = self._ended(LLMResult(generations=[_summed(chunks)]), io.scope)
        else:
            result = self._ended(await self._answered(prompt, stop, io, kwargs), io.scope)
        if entry is not None:
            await entry.keep(io, result.generations[0])
        return result

    async def _answered(self, prompt: str, stop: list[str] | None, io: Io, kwargs: dict[str, Any]) -> LLMResult:
        given: list[list[Any]] = []
        try:
            if not io.blocking and is_async_nearest(type(self), "_agenerate", "_generate"):
                managed = managers(self, "_agenerate", io.manager)
                result = await self._agenerate([prompt], stop=stop, **managed, **kwargs)
            else:
                managed = managers(self, "_generate", manager_of(io.scope, blocking=True))
                result = await io.call(self._generate, [prompt], stop=stop, **managed, **kwargs)
            given = result.generations
            await tell_last_notices(io)
        except BaseException:
            await keep_partial(io, given)
            raise
        return result

    def _can_stream(self, io: Io) -> bool:
        return writes(self, "_stream", BaseLLM) or (not io.blocking and writes(self, "_astream", BaseLLM))

    async def flow(
        self, chunks: AsyncIterator[Any], io: Io, /, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Yield the model's tokens as they come; its whole text where it cannot stream.

        Args:
            chunks: The input, in one chunk.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.

        Raises:
            ModelError: If the provider gives no answer at all.
        """
        prompt = io.scope.details["prompt"]
        if not self._can_stream(io):
            result = self._ended(await self._answered(prompt, stop, io, kwargs), io.scope)
            yield result.generations[0][0].text
            return
        tokens = self._tokens(prompt, stop, io, kwargs)
        shown: list[str] = []
        try:
            async for chunk in tokens:
                if self.verbose:
                    shown.append(chunk.text)
                yield chunk.text
        finally:
            await io.close(tokens)
        if self.verbose:
            log_answer(self.get_name(), "".join(shown))

    async def _tokens(
        self, prompt: str, stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> AsyncIterator[GenerationChunk]:
        source: AsyncIterator[GenerationChunk]
        if not io.blocking and is_async_nearest(type(self), "_astream", "_stream"):
            managed = managers(self, "_astream", AsyncMutedManager(io.scope))
            source = self._astream(prompt, stop=stop, **managed, **kwargs)
        else:
            managed = managers(self, "_stream", MutedManager(io.scope))
            source = io.iterate(lambda: self._stream(prompt, stop=stop, **managed, **kwargs))
        tell_streaming(io.scope)
        said: list[GenerationChunk] = []
        kept: list[GenerationChunk] = []
        now_ns = io.scope.timeline.now_ns
        first_ns = last_ns = longest_ns = 0
        try:
            async for chunk in source:
                came_ns = now_ns()
                if not kept:
                    first_ns = came_ns
                    tell_first(io.scope, first_ns)
                elif came_ns - last_ns > longest_ns:
                    longest_ns = came_ns - last_ns
                last_ns = came_ns
                kept.append(chunk)
                if chunk.generation_info:
                    said.append(chunk)
                await give_token(io, chunk.text, chunk, chunk)
                yield chunk
            await tell_last_notices(io)
            if not kept:
                raise _no_chunks(self)
        except BaseException:
            if io.scope.handlers:
                await keep_partial(io, [[folded(kept)]] if kept else [])
            raise
        finally:
            tell_pace(io.scope, len(kept), last_ns - first_ns, longest_ns)
            if said:
                info = io.scope.details["info"] = fold(said).generation_info
                tell_answer(io.scope, info)
            await io.close(source)

    def _ended(self, result: LLMResult, scope: RunScope) -> LLMResult:
        if not result.generations or not result.generations[0]:
            raise ModelError(f"{type(self).__name__} returned no generation; its answer was {result!r}.")
        first = result.generations[0][0]
        scope.details["end"] = result
        tell_answer(scope, {**(result.llm_output or {}), **(first.generation_info or {})})
        if self.verbose:
            log_answer(self.get_name(), first.text)
        return result

    def shown_output(self, value: LLMResult, scope: RunScope) -> Any:
        """Return the answer as records show it.

        Args:
            value: The answer.
            scope: The run.
        """
        generations = [[_shown(generation) for generation in row] for row in value.generations]
        return {"generations": generations, "llm_output": value.llm_output}

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the streamed text as records show it.

        Args:
            chunks: The tokens.
            scope: The run.
        """
        details = scope.details
        if "end" not in details:
            chunk = GenerationChunk(text="".join(chunks), generation_info=details.get("info"))
            details["end"] = LLMResult(generations=[[chunk]])
        return self.shown_output(details["end"], scope)

    def answer(self, value: LLMResult, scope: RunScope) -> Any:
        """Return the text that the caller gets.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0][0].text


def _shown(generation: Generation) -> dict[str, Any]:
    return {"text": generation.text, "generation_info": generation.generation_info, "type": generation.type}


def _summed(chunks: list[GenerationChunk]) -> list[Any]:
    """Return streamed chunks as one candidate answer; none for none."""
    if not chunks:
        return []
    total: GenerationChunk = fold(chunks)
    return [Generation(text=total.text, generation_info=total.generation_info)]


def _no_chunks(model: BaseLLM) -> ModelError:
    return ModelError(f"{type(model).__name__} streamed no chunk at all; no generation chunks were returned.")


def _joined(model: BaseLLM, chunks: list[GenerationChunk]) -> str:
    if not chunks:
        raise _no_chunks(model)
    return "".join(chunk.text for chunk in chunks)


class LLM(BaseLLM):
    """A text model that answers one prompt at a time: write `_call`."""

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to the prompt; here the sum of `_stream`."""
        if not writes(self, "_stream", BaseLLM):
            raise nothing_written(self, writes(self, "_astream", BaseLLM) or writes(self, "_acall", LLM))
        return _joined(self, list(self._stream(prompt, stop=stop, **kwargs)))

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to the prompt, on an event loop; here `_call` in a worker thread."""
        if writes(self, "_astream", BaseLLM) and not writes(self, "_call", LLM):
            return _joined(self, [chunk async for chunk in self._astream(prompt, stop=stop, **kwargs)])
        managed = managers(self, "_call", run_manager.get_sync() if run_manager else None)
        text: str = await in_thread(self._call, prompt, stop=stop, **managed, **kwargs)
        return text

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        managed = managers(self, "_call", run_manager)
        texts = [self._call(prompt, stop=stop, **managed, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        if is_async_nearest(type(self), "_acall", "_call"):
            managed = managers(self, "_acall", run_manager)
            texts = [await self._acall(prompt, stop=stop, **managed, **kwargs) for prompt in prompts]
        else:
            texts = [await LLM._acall(self, prompt, stop, run_manager, **kwargs) for prompt in prompts]
        return LLMResult(generations=[[Generation(text=text)] for text in texts])
