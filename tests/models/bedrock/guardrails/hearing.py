"""A handler that keeps what it is told of models and guardrails."""

from __future__ import annotations

from typing import Any

from spanloom.tracing import BaseCallbackHandler


class Hearing(BaseCallbackHandler):
    """Keeps the names of hooks, and the keyword arguments of notices with their interventions."""

    def __init__(self) -> None:
        self.hooks: list[str] = []
        self.notices: list[dict[str, Any]] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("error")

    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_retriever_end(self, documents: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    def on_retriever_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("error")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append("notice")
        self.notices.append({**kwargs, "intervention": getattr(error, "intervention", None)})
