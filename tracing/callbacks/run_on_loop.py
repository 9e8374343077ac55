"""The hooks of a run that an event loop drives, by the run's type; an end hook ends the run, the first one only.

Handlers of a run that has ended are called to their end, also when the task is cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .dispatch import Call, aemit
from .run_base import BaseRunManager

__all__ = ["AsyncChainHooks", "AsyncHooks", "AsyncModelHooks", "AsyncRetrieverHooks", "AsyncToolHooks"]


class AsyncHooks(BaseRunManager):
    """The hooks that every run has."""

    async def _send(self, call: Call | None) -> None:
        if call is None or not self.scope.handlers:
            return
        if self.scope.ended:
            await asyncio.shield(asyncio.ensure_future(aemit(self.scope.handlers, call)))
        else:
            await aemit(self.scope.handlers, call)

    async def on_text(self, text: str, **kwargs: Any) -> None:
        """Give handlers a text.

        Args:
            text: The text.
            kwargs: Passed on.
        """
        await self._send(self._call("on_text", text, "", kwargs))

    async def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """Tell handlers of another attempt.

        Args:
            retry_state: The attempt so far.
            kwargs: Passed on.
        """
        await self._send(self._call("on_retry", retry_state, "ignore_retry", kwargs))


class AsyncChainHooks(AsyncHooks):
    """The hooks of a chain's run."""

    async def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            outputs: Its output.
            kwargs: Passed on to handlers.
        """
        await self._send(self._ended(outputs, kwargs))

    async def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        await self._send(self._failed(error, kwargs))

    async def on_agent_action(self, action: Any, **kwargs: Any) -> None:
        """Tell handlers that an agent acts.

        Args:
            action: What it does.
            kwargs: Passed on.
        """
        await self._send(self._call("on_agent_action", action, "ignore_agent", kwargs))

    async def on_agent_finish(self, finish: Any, **kwargs: Any) -> None:
        """Tell handlers that an agent has finished.

        Args:
            finish: Its result.
            kwargs: Passed on.
        """
        await self._send(self._call("on_agent_finish", finish, "ignore_agent", kwargs))


class AsyncRetrieverHooks(AsyncHooks):
    """The hooks of a retriever's run."""

    async def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            documents: What it found.
            kwargs: Passed on to handlers.
        """
        await self._send(self._ended(documents, kwargs))

    async def on_retriever_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        await self._send(self._failed(error, kwargs))


class AsyncToolHooks(AsyncHooks):
    """The hooks of a tool's run."""

    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            output: Its output.
            kwargs: Passed on to handlers.
        """
        await self._send(self._ended(output, kwargs))

    async def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        await self._send(self._failed(error, kwargs))


class AsyncModelHooks(AsyncHooks):
    """The hooks of a model's run."""

    async def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Tell handlers and streams of a token.

        Args:
            token: Its text.
            chunk: The whole chunk; streams of events show its message.
            kwargs: Passed on to handlers.
        """
        await self._send(self._token(token, chunk, kwargs))

    async def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            response: What the model answered, an `LLMResult`.
            kwargs: Passed on to handlers.
        """
        await self._send(self._answered(response, kwargs))

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception; with `signal` set it only tells handlers of it.

        Args:
            error: The exception.
            kwargs: Passed on to handlers; `response` is what the model had said until then.
        """
        await self._send(self._failed(error, kwargs))
