"""What every manager of a run knows and does: ids, tags, handlers, and how the run ends through it, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ..scope import RunScope
from .dispatch import Call, end_call, error_call, token_call

__all__ = ["BaseRunManager"]


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

    def _call(self, hook: str, value: Any, ignore: str, kwargs: Mapping[str, Any]) -> Call:
        about = {"run_id": self.run_id, "parent_run_id": self.parent_run_id, "tags": self.tags}
        return Call(hook, (value,), {**about, **kwargs}, ignore)

    def _token(self, token: Any, chunk: Any, kwargs: Mapping[str, Any]) -> Call:
        self.scope.chunk(token if chunk is None else getattr(chunk, "message", chunk))
        call = token_call(self.scope, token, chunk)
        return call._replace(kwargs={**call.kwargs, **kwargs})

    def _ended(self, output: Any, kwargs: Mapping[str, Any], response: Any = None) -> Call | None:
        """End the run well; return the call to make on its handlers, or None if it had ended already."""
        scope = self.scope
        if not scope.finish(output):
            return None
        call = end_call(scope, output)
        args = call.args if response is None else (response,)
        return call._replace(args=args, kwargs={**call.kwargs, **kwargs})

    def _answered(self, response: Any, kwargs: Mapping[str, Any]) -> Call | None:
        """End a model's run well: its end record shows what records of models show, hooks get the whole response."""
        return self._ended(_shown_response(response, self.scope.run.type), kwargs, response)

    def _failed(self, error: BaseException, kwargs: Mapping[str, Any]) -> Call | None:
        """End the run by an exception; return the call to make on its handlers, or None if it had ended already.

        With `signal` it is a notice: handlers are told, the run goes on.
        """
        scope = self.scope
        if not kwargs.get("signal") and not scope.fail(error):
            return None
        call = error_call(scope, error)
        return call._replace(kwargs={**call.kwargs, **kwargs})


def _shown_response(response: Any, run_type: str) -> Any:
    """Return a model's response as its end record shows it: a chat model's first message, else all generations."""
    prompts = getattr(response, "generations", None)
    if not isinstance(prompts, list):
        return response
    if run_type == "chat_model" and prompts and prompts[0]:
        return getattr(prompts[0][0], "message", response)
    told = ("text", "generation_info", "type")
    return {
        "generations": [[{key: getattr(one, key, None) for key in told} for one in each] for each in prompts],
        "llm_output": getattr(response, "llm_output", None),
    }
