"""Tracers: handlers that are given whole runs instead of single hooks.

A tracer writes `_persist_run`, called with each root run that has ended, its `child_runs` complete. It may also write
`_on_run_create`, `_on_run_update` and `_on_<what>_<start|end|error>`, where what is chain, llm, chat_model, tool or
retriever; these are called for every run. `run_map` holds the runs under way and nothing else.

Chat models are llm runs with their messages as text, unless `_schema_format` is `original+chat`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any
from uuid import UUID

from ...tracing.callbacks.async_handlers import AsyncCallbackHandler
from ...tracing.callbacks.book import UnknownRunError
from ...tracing.callbacks.handlers import BaseCallbackHandler
from ...tracing.callbacks.traced import TracedRun
from .core import TracerCore

__all__ = ["AsyncBaseTracer", "BaseTracer", "TracerException"]

TracerException = UnknownRunError
"""A hook was called for a run whose start the tracer has not seen."""


class BaseTracer(TracerCore, BaseCallbackHandler, ABC):
    """A tracer whose methods are functions.

    Args:
        _schema_format: original, or original+chat for chat models with messages.
        run_map: Where the runs under way are kept.
        kwargs: Accepted.
    """

    @abstractmethod
    def _persist_run(self, run: TracedRun) -> None:
        """Take a root run that has ended."""

    def _start_trace(self, run: TracedRun) -> None:
        self._on_run_create(run)

    def _end_trace(self, run: TracedRun) -> None:
        if run.parent_run_id is None:
            self._persist_run(run)
        self._book.drop(run)
        self._on_run_update(run)

    def _started(self, what: str, run: TracedRun) -> TracedRun:
        self._start_trace(run)
        getattr(self, f"_on_{what}_start")(run)
        return run

    def _ended(self, what: str, run: TracedRun) -> TracedRun:
        self._end_trace(run)
        getattr(self, f"_on_{what}")(run)
        return run

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser starts."""
        return self._started("chain", self._begun("chain", serialized, inputs, kwargs))

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser ended well."""
        return self._ended("chain_end", self._book.end(run_id, outputs, inputs))

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser ended by an exception."""
        return self._ended("chain_error", self._book.fail(run_id, error))

    def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> TracedRun:
        """A model starts."""
        return self._started("llm", self._begun("llm", serialized, prompts, kwargs))

    def on_chat_model_start(self, serialized: Any, messages: list[list[Any]], **kwargs: Any) -> TracedRun:
        """A chat model starts.

        Raises:
            NotImplementedError: If chat models are to be told as text: `on_llm_start` is called then.
        """
        if not self._tells_messages:
            raise NotImplementedError
        return self._started("chat_model", self._begun("chat_model", serialized, messages, kwargs))

    def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A model ended well."""
        return self._ended("llm_end", self._answered(run_id, response))

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A model ended by an exception; a guardrail's notice is an event of the run."""
        if kwargs.get("signal"):
            return self._book.notice(error, {**kwargs, "run_id": run_id})
        return self._ended("llm_error", self._book.fail(run_id, error, kwargs.get("response")))

    def on_llm_new_token(self, token: str, *, run_id: UUID, chunk: Any = None, **kwargs: Any) -> TracedRun:
        """A model gave a token."""
        run = self._noted("new_token", run_id, token=token, chunk=chunk)
        self._on_llm_new_token(run, token, chunk)
        return run

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> TracedRun:
        """A tool starts."""
        return self._started("tool", self._begun("tool", serialized, input_str, kwargs))

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A tool ended well."""
        return self._ended("tool_end", self._book.end(run_id, {"output": output}))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A tool ended by an exception."""
        return self._ended("tool_error", self._book.fail(run_id, error))

    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> TracedRun:
        """A retriever starts."""
        return self._started("retriever", self._begun("retriever", serialized, query, kwargs))

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A retriever ended well."""
        return self._ended("retriever_end", self._book.end(run_id, {"documents": documents}))

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A retriever ended by an exception."""
        return self._ended("retriever_error", self._book.fail(run_id, error))

    def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A step is tried again: an event of its run."""
        return self._noted("retry", run_id, retry_state=retry_state)

    def _on_run_create(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_run_update(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_chain_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_chain_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_chain_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_llm_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_llm_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_llm_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_tool_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_tool_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_tool_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_retriever_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_retriever_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_retriever_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_chat_model_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    def _on_llm_new_token(self, run: TracedRun, token: str, chunk: Any) -> None:
        """Do nothing, until overridden."""


class AsyncBaseTracer(TracerCore, AsyncCallbackHandler, ABC):
    """A tracer whose methods are coroutines.

    Args:
        _schema_format: original, or original+chat for chat models with messages.
        run_map: Where the runs under way are kept.
        kwargs: Accepted.
    """

    @abstractmethod
    async def _persist_run(self, run: TracedRun) -> None:
        """Take a root run that has ended."""

    async def _start_trace(self, run: TracedRun) -> None:
        await self._on_run_create(run)

    async def _end_trace(self, run: TracedRun) -> None:
        if run.parent_run_id is None:
            await self._persist_run(run)
        self._book.drop(run)
        await self._on_run_update(run)

    async def _started(self, what: str, run: TracedRun) -> TracedRun:
        await self._start_trace(run)
        await getattr(self, f"_on_{what}_start")(run)
        return run

    async def _ended(self, what: str, run: TracedRun) -> TracedRun:
        await self._end_trace(run)
        await getattr(self, f"_on_{what}")(run)
        return run

    async def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser starts."""
        return await self._started("chain", self._begun("chain", serialized, inputs, kwargs))

    async def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser ended well."""
        return await self._ended("chain_end", self._book.end(run_id, outputs, inputs))

    async def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A chain, prompt or parser ended by an exception."""
        return await self._ended("chain_error", self._book.fail(run_id, error))

    async def on_llm_start(self, serialized: Any, prompts: list[str], **kwargs: Any) -> TracedRun:
        """A model starts."""
        return await self._started("llm", self._begun("llm", serialized, prompts, kwargs))

    async def on_chat_model_start(self, serialized: Any, messages: list[list[Any]], **kwargs: Any) -> TracedRun:
        """A chat model starts.

        Raises:
            NotImplementedError: If chat models are to be told as text: `on_llm_start` is called then.
        """
        if not self._tells_messages:
            raise NotImplementedError
        return await self._started("chat_model", self._begun("chat_model", serialized, messages, kwargs))

    async def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A model ended well."""
        return await self._ended("llm_end", self._answered(run_id, response))

    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A model ended by an exception; a guardrail's notice is an event of the run."""
        if kwargs.get("signal"):
            return self._book.notice(error, {**kwargs, "run_id": run_id})
        return await self._ended("llm_error", self._book.fail(run_id, error, kwargs.get("response")))

    async def on_llm_new_token(self, token: str, *, run_id: UUID, chunk: Any = None, **kwargs: Any) -> TracedRun:
        """A model gave a token."""
        run = self._noted("new_token", run_id, token=token, chunk=chunk)
        await self._on_llm_new_token(run, token, chunk)
        return run

    async def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> TracedRun:
        """A tool starts."""
        return await self._started("tool", self._begun("tool", serialized, input_str, kwargs))

    async def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A tool ended well."""
        return await self._ended("tool_end", self._book.end(run_id, {"output": output}))

    async def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A tool ended by an exception."""
        return await self._ended("tool_error", self._book.fail(run_id, error))

    async def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> TracedRun:
        """A retriever starts."""
        return await self._started("retriever", self._begun("retriever", serialized, query, kwargs))

    async def on_retriever_end(self, documents: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A retriever ended well."""
        return await self._ended("retriever_end", self._book.end(run_id, {"documents": documents}))

    async def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A retriever ended by an exception."""
        return await self._ended("retriever_error", self._book.fail(run_id, error))

    async def on_retry(self, retry_state: Any, *, run_id: UUID, **kwargs: Any) -> TracedRun:
        """A step is tried again: an event of its run."""
        return self._noted("retry", run_id, retry_state=retry_state)

    async def _on_run_create(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_run_update(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_chain_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_chain_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_chain_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_llm_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_llm_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_llm_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_tool_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_tool_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_tool_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_retriever_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_retriever_end(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_retriever_error(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_chat_model_start(self, run: TracedRun) -> None:
        """Do nothing, until overridden."""

    async def _on_llm_new_token(self, run: TracedRun, token: str, chunk: Any) -> None:
        """Do nothing, until overridden."""
