"""Text models: a text in, a text out, token by token where the provider streams.

A provider writes `_call`, and `_stream` or `_astream` where it can stream; `_acall` defaults to a worker thread.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from warnings import warn

from ...tracing.callbacks.manager import Callbacks
from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun, manager_of
from ...tracing.scope import RunScope, SpanFacts
from ..outputs import Generation, GenerationChunk, LLMResult
from ..runnables.config import RunnableConfig
from ..runnables.io import Io, fold
from .base import BaseLanguageModel, aware_of_streams, give_token, tell_usage

__all__ = ["LLM", "BaseLLM"]


class BaseLLM(BaseLanguageModel):
    """The base of text models: `_generate` answers several prompts at once."""

    run_type: ClassVar[str] = "llm"

    @abstractmethod
    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's answers to the prompts."""

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's answers to the prompts, on an event loop."""
        raise NotImplementedError

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
        """Yield the model's answer as it comes, on an event loop."""
        raise NotImplementedError

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
        scope.details = {
            "prompt": prompt,
            "start": ([prompt],),
            "serialized": {"name": type(self).__name__, "id": [*type(self).__module__.split("."), type(self).__name__]},
            "start_kwargs": {"invocation_params": {"_type": self._llm_type, **self._identifying_params}},
        }
        return {"prompts": [prompt]}

    async def body(self, value: Any, io: Io, /, *, stop: list[str] | None = None, **kwargs: Any) -> Any:
        """Return the model's answer.

        Args:
            value: The input.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.
        """
        prompt = io.scope.details["prompt"]
        if aware_of_streams(io) and self._can_stream(io):
            chunks = [chunk async for chunk in self._tokens(prompt, stop, io, kwargs)]
            return LLMResult(generations=[[fold(chunks) or GenerationChunk(text="")]])
        return await self._answered(prompt, stop, io, kwargs)

    async def _answered(self, prompt: str, stop: list[str] | None, io: Io, kwargs: dict[str, Any]) -> LLMResult:
        if not io.blocking and self._writes_async():
            return await self._agenerate([prompt], stop=stop, run_manager=io.manager, **kwargs)  # type: ignore[arg-type]
        manager = manager_of(io.scope, blocking=True)
        result: LLMResult = await io.call(self._generate, [prompt], stop=stop, run_manager=manager, **kwargs)
        return result

    def _writes_async(self) -> bool:
        return type(self)._agenerate is not BaseLLM._agenerate

    def _can_stream(self, io: Io) -> bool:
        kind = type(self)
        return kind._stream is not BaseLLM._stream or (not io.blocking and kind._astream is not BaseLLM._astream)

    async def flow(
        self, chunks: AsyncIterator[Any], io: Io, /, *, stop: list[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Yield the model's tokens as they come; its whole text where it cannot stream.

        Args:
            chunks: The input, in one chunk.
            io: What the run may do.
            stop: Texts at which the answer ends.
            kwargs: Passed on to the provider.
        """
        prompt = io.scope.details["prompt"]
        if not self._can_stream(io):
            result = await self._answered(prompt, stop, io, kwargs)
            yield result.generations[0][0].text
            return
        tokens = self._tokens(prompt, stop, io, kwargs)
        try:
            async for chunk in tokens:
                yield chunk.text
        finally:
            await io.close(tokens)

    async def _tokens(
        self, prompt: str, stop: list[str] | None, io: Io, kwargs: dict[str, Any]
    ) -> AsyncIterator[GenerationChunk]:
        source: AsyncIterator[GenerationChunk]
        if not io.blocking and type(self)._astream is not BaseLLM._astream:
            source = self._astream(prompt, stop=stop, **kwargs)
        else:
            source = io.iterate(lambda: self._stream(prompt, stop=stop, **kwargs))
        try:
            async for chunk in source:
                await give_token(io, chunk.text, chunk, chunk)
                yield chunk
        finally:
            await io.close(source)

    def shown_output(self, value: LLMResult, scope: RunScope) -> Any:
        """Return the answer as records show it.

        Args:
            value: The answer.
            scope: The run.
        """
        scope.details["end"] = value
        tell_usage(scope, (value.llm_output or {}).get("usage_metadata"), value.llm_output)
        generations = [[_shown(generation) for generation in row] for row in value.generations]
        return {"generations": generations, "llm_output": value.llm_output}

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the streamed text as records show it.

        Args:
            chunks: The tokens.
            scope: The run.
        """
        return self.shown_output(LLMResult(generations=[[GenerationChunk(text="".join(chunks))]]), scope)

    def answer(self, value: LLMResult, scope: RunScope) -> Any:
        """Return the text that the caller gets.

        Args:
            value: The answer.
            scope: The run.
        """
        return value.generations[0][0].text

    def __call__(
        self,
        prompt: str,
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to a text; `invoke` does the same.

        Args:
            prompt: The text.
            stop: Texts at which the answer ends.
            callbacks: Handlers of the call.
            tags: Tags of the call.
            metadata: Metadata of the call.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If the prompt is not a text.
        """
        if not isinstance(prompt, str):
            raise ValueError(  # noqa: TRY004 - documented as a ValueError
                f"The prompt is {prompt!r}; calling a model takes one text. Use invoke, batch or generate for others."
            )
        warn("Calling a model is deprecated; use invoke.", DeprecationWarning, stacklevel=2)
        config: RunnableConfig = {"callbacks": callbacks, "tags": tags or [], "metadata": metadata or {}}
        return str(self.invoke(prompt, config, stop=stop, **kwargs))

    def save(self, file_path: Path | str) -> None:
        """Write the model's identifying parameters to a file.

        Args:
            file_path: A path that ends in .json, .yaml or .yml; its folder is created.

        Raises:
            ValueError: If it ends otherwise.
            ImportError: If PyYAML is missing for a YAML file.
        """
        path = Path(file_path)
        parameters = {**self._identifying_params, "_type": self._llm_type}
        if path.suffix == ".json":
            text = json.dumps(parameters, indent=4)
        elif path.suffix in (".yaml", ".yml"):
            try:
                import yaml
            except ImportError as exc:
                raise ImportError("Saving as YAML needs PyYAML: pip install 'spanloom[yaml]'.") from exc
            text = yaml.dump(parameters, default_flow_style=False)
        else:
            raise ValueError(f"{file_path} must end in .json, .yaml or .yml.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _shown(generation: Generation) -> dict[str, Any]:
    return {"text": generation.text, "generation_info": generation.generation_info, "type": generation.type}


class LLM(BaseLLM):
    """A text model that answers one prompt at a time: write `_call`."""

    @abstractmethod
    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to the prompt."""

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        """Return the model's answer to the prompt, on an event loop."""
        raise NotImplementedError

    def _writes_async(self) -> bool:
        return type(self)._acall is not LLM._acall or type(self)._agenerate is not LLM._agenerate

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        texts = [self._call(prompt, stop=stop, run_manager=run_manager, **kwargs) for prompt in prompts]
        return _result(texts)

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        texts = [await self._acall(prompt, stop=stop, run_manager=run_manager, **kwargs) for prompt in prompts]
        return _result(texts)


def _result(texts: Sequence[str]) -> LLMResult:
    return LLMResult(generations=[[Generation(text=text)] for text in texts])
