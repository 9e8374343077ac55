"""The handler whose hooks are coroutines; see `handlers` for when each is called.

Under blocking calls a coroutine hook is run to its end before the run goes on.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from .handlers import BaseCallbackHandler

__all__ = ["AsyncCallbackHandler"]


class AsyncCallbackHandler(BaseCallbackHandler):
    """A handler whose hooks are coroutines."""

    async def on_llm_start(
        self,
        serialized: dict[str, Any] | None,
        prompts: list[str],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """A text model starts.

        Args:
            serialized: What is known of the model's class.
            prompts: The prompts.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[Any]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chat model starts; a handler without this hook gets `on_llm_start` with the messages as text.

        Args:
            serialized: What is known of the model's class.
            messages: One list of messages a conversation.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.

        Raises:
            NotImplementedError: Always, here: it says that the handler has no such hook.
        """
        raise NotImplementedError

    async def on_llm_new_token(
        self, token: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A model gave a token.

        Args:
            token: Its text; the keyword `chunk` holds the whole chunk.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_llm_end(self, response: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A model ended well.

        Args:
            response: The `LLMResult`.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_llm_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A model ended by an exception, or a guardrail intervened.

        With the keyword `signal` set it is a notice: a guardrail intervened, the run goes on and ends well. `reason` is
        then `GUARDRAIL_INTERVENED`, `trace` what the provider told of it, and `error.intervention` the same in one form
        for all providers. Runs of retrievers and guardrails give this notice through this hook too.

        Args:
            error: The exception.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """A chain, prompt or parser starts.

        Args:
            serialized: What is known of the class, or None.
            inputs: The input; `{"input": ""}` while a stream has not told it.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_chain_end(
        self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A chain, prompt or parser ended well.

        Args:
            outputs: The output.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A chain, prompt or parser ended by an exception.

        Args:
            error: The exception.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_tool_start(
        self,
        serialized: dict[str, Any] | None,
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """A tool starts.

        Args:
            serialized: The tool's name and description.
            input_str: The input as text; the keyword `inputs` holds the arguments.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_tool_end(self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """A tool ended well.

        Args:
            output: Its output.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_tool_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A tool ended by an exception.

        Args:
            error: The exception.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_retriever_start(
        self,
        serialized: dict[str, Any] | None,
        query: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> Any:
        """A retriever starts.

        Args:
            serialized: What is known of its class.
            query: The query.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_retriever_end(
        self, documents: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever ended well.

        Args:
            documents: What it found.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_retriever_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A retriever ended by an exception.

        Args:
            error: The exception.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_text(self, text: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any) -> Any:
        """Somebody has a text to show.

        Args:
            text: The text.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_retry(
        self, retry_state: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """A step is tried again.

        Args:
            retry_state: The attempt so far.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_agent_action(
        self, action: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """An agent acts.

        Args:
            action: What it does.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_agent_finish(
        self, finish: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> Any:
        """An agent has finished.

        Args:
            finish: Its result.
            run_id: The run.
            parent_run_id: The run that started it.
            kwargs: `tags`, `metadata`, `name` and more, by hook.
        """

    async def on_custom_event(
        self,
        name: str,
        data: Any,
        *,
        run_id: UUID,
        tags: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Any:
        """A custom event was dispatched inside a run.

        Args:
            name: The event's name.
            data: Its data.
            run_id: The run it belongs to.
            tags: That run's tags.
            metadata: That run's metadata.
            kwargs: More, later.
        """
