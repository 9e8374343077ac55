"""Streams of ChatGLM against a real server process: tokens, early ends, spans and events."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from spanloom.runtime.models.chatglm import ChatGLM
from spanloom.runtime.models.chatglm_wire import (
    ChatGlmUnreachableError,
)
from spanloom.testing.chatglm_server import ChatGlmServer
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

from .asking import TOKENS, Hooks, Mode, both, sent, streamed


@both
def test_a_classic_stream_is_one_chunk(server: ChatGlmServer, mode: Mode) -> None:
    server.script({"tokens": TOKENS})
    assert streamed(mode, ChatGLM(endpoint_url=server.url), "a") == ["".join(TOKENS)]


@both
@pytest.mark.parametrize("order", [{}, {"crlf": True}, {"ping": True}, {"crlf": True, "ping": True}])
def test_an_openai_style_stream_gives_each_token(server: ChatGlmServer, mode: Mode, order: dict[str, bool]) -> None:
    server.script({"tokens": TOKENS, **order})
    assert streamed(mode, ChatGLM(endpoint_url=server.chat_url), "a") == [*TOKENS, ""]
    assert sent(server)["stream"] is True


@both
def test_a_server_that_does_not_stream_gives_one_chunk(server: ChatGlmServer, mode: Mode) -> None:
    chunks = streamed(mode, ChatGLM(endpoint_url=server.chat_url), "hello world", stream=False)
    assert chunks == ["You asked about: hello, world.", ""]


@both
def test_a_server_that_leaves_in_mid_stream_is_told_after_its_tokens(server: ChatGlmServer, mode: Mode) -> None:
    hooks = Hooks()
    with SpanRecorder() as spans:
        server.script({"tokens": TOKENS, "close": True, "after_tokens": 2})
        model = ChatGLM(endpoint_url=server.chat_url, callbacks=[hooks], with_history=True)
        with pytest.raises(ChatGlmUnreachableError) as caught:
            streamed(mode, model, "a")
        assert [span.outcome for span in spans] == ["error"]
    assert caught.value.came == TOKENS[:2]  # type: ignore[attr-defined]
    assert hooks.names() == ["on_llm_start", "on_llm_new_token", "on_llm_new_token", "on_llm_error"]
    assert model.history == []


async def _cancelled(model: ChatGLM) -> None:
    came = asyncio.Event()

    async def read() -> None:
        async for _ in model.astream("a"):
            came.set()

    task = asyncio.ensure_future(read())
    await came.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def _left(model: ChatGLM) -> None:
    stream = model.astream("a")
    async for _ in stream:
        break
    await stream.aclose()


async def _closed(model: ChatGLM) -> None:
    stream = model.stream("a")
    next(stream)
    stream.close()


@pytest.mark.parametrize(
    ("leave", "outcome"), [(_cancelled, "cancelled"), (_left, "abandoned"), (_closed, "abandoned")]
)
async def test_leaving_a_stream_closes_the_connection(
    server: ChatGlmServer, leave: Callable[[ChatGLM], Awaitable[None]], outcome: str
) -> None:
    server.script({"tokens": ["word "] * 500, "delay_ms": 10})
    with SpanRecorder() as spans:
        await leave(ChatGLM(endpoint_url=server.chat_url))
        (request,) = server.requests()
        assert request.outcome == "client left"
        assert request.tokens_sent < 400
        assert [span.outcome for span in spans] == [outcome]


@both
def test_a_stop_string_ends_the_reading(server: ChatGlmServer, mode: Mode) -> None:
    server.script({"tokens": ["word "] * 500, "delay_ms": 10})
    assert "".join(streamed(mode, ChatGLM(endpoint_url=server.chat_url), "a", stop=["d w"])) == "wor"
    (request,) = server.requests()
    assert request.outcome == "client left"


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
async def test_usage_and_reason_stand_on_the_span(server: ChatGlmServer, chat: bool, way: str) -> None:
    options = {"stream_options": {"include_usage": True}} if chat else {}
    model = ChatGLM(endpoint_url=server.chat_url if chat else server.url, model_kwargs=options)
    with SpanRecorder("structure") as spans:
        server.script({"tokens": TOKENS})
        given = getattr(model, way)("hello world")
        if way == "ainvoke":
            await given
        elif way == "astream":
            [chunk async for chunk in given]
        elif way == "stream":
            list(given)
        (span,) = spans.spans
    said = {key: value for key, value in span.attributes.items() if key.startswith("gen_ai.")}
    assert ("gen_ai.response.time_to_first_chunk" in said) == (chat and "stream" in way)
    said.pop("gen_ai.response.time_to_first_chunk", None)
    expected: dict[str, Any] = {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "zhipu",
        "gen_ai.request.model": "chatglm",
    }
    if chat:
        expected["gen_ai.usage.input_tokens"] = 2
        expected["gen_ai.usage.output_tokens"] = len(TOKENS)
        expected["gen_ai.response.finish_reasons"] = ("stop",)
        if "stream" in way:
            expected["gen_ai.request.stream"] = True
    assert said == expected


@pytest.mark.parametrize("chat", [False, True])
async def test_replayed_events_are_the_live_ones(server: ChatGlmServer, chat: bool) -> None:
    model = ChatGLM(endpoint_url=server.chat_url if chat else server.url)
    with SpanRecorder() as spans:
        live = [record async for record in model.astream_events("hello world", version="v2")]
        kinds = [record["event"] for record in live]
        assert kinds == ["on_llm_start", *["on_llm_stream"] * ((len(kinds) - 2) if chat else 0), "on_llm_end"]
        assert list(map(canonical, live)) == spans.records()
    assert live[0]["data"]["input"] == "hello world"
    assert live[-1]["data"]["output"]["generations"][0][0]["text"] == "You asked about: hello, world."
