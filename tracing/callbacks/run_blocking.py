"""The hooks of a run that blocking code drives, by the run's type; an end hook ends the run, the first one only."""

from __future__ import annotations

from typing import Any

from .dispatch import Call, emit
from .run_base import BaseRunManager

__all__ = ["BlockingHooks", "ChainHooks", "ModelHooks", "RetrieverHooks", "ToolHooks"]


class BlockingHooks(BaseRunManager):
    """The hooks that every run has."""

    def _send(self, call: Call | None) -> None:
        if call is not None and self.scope.handlers:
            emit(self.scope.handlers, call)

    def on_text(self, text: str, **kwargs: Any) -> None:
        """Give handlers a text.

        Args:
            text: The text.
            kwargs: Passed on.
        """
        self._send(self._call("on_text", text, "", kwargs))

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """Tell handlers of another attempt.

        Args:
            retry_state: The attempt so far.
            kwargs: Passed on.
        """
        self._send(self._call("on_retry", retry_state, "ignore_retry", kwargs))


class ChainHooks(BlockingHooks):
    """The hooks of a chain's run."""

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            outputs: Its output.
            kwargs: Passed on to handlers.
        """
        self._send(self._ended(outputs, kwargs))

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        self._send(self._failed(error, kwargs))

    def on_agent_action(self, action: Any, **kwargs: Any) -> None:
        """Tell handlers that an agent acts.

        Args:
            action: What it does.
            kwargs: Passed on.
        """
        self._send(self._call("on_agent_action", action, "ignore_agent", kwargs))

    def on_agent_finish(self, finish: Any, **kwargs: Any) -> None:
        """Tell handlers that an agent has finished.

        Args:
            finish: Its result.
            kwargs: Passed on.
        """
        self._send(self._call("on_agent_finish", finish, "ignore_agent", kwargs))


class RetrieverHooks(BlockingHooks):
    """The hooks of a retriever's run."""

    def on_retriever_end(self, documents: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            documents: What it found.
            kwargs: Passed on to handlers.
        """
        self._send(self._ended(documents, kwargs))

    def on_retriever_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        self._send(self._failed(error, kwargs))


class ToolHooks(BlockingHooks):
    """The hooks of a tool's run."""

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            output: Its output.
            kwargs: Passed on to handlers.
        """
        self._send(self._ended(output, kwargs))

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception.

        Args:
            error: The exception.
            kwargs: Passed on to handlers.
        """
        self._send(self._failed(error, kwargs))


class ModelHooks(BlockingHooks):
    """The hooks of a model's run."""

    def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Tell handlers and streams of a token.

        Args:
            token: Its text.
            chunk: The whole chunk; streams of events show its message.
            kwargs: Passed on to handlers.
        """
        self._send(self._token(token, chunk, kwargs))

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        """End the run well.

        Args:
            response: What the model answered, an `LLMResult`.
            kwargs: Passed on to handlers.
        """
        self._send(self._answered(response, kwargs))

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        """End the run by an exception; with `signal` set it only tells handlers of it.

        Args:
            error: The exception.
            kwargs: Passed on to handlers; `response` is what the model had said until then.
        """
        self._send(self._failed(error, kwargs))
