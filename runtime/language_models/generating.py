"""`generate`: many inputs at once, and the whole results instead of answers alone.

Each input is a run of its own, with its span and its hooks, as if it were invoked: a cache answers what it has, the
model is asked for one input at a time. Blocking, they run in order and the first failure stops the rest; on an event
loop they run side by side, and the first failure is raised once all have ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

from ...tracing.callbacks.manager import CallbackManager, Callbacks
from ...tracing.scope import RunScope
from ..messages import BaseMessage
from ..outputs import ChatResult, LLMResult, RunInfo
from ..prompt_values import PromptValue
from ..runnables.composed import Composed
from ..runnables.config import RunnableConfig
from ..runnables.io import Io
from ..runnables.io_loop import gather_tasks
from .base import BaseLanguageModel

__all__ = ["GeneratingChats", "GeneratingTexts"]

_Outcome = tuple[Any, UUID]


class _Whole(Composed[Any, _Outcome]):
    """A model whose calls return the whole result and the run's id."""

    def __init__(self, model: BaseLanguageModel, size: int) -> None:
        self.model, self.size = model, size

    def opened(self, config: RunnableConfig | None) -> RunScope:
        return self.model.opened(config)

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        shown = self.model.shown_input(value, scope, kwargs)
        if scope.handlers:
            scope.details["start_kwargs"]["batch_size"] = self.size
        return shown

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        return await self.model.body(value, io, **kwargs)

    def shown_output(self, value: Any, scope: RunScope) -> Any:
        return self.model.shown_output(value, scope)

    def answer(self, value: Any, scope: RunScope) -> _Outcome:
        return value, scope.run.uuid


def _list(model: BaseLanguageModel, inputs: Any) -> list[Any]:
    if not isinstance(inputs, list):
        raise ValueError(  # noqa: TRY004 - documented as a ValueError
            f"{type(model).__name__} was given {inputs!r}; generate takes a list of inputs, invoke takes one."
        )
    return inputs


def _each(name: str, value: Any, count: int, is_each: bool) -> list[Any]:
    """Return what a call says for each input: the same for all, or a list of what each is told."""
    if not is_each:
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name} has {len(value)} entries for {count} inputs; give one each, or one for all.")
    return list(value)


def _configs(count: int, run_id: Any, **each: list[Any]) -> list[RunnableConfig]:
    ids = _each("run_id", run_id, count, True) if isinstance(run_id, list) else [run_id, *[None] * (count - 1)]
    said = {**each, "run_id": ids}
    return [cast(RunnableConfig, {key: values[place] for key, values in said.items()}) for place in range(count)]


async def _kept(call: Callable[..., Any], value: Any, config: RunnableConfig, kwargs: Mapping[str, Any]) -> Any:
    try:
        return await call(value, config, **kwargs)
    except Exception as exc:  # noqa: BLE001 - raised once all have ended
        return exc


def _asked(
    model: BaseLanguageModel, inputs: Sequence[Any], configs: Sequence[RunnableConfig], kwargs: Mapping[str, Any]
) -> list[_Outcome]:
    whole = _Whole(model, len(inputs))
    return [whole.invoke(value, config, **kwargs) for value, config in zip(inputs, configs, strict=True)]


async def _aasked(
    model: BaseLanguageModel, inputs: Sequence[Any], configs: Sequence[RunnableConfig], kwargs: Mapping[str, Any]
) -> list[_Outcome]:
    call = _Whole(model, len(inputs)).ainvoke
    jobs = [partial(_kept, call, value, config, kwargs) for value, config in zip(inputs, configs, strict=True)]
    outcomes = await gather_tasks(jobs, None) if jobs else []
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


class GeneratingChats(BaseLanguageModel):
    """`generate` of chat models."""

    def generate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several conversations.

        Args:
            messages: The conversations.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls.
            tags: Tags of the calls.
            metadata: Metadata of the calls.
            run_name: The name of the runs.
            run_id: The id of the first run.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If `messages` is no list.
        """
        configs = self._configs(messages, callbacks, tags, metadata, run_name, run_id)
        return self._together(_asked(self, messages, configs, {**kwargs, "stop": stop}))

    async def agenerate(
        self,
        messages: list[list[BaseMessage]],
        stop: list[str] | None = None,
        callbacks: Callbacks = None,
        *,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        run_name: str | None = None,
        run_id: UUID | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several conversations, on an event loop.

        Args:
            messages: The conversations.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls.
            tags: Tags of the calls.
            metadata: Metadata of the calls.
            run_name: The name of the runs.
            run_id: The id of the first run.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If `messages` is no list.
        """
        configs = self._configs(messages, callbacks, tags, metadata, run_name, run_id)
        return self._together(await _aasked(self, messages, configs, {**kwargs, "stop": stop}))

    def generate_prompt(
        self, prompts: list[PromptValue], stop: list[str] | None = None, callbacks: Callbacks = None, **kwargs: Any
    ) -> LLMResult:
        """Return the model's results for several prompt values.

        Args:
            prompts: The prompt values.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls.
            kwargs: As for `generate`.
        """
        return self.generate([prompt.to_messages() for prompt in prompts], stop, callbacks, **kwargs)

    async def agenerate_prompt(
        self, prompts: list[PromptValue], stop: list[str] | None = None, callbacks: Callbacks = None, **kwargs: Any
    ) -> LLMResult:
        """Return the model's results for several prompt values, on an event loop.

        Args:
            prompts: The prompt values.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls.
            kwargs: As for `agenerate`.
        """
        return await self.agenerate([prompt.to_messages() for prompt in prompts], stop, callbacks, **kwargs)

    def _configs(
        self, messages: Any, callbacks: Any, tags: Any, metadata: Any, run_name: Any, run_id: Any
    ) -> list[RunnableConfig]:
        said = {"callbacks": callbacks, "tags": tags, "metadata": metadata, "run_name": run_name}
        count = len(_list(self, messages))
        return _configs(count, run_id, **{name: [value] * count for name, value in said.items()})

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """Return what the provider said of several calls as one; here nothing."""
        return {}

    def _together(self, outcomes: Sequence[_Outcome]) -> LLMResult:
        results: list[ChatResult] = [result for result, _ in outcomes]
        return LLMResult(
            generations=[list(result.generations) for result in results],
            llm_output=self._combine_llm_outputs([result.llm_output for result in results]),
            run=[RunInfo(run_id=run_id) for _, run_id in outcomes] or None,
        )


