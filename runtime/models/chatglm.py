"""ChatGLM: a text model behind a ChatGLM server, classic or OpenAI-style.

The classic server (`POST /`) answers in one piece, so a stream of it has one chunk. When `endpoint_url` ends with
`/v1/chat/completions` the server streams, and so does this; the last chunk then has no text, but why the model stopped.
At any other path a server may do either: its content type tells. Stop strings are cut here, literally: the classic
protocol has none. Blocking and async calls both go through httpx, follow redirects and ignore the proxies of the
environment; a call leaves no connection behind, and leaving a stream early tells the server at once.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from warnings import warn

from pydantic import Field, PrivateAttr, model_validator

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ..language_models.llms import LLM
from ..language_models.turns import Turns
from ..outputs import Generation, GenerationChunk, LLMResult
from ..runnables.io import Io
from .chatglm_stream import AnswerReader
from .chatglm_wire import ChatAnswer, ChatGlmUnreachableError, build_chat_request, build_request
from .stopping import cut_at_stop

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
        with_history: Whether the server's history is kept for the next call; a server that sends none has its turns
            kept here. The answer is kept as the server gave it, not cut at stop strings. Calls then wait for each
            other. A stream, whose reader may pause, does not: it adds its turn when it has been read to its end.
            An answer from a cache adds none.
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

    _turns: Turns = PrivateAttr(default_factory=Turns)

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

    @property
    def _url(self) -> str:
        """The address to post to: servers know the OpenAI-style path without a trailing slash only."""
        return self.endpoint_url.rstrip("/") if self._is_chat else self.endpoint_url

    def _can_stream(self, io: Io) -> bool:
        return urlsplit(self.endpoint_url).path.strip("/") != ""

    def cache_fields(self) -> Mapping[str, Any]:
        """Return what decides an answer: not how long to wait for it."""
        return {name: value for name, value in super().cache_fields().items() if name != "timeout_s"}

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

    def _read(self, prompt: str, before: list[Any], reply: httpx.Response) -> ChatAnswer:
        """Return what a whole answer says, and keep its history."""
        reader = AnswerReader(None, is_chat=self._is_chat, whole=True)
        kind = reply.headers.get("content-type", "")
        # A server that streams unasked says so; without its word an answer to a plain call is a whole one.
        if "event-stream" in kind and reader.is_streamed(reply.status_code, kind):
            read = reader.chunks(reply.content)
        else:
            read = reader.whole_answer(reply.status_code, reply.content)
        for part in (read, reader.rest()):
            for _ in part:
                pass
        self._keep(prompt, before, reader)
        return reader.answer

    def _keep(self, prompt: str, before: list[Any], reader: AnswerReader) -> None:
        """Remember a turn: by the server's history, unless a turn was added here since it was asked."""
        if self.with_history:
            with self._turns.writing:
                theirs = reader.history if self.history is before else None
                self.history = [*self.history, [prompt, reader.text]] if theirs is None else theirs

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        return self._generate([prompt], stop, run_manager, **kwargs).generations[0][0].text

    async def _acall(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        return (await self._agenerate([prompt], stop, run_manager, **kwargs)).generations[0][0].text

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        import httpx

        answers = []
        for prompt in prompts:
            with self._turn_taken():
                before = self.history
                try:
                    with httpx.Client(**self._client()) as client:
                        reply = client.post(self._url, json=self._payload(prompt, kwargs), headers=_HEADERS)
                except (httpx.HTTPError, httpx.InvalidURL) as exc:
                    raise self._unreachable(exc) from exc
                answers.append(self._read(prompt, before, reply))
        return _result(answers, stop)

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        import httpx

        answers = []
        for prompt in prompts:
            async with self._turn_awaited():
                before = self.history
                try:
                    async with httpx.AsyncClient(**self._client()) as client:
                        reply = await client.post(self._url, json=self._payload(prompt, kwargs), headers=_HEADERS)
                except (httpx.HTTPError, httpx.InvalidURL) as exc:
                    raise self._unreachable(exc) from exc
                answers.append(self._read(prompt, before, reply))
        return _result(answers, stop)

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        import httpx

        reader, before = AnswerReader(stop, is_chat=self._is_chat, whole=self.with_history), self.history
        payload = self._payload(prompt, kwargs, stream=True)
        try:
            with (
                httpx.Client(**self._client()) as client,
                client.stream("POST", self._url, json=payload, headers=_HEADERS) as reply,
            ):
                if not reader.is_streamed(reply.status_code, reply.headers.get("content-type", "")):
                    yield from reader.whole_answer(reply.status_code, reply.read())
                for data in () if reader.is_done else reply.iter_bytes():
                    yield from reader.chunks(data)
                    if reader.is_done:
                        break
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._unreachable(exc) from exc
        yield from reader.rest()
        self._keep(prompt, before, reader)

    async def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        import httpx

        reader, before = AnswerReader(stop, is_chat=self._is_chat, whole=self.with_history), self.history
        payload = self._payload(prompt, kwargs, stream=True)
        try:
            async with (
                httpx.AsyncClient(**self._client()) as client,
                client.stream("POST", self._url, json=payload, headers=_HEADERS) as reply,
            ):
                if not reader.is_streamed(reply.status_code, reply.headers.get("content-type", "")):
                    for chunk in reader.whole_answer(reply.status_code, await reply.aread()):
                        yield chunk
                async for data in _nothing() if reader.is_done else reply.aiter_bytes():
                    for chunk in reader.chunks(data):
                        yield chunk
                    if reader.is_done:
                        break
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._unreachable(exc) from exc
        for chunk in reader.rest():
            yield chunk
        self._keep(prompt, before, reader)

    def _client(self) -> dict[str, Any]:
        import httpx

        timeout = httpx.Timeout(self.timeout_s, connect=CONNECT_TIMEOUT_S)
        verify = _ssl_context() if self.endpoint_url.startswith("https") else False
        return {"timeout": timeout, "verify": verify, "trust_env": False, "follow_redirects": True}

    def _unreachable(self, error: Exception) -> ChatGlmUnreachableError:
        what = str(error) or type(error).__name__
        return ChatGlmUnreachableError(
            f"No answer from the ChatGLM server at {self.endpoint_url}: {what}. "
            "Is it running, and is endpoint_url right?"
        )

    @contextmanager
    def _turn_taken(self) -> Generator[None]:
        if not self.with_history:
            yield
            return
        asked = self._turns.ask()
        try:
            asked.result()
            yield
        finally:
            self._turns.leave(asked)

    @asynccontextmanager
    async def _turn_awaited(self) -> AsyncGenerator[None]:
        if not self.with_history:
            yield
            return
        asked = self._turns.ask()
        try:
            await asyncio.shield(asyncio.wrap_future(asked))
            yield
        finally:
            self._turns.leave(asked)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _result(answers: list[ChatAnswer], stop: list[str] | None) -> LLMResult:
    generations = []
    for answer in answers:
        said = {"finish_reason": answer.finish_reason, "usage": answer.usage}
        info = {key: value for key, value in said.items() if value}
        generations.append([Generation(text=cut_at_stop(answer.text, stop), generation_info=info or None)])
    return LLMResult(generations=list(generations))


@cache
def _ssl_context() -> ssl.SSLContext:
    return ssl.create_default_context()
