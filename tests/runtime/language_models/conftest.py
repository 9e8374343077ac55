"""What tests of models share: a handler that keeps every model hook as it was called."""

from typing import Any

import pytest

from spanloom.tracing.callbacks.handlers import BaseCallbackHandler


class Hooks(BaseCallbackHandler):
    """Every model hook: its name, its first arguments, its keyword arguments."""

    raise_error = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def of(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """The calls of one hook."""
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("start", args, kwargs))

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("start", args, kwargs))

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("token", args, kwargs))

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("end", args, kwargs))

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("error", args, kwargs))


@pytest.fixture
def hooks() -> Hooks:
    return Hooks()
