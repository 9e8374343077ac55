"""How tests ask a model, blocking and on a loop alike, and what they see of it."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Literal, TypeVar

import pytest

from spanloom.runtime.callbacks import BaseCallbackHandler
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.models.bedrock.chat_converse import ChatBedrockConverse
from spanloom.runtime.models.bedrock.errors import BedrockError
from spanloom.testing.bedrock_server import BedrockServer

from .sending import CLAUDE

Mode = Literal["sync", "async"]
T = TypeVar("T")
both = pytest.mark.parametrize("mode", ["sync", "async"])


def model_of(server: BedrockServer, **kwargs: Any) -> ChatBedrockConverse:
    kwargs.setdefault("model", CLAUDE)
    return ChatBedrockConverse(endpoint_url=server.url, **server.credentials, **kwargs)


def _ran(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def answered(mode: Mode, model: Any, value: Any = "the sky is blue", **kwargs: Any) -> Any:
    return model.invoke(value, **kwargs) if mode == "sync" else _ran(model.ainvoke(value, **kwargs))


def message(mode: Mode, model: Any, value: Any = "the sky is blue", **kwargs: Any) -> AIMessage:
    found = answered(mode, model, value, **kwargs)
    assert isinstance(found, AIMessage)
    return found


def streamed(mode: Mode, model: Any, value: Any = "the sky is blue", **kwargs: Any) -> list[AIMessageChunk]:
    """The chunks; those that came before a failure stand in the exception's `came`."""
    chunks: list[AIMessageChunk] = []

    async def on_loop() -> None:
        async for chunk in model.astream(value, **kwargs):
            chunks.append(chunk)

    try:
        if mode == "async":
            _ran(on_loop())
        else:
            for chunk in model.stream(value, **kwargs):
                chunks.append(chunk)
    except BedrockError as exc:
        exc.came = chunks  # type: ignore[attr-defined]
        raise
    return chunks


def joined(chunks: Iterable[AIMessageChunk]) -> AIMessageChunk:
    first, *others = chunks
    return first + others


def bodies(server: BedrockServer, operation: str | None = None) -> list[Any]:
    return [seen.json for seen in server.requests() if operation is None or seen.operation == operation]


class Hooks(BaseCallbackHandler):
    """Every model hook as it was called."""

    raise_error = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("start", args, kwargs))

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("token", args, kwargs))

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("end", args, kwargs))

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("error", args, kwargs))
