"""How tests drive a model, blocking and on a loop alike, and what handlers were told."""

import asyncio
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import pytest

from spanloom.runtime.models.bedrock.base import BedrockBase
from spanloom.testing.bedrock_server import BedrockServer
from spanloom.tracing.callbacks.async_handlers import AsyncCallbackHandler
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

Mode = Literal["sync", "async"]
Kind = TypeVar("Kind", bound=BedrockBase)
both = pytest.mark.parametrize("mode", ["sync", "async"])

FAMILIES = [
    "anthropic.claude-v2",
    "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
    "amazon.titan-text-express-v1",
    "amazon.nova-lite-v1:0",
    "cohere.command-text-v14",
    "cohere.command-r-v1:0",
    "ai21.j2-mid-v1",
    "ai21.jamba-1-5-mini-v1:0",
    "mistral.mistral-7b-instruct-v0:2",
    "mistral.mistral-large-2407-v1:0",
    "meta.llama2-13b-chat-v1",
    "meta.llama3-1-8b-instruct-v1:0",
    "meta.llama4-scout-17b-instruct-v1:0",
    "deepseek.r1-v1:0",
    "writer.palmyra-x5-v1:0",
    "openai.gpt-oss-20b-1:0",
    "qwen.qwen3-32b-v1:0",
    "newcomer.model-1",
]
LLAMA, CLAUDE = "meta.llama3-1-8b-instruct-v1:0", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"
METRICS = {"inputTokenCount": 3, "outputTokenCount": 5, "invocationLatency": 120, "firstByteLatency": 40}


def made(kind: type[Kind], server: BedrockServer, model_id: str = LLAMA, **kwargs: Any) -> Kind:
    """A model that asks the server."""
    return kind(**{"model_id": model_id, "endpoint_url": server.url, **server.credentials, **kwargs})


def asked(mode: Mode, model: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    if mode == "sync":
        return model.invoke(value, *args, **kwargs)
    return asyncio.run(model.ainvoke(value, *args, **kwargs))


def streamed(mode: Mode, model: Any, value: Any, *args: Any, into: list[Any] | None = None, **kwargs: Any) -> list[Any]:
    """The chunks; those that came before a failure stand in `into`."""
    chunks: list[Any] = [] if into is None else into

    async def on_loop() -> None:
        async for chunk in model.astream(value, *args, **kwargs):
            chunks.append(chunk)

    if mode == "async":
        asyncio.run(on_loop())
    else:
        for chunk in model.stream(value, *args, **kwargs):
            chunks.append(chunk)
    return chunks


def chunk_events(documents: Iterable[Any]) -> list[tuple[str, Any]]:
    """Documents as the server is ordered to stream them."""
    return [("chunk", document) for document in documents]


class Hooks(BaseCallbackHandler):
    """Every model hook as it was called."""

    raise_error = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def of(self, name: str) -> Any:
        (call,) = [call for call in self.calls if call[0] == name]
        return call

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


class AsyncHooks(AsyncCallbackHandler):
    """The errors that an async handler was told."""

    def __init__(self) -> None:
        self.reasons: list[Any] = []

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.reasons.append((kwargs.get("reason"), kwargs.get("trace")))