class GeneratingTexts(BaseLanguageModel):
    """`generate` of text models; what a call says may also be a list with an entry for each prompt."""

    def generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        callbacks: Callbacks | list[Callbacks] = None,
        *,
        tags: list[str] | list[list[str]] | None = None,
        metadata: dict[str, Any] | list[dict[str, Any]] | None = None,
        run_name: str | list[str] | None = None,
        run_id: UUID | list[UUID | None] | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several texts.

        Args:
            prompts: The texts.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls, or a list of handlers for each.
            tags: Tags of the calls, or a list of tags for each.
            metadata: Metadata of the calls, or a list of one for each.
            run_name: The name of the runs, or a list of one for each.
            run_id: The id of the first run, or a list of one for each.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If `prompts` is no list, or a list for each has another length.
        """
        configs = self._configs(prompts, callbacks, tags, metadata, run_name, run_id)
        return self._together(_asked(self, prompts, configs, {**kwargs, "stop": stop}))

    async def agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        callbacks: Callbacks | list[Callbacks] = None,
        *,
        tags: list[str] | list[list[str]] | None = None,
        metadata: dict[str, Any] | list[dict[str, Any]] | None = None,
        run_name: str | list[str] | None = None,
        run_id: UUID | list[UUID | None] | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several texts, on an event loop.

        Args:
            prompts: The texts.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls, or a list of handlers for each.
            tags: Tags of the calls, or a list of tags for each.
            metadata: Metadata of the calls, or a list of one for each.
            run_name: The name of the runs, or a list of one for each.
            run_id: The id of the first run, or a list of one for each.
            kwargs: Passed on to the provider.

        Raises:
            ValueError: If `prompts` is no list, or a list for each has another length.
        """
        configs = self._configs(prompts, callbacks, tags, metadata, run_name, run_id)
        return self._together(await _aasked(self, prompts, configs, {**kwargs, "stop": stop}))

    def generate_prompt(
        self,
        prompts: list[PromptValue],
        stop: list[str] | None = None,
        callbacks: Callbacks | list[Callbacks] = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several prompt values.

        Args:
            prompts: The prompt values.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls, or a list of handlers for each.
            kwargs: As for `generate`.
        """
        return self.generate([prompt.to_string() for prompt in prompts], stop, callbacks, **kwargs)

    async def agenerate_prompt(
        self,
        prompts: list[PromptValue],
        stop: list[str] | None = None,
        callbacks: Callbacks | list[Callbacks] = None,
        **kwargs: Any,
    ) -> LLMResult:
        """Return the model's results for several prompt values, on an event loop.

        Args:
            prompts: The prompt values.
            stop: Texts at which an answer ends.
            callbacks: Handlers of the calls, or a list of handlers for each.
            kwargs: As for `agenerate`.
        """
        return await self.agenerate([prompt.to_string() for prompt in prompts], stop, callbacks, **kwargs)

    def _configs(
        self, prompts: Any, callbacks: Any, tags: Any, metadata: Any, run_name: Any, run_id: Any
    ) -> list[RunnableConfig]:
        count = len(_list(self, prompts))
        has_lists = isinstance(callbacks, list) and any(
            one is None or isinstance(one, list | CallbackManager) for one in callbacks
        )
        has_tags = isinstance(tags, list) and any(isinstance(one, list) for one in tags)
        return _configs(
            count,
            run_id,
            callbacks=_each("callbacks", callbacks, count, has_lists),
            tags=_each("tags", tags, count, has_tags),
            metadata=_each("metadata", metadata, count, isinstance(metadata, list)),
            run_name=_each("run_name", run_name, count, isinstance(run_name, list)),
        )

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any] | None:
        """Return what the provider said of several calls as one: token counts added up, else the last word."""
        said = [output for output in llm_outputs if output]
        if len(said) < 2:
            return said[0] if said else None
        combined: dict[str, Any] = {key: value for output in said for key, value in output.items()}
        usages = [usage for output in said if isinstance(usage := output.get("token_usage"), Mapping)]
        if usages:
            combined["token_usage"] = _added_up(usages)
        return combined

    def _together(self, outcomes: Sequence[_Outcome]) -> LLMResult:
        results: list[LLMResult] = [result for result, _ in outcomes]
        return LLMResult(
            generations=[result.generations[0] for result in results],
            llm_output=self._combine_llm_outputs([result.llm_output for result in results]),
            run=[RunInfo(run_id=run_id) for _, run_id in outcomes] or None,
        )


def _added_up(usages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for usage in usages:
        for key, count in usage.items():
            before = total.get(key)
            total[key] = before + count if isinstance(before, int) and isinstance(count, int) else count
    return total
