"""How tests ask ChatGLM, blocking and on a loop alike, and what hooks were told."""

import asyncio
from typing import Any, Literal

import pytest

from spanloom.runtime.models.chatglm import ChatGLM
from spanloom.runtime.models.chatglm_wire import (
    ChatGlmError,
)
from spanloom.testing.chatglm_server import ChatGlmServer
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

Mode = Literal["sync", "async"]
both = pytest.mark.parametrize("mode", ["sync", "async"])
TOKENS = ["The", " sky", " is", " blue", ". It", " is. "]


def asked(mode: Mode, model: ChatGLM, value: Any, **kwargs: Any) -> str:
    if mode == "sync":
        return model.invoke(value, **kwargs)
    return asyncio.run(model.ainvoke(value, **kwargs))


def streamed(mode: Mode, model: ChatGLM, value: Any, **kwargs: Any) -> list[str]:
    """The chunks; those that came before a failure stand in the exception's `came`."""
    chunks: list[str] = []

    async def on_loop() -> None:
        async for chunk in model.astream(value, **kwargs):
            chunks.append(chunk)

    try:
        if mode == "async":
            asyncio.run(on_loop())
        else:
            for chunk in model.stream(value, **kwargs):
                chunks.append(chunk)
    except ChatGlmError as exc:
        exc.came = chunks  # type: ignore[attr-defined]
        raise
    return chunks


def sent(server: ChatGlmServer) -> Any:
    (request,) = server.requests()
    return request.json


class Hooks(BaseCallbackHandler):
    """Every model hook as it was called."""

    raise_error = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_start", args, kwargs))

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_new_token", args, kwargs))

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_end", args, kwargs))

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_error", args, kwargs))
