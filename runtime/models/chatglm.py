"""ChatGLM: a text model behind a ChatGLM server, classic or OpenAI-style.

The classic server (`POST /`) answers in one piece, so a stream of it has one chunk. When `endpoint_url` ends with
`/v1/chat/completions` the server streams, and so does this. Stop strings are cut here, literally: the classic protocol
has none. Blocking and async calls both go through httpx; a call leaves no connection behind.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from warnings import warn

from pydantic import Field, PrivateAttr, model_validator

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ..language_models.llms import LLM
from ..outputs import GenerationChunk
from ..runnables.io import Io
from .chatglm_wire import (
    Answer,
    ChatDelta,
    ChatGlmUnreachableError,
    StopCutter,
    build_chat_request,
    build_request,
    cut_at_stop,
    parse_answer,
    parse_chat_answer,
    parse_chat_event,
)
from .sse import SseDecoder

if TYPE_CHECKING:
    import httpx

__all__ = ["CONNECT_TIMEOUT_S", "READ_TIMEOUT_S", "ChatGLM"]

CONNECT_TIMEOUT_S = 10.0
"""How long a connection may take, in seconds."""

READ_TIMEOUT_S = 300.0
"""How long the server may be silent, in seconds; a long answer of a 6B model on a CPU takes minutes."""

_CHAT_PATH = "/v1/chat/completions"
_HEADERS = {"Content-Type": "application/json"}


class ChatGLM(LLM):
    """A ChatGLM server as a text model.

    Args:
        endpoint_url: The server, with or without a trailing slash.
        model_kwargs: Laid over every request.
        max_token: How many tokens prompt and answer may have together; sent as `max_length`.
        temperature: Sent as it is.
        history: Earlier turns, each [prompt, answer].
        top_p: Sent as it is.
        with_history: Whether the server's history is kept for the next call. Calls then wait for each other.
        timeout_s: How long the server may be silent, in seconds.
    """

    endpoint_url: str = "http://127.0.0.1:8000/"
    model_kwargs: dict[str, Any] | None = None
    max_token: int = 20000
    temperature: float = 0.1
    history: list[Any] = Field(default_factory=list)
    top_p: float = 0.7
    with_history: bool = False
    timeout_s: float = READ_TIMEOUT_S

    _turn: Any = PrivateAttr(default_factory=threading.Lock)

    @model_validator(mode="before")
    @classmethod
    def take_callback_manager(cls, values: Any) -> Any:
        """Take the deprecated `callback_manager` for `callbacks`.

        Args:
            values: The constructor's arguments.
        """
        if isinstance(values, dict) and "callback_manager" in values:
            warn("callback_manager is deprecated; use callbacks.", DeprecationWarning, stacklevel=2)
            values = dict(values)
            values.setdefault("callbacks", values.pop("callback_manager"))
        return values

    @property
    def _llm_type(self) -> str:
        return "chat_glm"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"endpoint_url": self.endpoint_url, "model_kwargs": self.model_kwargs or {}}

    def provider_name(self) -> str:
        """Return `zhipu`; the conventions have no name for it."""
        return "zhipu"

    def request_model(self) -> str:
        """Return the model that `model_kwargs` asks for, else `chatglm`."""
        return str((self.model_kwargs or {}).get("model", "chatglm"))

    @property
    def _is_chat(self) -> bool:
        return urlsplit(self.endpoint_url).path.rstrip("/").endswith(_CHAT_PATH)

    def _can_stream(self, io: Io) -> bool:
        return self._is_chat

    def _payload(self, prompt: str, kwargs: Mapping[str, Any], *, stream: bool = False) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "temperature": self.temperature,
            "history": self.history,
            "max_token": self.max_token,
            "top_p": self.top_p,
            "model_kwargs": self.model_kwargs,
            "call_kwargs": kwargs,
        }
        return build_chat_request(prompt, stream=stream, **fields) if self._is_chat else build_request(prompt, **fields)

    def _read(self, prompt: str, status: int, text: str) -> Answer:
        if not self._is_chat:
            return parse_answer(status, text)
        answer = parse_chat_answer(status, text)
        return Answer(answer.text, [*self.history, [prompt, answer.text]])

    def _keep(self, answer: Answer) -> None:
        if self.with_history and answer.history is not None:
            self.history = answer.history

    def _call(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        import httpx

        with self._turn_taken():
            try:
                with httpx.Client(**self._client(), trust_env=False) as client:
                    reply = client.post(self.endpoint_url, json=self._payload(prompt, kwargs), headers=_HEADERS)
                    status, text = reply.status_code, reply.text
            except httpx.HTTPError as exc:
                raise self._unreachable(exc) from exc
            answer = self._read(prompt, status, text)
            self._keep(answer)
        return cut_at_stop(answer.response, stop)

    async def _acall(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        import httpx

        async with self._turn_awaited():
            try:
                async with httpx.AsyncClient(**self._client(), trust_env=False) as client:
                    reply = await client.post(self.endpoint_url, json=self._payload(prompt, kwargs), headers=_HEADERS)
                    status, text = reply.status_code, reply.text
            except httpx.HTTPError as exc:
                raise self._unreachable(exc) from exc
            answer = self._read(prompt, status, text)
            self._keep(answer)
        return cut_at_stop(answer.response, stop)

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        import httpx

        with self._turn_taken():
            reader = _Reader(stop)
            try:
                payload = self._payload(prompt, kwargs, stream=True)
                with (
                    httpx.Client(**self._client(), trust_env=False) as client,
                    client.stream("POST", self.endpoint_url, json=payload, headers=_HEADERS) as reply,
                ):
                    if reply.status_code != 200:
                        parse_answer(reply.status_code, reply.read().decode("utf-8", "replace"))
                    for data in reply.iter_bytes():
                        yield from reader.chunks(data)
                        if reader.is_done:
                            break
            except httpx.HTTPError as exc:
                raise self._unreachable(exc) from exc
            yield from reader.rest()
            self._keep(Answer("", [*self.history, [prompt, reader.text]]))

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        import httpx

        async with self._turn_awaited():
            reader = _Reader(stop)
            try:
                payload = self._payload(prompt, kwargs, stream=True)
                async with (
                    httpx.AsyncClient(**self._client(), trust_env=False) as client,
                    client.stream("POST", self.endpoint_url, json=payload, headers=_HEADERS) as reply,
                ):
                    if reply.status_code != 200:
                        parse_answer(reply.status_code, (await reply.aread()).decode("utf-8", "replace"))
                    async for data in reply.aiter_bytes():
                        for chunk in reader.chunks(data):
                            yield chunk
                        if reader.is_done:
                            break
            except httpx.HTTPError as exc:
                raise self._unreachable(exc) from exc
            for chunk in reader.rest():
                yield chunk
            self._keep(Answer("", [*self.history, [prompt, reader.text]]))

    def _client(self) -> dict[str, Any]:
        import httpx

        timeout = httpx.Timeout(self.timeout_s, connect=CONNECT_TIMEOUT_S)
        return {"timeout": timeout, "verify": _ssl_context() if self.endpoint_url.startswith("https") else False}

    def _unreachable(self, error: httpx.HTTPError) -> ChatGlmUnreachableError:
        what = str(error) or type(error).__name__
        return ChatGlmUnreachableError(
            f"No answer from the ChatGLM server at {self.endpoint_url}: {what}. Is it running, and is endpoint_url right?"
        )

    @contextmanager
    def _turn_taken(self) -> Generator[None]:
        if not self.with_history:
            yield
            return
        with self._turn:
            yield

    @asynccontextmanager
    async def _turn_awaited(self) -> AsyncGenerator[None]:
        if not self.with_history:
            yield
            return
        while not self._turn.acquire(blocking=False):  # the holder may be a thread or a task of any loop
            await asyncio.sleep(0.002)
        try:
            yield
        finally:
            self._turn.release()


class _Reader:
    """One streamed answer: bytes in, chunks out, cut at the stop strings.

    Args:
        stop: The stop strings.
    """

    def __init__(self, stop: list[str] | None) -> None:
        self._events = SseDecoder()
        self._cutter = StopCutter(stop)
        self._ended = False
        self._pieces: list[str] = []
        self._info: dict[str, Any] = {}

    @property
    def is_done(self) -> bool:
        """Whether the rest of the answer need not be read."""
        return self._ended or self._cutter.is_stopped

    @property
    def text(self) -> str:
        """What was given so far."""
        return "".join(self._pieces)

    def chunks(self, data: bytes) -> Iterator[GenerationChunk]:
        """Yield the chunks that these bytes finish."""
        for event in self._events.feed(data):
            delta: ChatDelta = parse_chat_event(event)
            self._ended = self._ended or delta.is_last
            if delta.finish_reason:
                self._info["finish_reason"] = delta.finish_reason
            if delta.usage:
                self._info["usage"] = delta.usage
            yield from self._given(self._cutter.feed(delta.text))
            if self.is_done:
                return

    def rest(self) -> Iterator[GenerationChunk]:
        """Yield what was held back.

        Raises:
            ChatGlmUnreachableError: If the answer was cut off before its end.
        """
        if not self.is_done and "finish_reason" not in self._info:
            raise ChatGlmUnreachableError("The ChatGLM server closed the stream before its end; the answer is incomplete.")
        yield from self._given(self._cutter.finish())

    def _given(self, text: str) -> Iterator[GenerationChunk]:
        if text:
            self._pieces.append(text)
            yield GenerationChunk(text=text)


@cache
def _ssl_context() -> ssl.SSLContext:
    return ssl.create_default_context()
