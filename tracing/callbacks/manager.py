"""Callback managers: where runs get their handlers from, and what user code inside a run speaks to it through.

A manager starts runs by hand and stands in a config as `callbacks`; a run's own manager ends it, and makes managers for
its children.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ..ids import new_id
from ..scope import Parent, RunScope
from .dispatch import Call, aemit, custom_call, emit
from .managing import BaseCallbackManager, Callbacks, open_run
from .run_base import BaseRunManager
from .run_blocking import BlockingHooks, ChainHooks, ModelHooks, RetrieverHooks, ToolHooks
from .run_on_loop import AsyncChainHooks, AsyncHooks, AsyncModelHooks, AsyncRetrieverHooks, AsyncToolHooks
from .starting import begin_many, begin_run, tool_input

__all__ = [
    "AsyncCallbackManager",
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncRunManager",
    "BaseCallbackManager",
    "BaseRunManager",
    "CallbackManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "Callbacks",
    "RunManager",
    "manager_of",
    "open_run",
]


class CallbackManager(BaseCallbackManager):
    """The manager that blocking code gets."""

    def on_chain_start(
        self, serialized: dict[str, Any] | None, inputs: Any, run_id: UUID | None = None, **kwargs: Any
    ) -> CallbackManagerForChainRun:
        """Start a chain's run and return its manager.

        Args:
            serialized: What is known of the chain's class.
            inputs: Its input.
            run_id: Its id; a new one when not given.
            kwargs: `name` and `run_type` of the run; the rest is passed on to handlers.
        """
        run_type = kwargs.get("run_type") or "chain"
        scope = _begun(*begin_run(self, run_type, serialized, inputs, (inputs,), run_id, kwargs))
        return CallbackManagerForChainRun(scope)

    def on_llm_start(
        self, serialized: dict[str, Any] | None, prompts: list[str], run_id: UUID | None = None, **kwargs: Any
    ) -> list[CallbackManagerForLLMRun]:
        """Start a run for each prompt and return their managers.

        Args:
            serialized: What is known of the model's class.
            prompts: The prompts.
            run_id: The id of the first; the others get new ones.
            kwargs: `name` of the runs; the rest is passed on to handlers.
        """
        begun = begin_many(self, "llm", serialized, prompts, run_id, kwargs)
        return [CallbackManagerForLLMRun(_begun(scope, call)) for scope, call in begun]

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        run_id: UUID | None = None,
        **kwargs: Any,
    ) -> list[CallbackManagerForLLMRun]:
        """Start a run for each list of messages and return their managers.

        Args:
            serialized: What is known of the model's class.
            messages: The lists of messages.
            run_id: The id of the first; the others get new ones.
            kwargs: `name` of the runs; the rest is passed on to handlers.
        """
        begun = begin_many(self, "chat_model", serialized, messages, run_id, kwargs)
        return [CallbackManagerForLLMRun(_begun(scope, call)) for scope, call in begun]

    def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> CallbackManagerForToolRun:
        """Start a tool's run and return its manager.

        Args:
            serialized: The tool's name and description.
            input_str: The input as text.
            run_id: Its id; a new one when not given.
            parent_run_id: Accepted; the manager knows the parent.
            inputs: The arguments.
            kwargs: `name` of the run; the rest is passed on to handlers.
        """
        shown, given = tool_input(input_str, inputs), {"inputs": inputs, **kwargs}
        scope = _begun(*begin_run(self, "tool", serialized, shown, (input_str,), run_id, given))
        return CallbackManagerForToolRun(scope)

    def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> CallbackManagerForRetrieverRun:
        """Start a retriever's run and return its manager.

        Args:
            serialized: What is known of the retriever's class.
            query: The query.
            run_id: Its id; a new one when not given.
            parent_run_id: Accepted; the manager knows the parent.
            kwargs: `name` of the run; the rest is passed on to handlers.
        """
        scope = _begun(*begin_run(self, "retriever", serialized, {"query": query}, (query,), run_id, kwargs))
        return CallbackManagerForRetrieverRun(scope)

    def on_custom_event(self, name: str, data: Any, run_id: UUID | None = None, **kwargs: Any) -> None:
        """Give handlers a custom event; inside a run it is that run's, in streams and journal too.

        Args:
            name: The event's name.
            data: Its data.
            run_id: The run told to handlers; the enclosing run when not given.
            kwargs: Passed on to handlers.
        """
        emit(tuple(self.handlers), _custom(self, name, data, run_id, kwargs))


class AsyncCallbackManager(CallbackManager):
    """The manager that code on an event loop gets; hooks of its runs are awaited."""

    is_async = True

    async def on_chain_start(  # type: ignore[override]  # awaited
        self, serialized: dict[str, Any] | None, inputs: Any, run_id: UUID | None = None, **kwargs: Any
    ) -> AsyncCallbackManagerForChainRun:
        """Start a chain's run and return its manager.

        Args:
            serialized: What is known of the chain's class.
            inputs: Its input.
            run_id: Its id; a new one when not given.
            kwargs: `name` and `run_type` of the run; the rest is passed on to handlers.
        """
        run_type = kwargs.get("run_type") or "chain"
        scope = await _abegun(*begin_run(self, run_type, serialized, inputs, (inputs,), run_id, kwargs))
        return AsyncCallbackManagerForChainRun(scope)

    async def on_llm_start(  # type: ignore[override]  # awaited
        self, serialized: dict[str, Any] | None, prompts: list[str], run_id: UUID | None = None, **kwargs: Any
    ) -> list[AsyncCallbackManagerForLLMRun]:
        """Start a run for each prompt and return their managers.

        Args:
            serialized: What is known of the model's class.
            prompts: The prompts.
            run_id: The id of the first; the others get new ones.
            kwargs: `name` of the runs; the rest is passed on to handlers.
        """
        begun = begin_many(self, "llm", serialized, prompts, run_id, kwargs)
        return [AsyncCallbackManagerForLLMRun(await _abegun(scope, call)) for scope, call in begun]

    async def on_chat_model_start(  # type: ignore[override]  # awaited
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        run_id: UUID | None = None,
        **kwargs: Any,
    ) -> list[AsyncCallbackManagerForLLMRun]:
        """Start a run for each list of messages and return their managers.

        Args:
            serialized: What is known of the model's class.
            messages: The lists of messages.
            run_id: The id of the first; the others get new ones.
            kwargs: `name` of the runs; the rest is passed on to handlers.
        """
        begun = begin_many(self, "chat_model", serialized, messages, run_id, kwargs)
        return [AsyncCallbackManagerForLLMRun(await _abegun(scope, call)) for scope, call in begun]

    async def on_tool_start(  # type: ignore[override]  # awaited
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        inputs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> AsyncCallbackManagerForToolRun:
        """Start a tool's run and return its manager.

        Args:
            serialized: The tool's name and description.
            input_str: The input as text.
            run_id: Its id; a new one when not given.
            parent_run_id: Accepted; the manager knows the parent.
            inputs: The arguments.
            kwargs: `name` of the run; the rest is passed on to handlers.
        """
        shown, given = tool_input(input_str, inputs), {"inputs": inputs, **kwargs}
        scope = await _abegun(*begin_run(self, "tool", serialized, shown, (input_str,), run_id, given))
        return AsyncCallbackManagerForToolRun(scope)

    async def on_retriever_start(  # type: ignore[override]  # awaited
        self,
        serialized: dict[str, Any] | None,
        query: str,
        run_id: UUID | None = None,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> AsyncCallbackManagerForRetrieverRun:
        """Start a retriever's run and return its manager.

        Args:
            serialized: What is known of the retriever's class.
            query: The query.
            run_id: Its id; a new one when not given.
            parent_run_id: Accepted; the manager knows the parent.
            kwargs: `name` of the run; the rest is passed on to handlers.
        """
        scope = await _abegun(*begin_run(self, "retriever", serialized, {"query": query}, (query,), run_id, kwargs))
        return AsyncCallbackManagerForRetrieverRun(scope)

    async def on_custom_event(self, name: str, data: Any, run_id: UUID | None = None, **kwargs: Any) -> None:  # type: ignore[override]  # awaited
        """Give handlers a custom event; inside a run it is that run's, in streams and journal too.

        Args:
            name: The event's name.
            data: Its data.
            run_id: The run told to handlers; the enclosing run when not given.
            kwargs: Passed on to handlers.
        """
        await aemit(tuple(self.handlers), _custom(self, name, data, run_id, kwargs))


def _begun(scope: RunScope, call: Call) -> RunScope:
    emit(scope.handlers, call)
    return scope


async def _abegun(scope: RunScope, call: Call) -> RunScope:
    await aemit(scope.handlers, call)
    return scope


def _custom(manager: BaseCallbackManager, name: str, data: Any, run_id: UUID | None, kwargs: Mapping[str, Any]) -> Call:
    scope = manager.parent_scope
    if scope is None:
        told = {"run_id": UUID(int=new_id()), "tags": list(manager.tags), "metadata": dict(manager.metadata)}
        call = Call("on_custom_event", (name, data), told, "ignore_custom_event")
    else:
        scope.custom(name, data)
        call = custom_call(scope, name, data)
    given = {} if run_id is None else {"run_id": run_id}
    return call._replace(kwargs={**call.kwargs, **given, **kwargs})


class RunManager(BlockingHooks):
    """The manager of a run that blocking code drives."""

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """Return the manager for a child of this run.

        Args:
            tag: A tag for the child alone.
        """
        return CallbackManager.of(Parent(self.scope, tag))


class AsyncRunManager(AsyncHooks):
    """The manager of a run that an event loop drives."""

    def get_child(self, tag: str | None = None) -> AsyncCallbackManager:
        """Return the manager for a child of this run.

        Args:
            tag: A tag for the child alone.
        """
        return AsyncCallbackManager.of(Parent(self.scope, tag))

    def get_sync(self) -> RunManager:
        """Return the blocking manager of the same run."""
        return manager_of(self.scope, blocking=True)  # type: ignore[return-value]


class CallbackManagerForChainRun(ChainHooks, RunManager):
    """The manager of a chain run."""


class CallbackManagerForRetrieverRun(RetrieverHooks, RunManager):
    """The manager of a retriever run."""


class CallbackManagerForToolRun(ToolHooks, RunManager):
    """The manager of a tool run."""


class CallbackManagerForLLMRun(ModelHooks, RunManager):
    """The manager of a model run."""


class AsyncCallbackManagerForChainRun(AsyncChainHooks, AsyncRunManager):
    """The manager of a chain run on an event loop."""


class AsyncCallbackManagerForRetrieverRun(AsyncRetrieverHooks, AsyncRunManager):
    """The manager of a retriever run on an event loop."""


class AsyncCallbackManagerForToolRun(AsyncToolHooks, AsyncRunManager):
    """The manager of a tool run on an event loop."""


class AsyncCallbackManagerForLLMRun(AsyncModelHooks, AsyncRunManager):
    """The manager of a model run on an event loop."""


_BLOCKING: dict[str, type[RunManager]] = {
    "llm": CallbackManagerForLLMRun,
    "chat_model": CallbackManagerForLLMRun,
    "tool": CallbackManagerForToolRun,
    "retriever": CallbackManagerForRetrieverRun,
}
_ON_LOOP: dict[str, type[AsyncRunManager]] = {
    "llm": AsyncCallbackManagerForLLMRun,
    "chat_model": AsyncCallbackManagerForLLMRun,
    "tool": AsyncCallbackManagerForToolRun,
    "retriever": AsyncCallbackManagerForRetrieverRun,
}


def manager_of(scope: RunScope, *, blocking: bool) -> RunManager | AsyncRunManager:
    """Return the manager for user code inside the run.

    Args:
        scope: The run.
        blocking: Whether that code is blocking code.
    """
    if blocking:
        return _BLOCKING.get(scope.run.type, CallbackManagerForChainRun)(scope)
    return _ON_LOOP.get(scope.run.type, AsyncCallbackManagerForChainRun)(scope)
