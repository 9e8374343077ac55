"""What user code inside a run gets to speak of that run: its ids, tags, own hooks, and a manager for children."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ..scope import Parent, RunScope
from .dispatch import Call, aemit, emit, token_call
from .manager import AsyncCallbackManager, CallbackManager

__all__ = [
    "AsyncCallbackManagerForChainRun",
    "AsyncCallbackManagerForLLMRun",
    "AsyncCallbackManagerForRetrieverRun",
    "AsyncCallbackManagerForToolRun",
    "AsyncRunManager",
    "BaseRunManager",
    "CallbackManagerForChainRun",
    "CallbackManagerForLLMRun",
    "CallbackManagerForRetrieverRun",
    "CallbackManagerForToolRun",
    "RunManager",
    "manager_of",
]


class BaseRunManager:
    """What managers of running runs share.

    Args:
        scope: The run.
    """

    def __init__(self, scope: RunScope) -> None:
        self.scope = scope

    @property
    def run_id(self) -> UUID:
        """The run's id."""
        return self.scope.run.uuid

    @property
    def parent_run_id(self) -> UUID | None:
        """The id of the run that started it."""
        parent = self.scope.run.parent
        return None if parent is None else parent.uuid

    @property
    def handlers(self) -> list[Any]:
        """The handlers of this run."""
        return list(self.scope.handlers)

    @property
    def inheritable_handlers(self) -> list[Any]:
        """The handlers that its children get."""
        return list(self.scope.heritage.handlers)

    @property
    def tags(self) -> list[str]:
        """The run's tags."""
        return list(self.scope.run.tags)

    @property
    def inheritable_tags(self) -> list[str]:
        """The tags that its children get."""
        return list(self.scope.heritage.tags)

    @property
    def metadata(self) -> dict[str, Any]:
        """The run's metadata."""
        return dict(self.scope.run.metadata)

    @property
    def inheritable_metadata(self) -> dict[str, Any]:
        """The metadata that its children get."""
        return dict(self.scope.heritage.metadata)

    def _call(self, hook: str, value: Any, ignore: str) -> Call:
        parent = self.parent_run_id
        return Call(hook, (value,), {"run_id": self.run_id, "parent_run_id": parent, "tags": self.tags}, ignore)


class RunManager(BaseRunManager):
    """The manager of a run that blocking code drives."""

    def get_child(self, tag: str | None = None) -> CallbackManager:
        """Return the manager for a child of this run.

        Args:
            tag: A tag for the child alone.
        """
        return CallbackManager.of(Parent(self.scope, tag))

    def on_text(self, text: str, **kwargs: Any) -> None:
        """Give handlers a text.

        Args:
            text: The text.
            kwargs: Passed on.
        """
        call = self._call("on_text", text, "")
        emit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))

    def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """Tell handlers of another attempt.

        Args:
            retry_state: The attempt so far.
            kwargs: Passed on.
        """
        call = self._call("on_retry", retry_state, "ignore_retry")
        emit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))


class AsyncRunManager(BaseRunManager):
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

    async def on_text(self, text: str, **kwargs: Any) -> None:
        """Give handlers a text.

        Args:
            text: The text.
            kwargs: Passed on.
        """
        call = self._call("on_text", text, "")
        await aemit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))

    async def on_retry(self, retry_state: Any, **kwargs: Any) -> None:
        """Tell handlers of another attempt.

        Args:
            retry_state: The attempt so far.
            kwargs: Passed on.
        """
        call = self._call("on_retry", retry_state, "ignore_retry")
        await aemit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))


class CallbackManagerForChainRun(RunManager):
    """The manager of a chain run."""


class CallbackManagerForRetrieverRun(RunManager):
    """The manager of a retriever run."""


class CallbackManagerForToolRun(RunManager):
    """The manager of a tool run."""


class CallbackManagerForLLMRun(RunManager):
    """The manager of a model run."""

    def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Tell handlers and streams of a token.

        Args:
            token: Its text.
            chunk: The whole chunk; streams of events show its message.
            kwargs: Passed on to handlers.
        """
        self.scope.chunk(_shown(token, chunk))
        if self.scope.handlers:
            call = token_call(self.scope, token, chunk)
            emit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))


class AsyncCallbackManagerForChainRun(AsyncRunManager):
    """The manager of a chain run on an event loop."""


class AsyncCallbackManagerForRetrieverRun(AsyncRunManager):
    """The manager of a retriever run on an event loop."""


class AsyncCallbackManagerForToolRun(AsyncRunManager):
    """The manager of a tool run on an event loop."""


class AsyncCallbackManagerForLLMRun(AsyncRunManager):
    """The manager of a model run on an event loop."""

    async def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Tell handlers and streams of a token.

        Args:
            token: Its text.
            chunk: The whole chunk; streams of events show its message.
            kwargs: Passed on to handlers.
        """
        self.scope.chunk(_shown(token, chunk))
        if self.scope.handlers:
            call = token_call(self.scope, token, chunk)
            await aemit(self.scope.handlers, call._replace(kwargs={**call.kwargs, **kwargs}))


def _shown(token: str, chunk: Any) -> Any:
    """Return what the stream event of a token shows: the chunk's message, the chunk, or the text."""
    return token if chunk is None else getattr(chunk, "message", chunk)


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
