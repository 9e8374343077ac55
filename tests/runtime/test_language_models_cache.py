"""Models and caches: which cache is used, when the provider is asked, and what a cached answer's run looks like."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from spanloom.runtime.caches import InMemoryCache
from spanloom.runtime.globals import set_llm_cache
from spanloom.runtime.language_models import LLM, BaseChatModel
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage
from spanloom.runtime.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

both = pytest.mark.parametrize("mode", ["sync", "async"])
kinds = pytest.mark.parametrize("chat", [False, True])
USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


class Text(LLM):
    size: int = 1
    asked: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "text"

    def cache_fields(self) -> Any:
        return {"size": self.size}

    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        self.asked.append(prompt)
        return f"answer {len(self.asked)}"


class Chat(BaseChatModel):
    size: int = 1
    asked: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "chat"

    def cache_fields(self) -> Any:
        return {"size": self.size}

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.asked.append(messages)
        message = AIMessage([f"answer {len(self.asked)}"], usage_metadata=USAGE)
        return ChatResult(generations=[ChatGeneration(message=message)])


class Streaming(Chat):
    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        self.asked.append(messages)
        yield ChatGenerationChunk(message=AIMessageChunk(content="s"))


def made(chat: bool, **fields: Any) -> Any:
    return (Chat if chat else Text)(asked=[], **fields)


def ask(mode: str, model: Any, value: Any = "hi", config: Any = None, **kwargs: Any) -> Any:
    if mode == "sync":
        return model.invoke(value, config, **kwargs)
    return asyncio.run(model.ainvoke(value, config, **kwargs))


@pytest.fixture
def shared() -> Iterator[InMemoryCache]:
    cache = InMemoryCache()
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)


@both
@kinds
@pytest.mark.row("B1.05")
def test_without_a_global_cache_true_is_an_error_and_none_is_none(chat: bool, mode: str) -> None:
    with pytest.raises(ValueError, match="no global cache is set.*set_llm_cache"):
        ask(mode, made(chat, cache=True))
    for cache in (None, False):
        model = made(chat, cache=cache)
        ask(mode, model)
        ask(mode, model)
        assert len(model.asked) == 2


@both
@kinds
@pytest.mark.parametrize(("cache", "calls"), [(True, 1), (None, 1), (False, 2)])
@pytest.mark.row("B1.05")
def test_a_global_cache_is_used_unless_refused(
    chat: bool, mode: str, cache: bool | None, calls: int, shared: InMemoryCache
) -> None:
    model = made(chat, cache=cache)
    answers = [ask(mode, model) for _ in range(2)]
    assert len(model.asked) == calls
    texts = [answer if isinstance(answer, str) else answer.text for answer in answers]
    assert (texts[0] == texts[1]) == (calls == 1)


@both
@kinds
@pytest.mark.row("B1.05")
def test_a_cache_of_its_own_comes_before_the_global_one(chat: bool, mode: str, shared: InMemoryCache) -> None:
    own = InMemoryCache()
    model = made(chat, cache=own)
    ask(mode, model)
    ask(mode, model)
    assert len(model.asked) == 1
    ask(mode, made(chat, cache=True))
    own.clear()
    ask(mode, model)
    assert len(model.asked) == 2


@both
@kinds
def test_everything_that_decides_an_answer_is_part_of_the_key(chat: bool, mode: str, shared: InMemoryCache) -> None:
    model = made(chat)
    for value, kwargs in (("a", {}), ("b", {}), ("a", {"stop": ["x"]}), ("a", {"seed": 1})):
        ask(mode, model, value, **kwargs)
        ask(mode, model, value, **kwargs)
    assert len(model.asked) == 4
    other = made(chat, size=2)
    ask(mode, other, "a")
    assert len(other.asked) == 1


def test_the_id_of_a_message_is_no_part_of_the_key(shared: InMemoryCache) -> None:
    model = made(True)
    model.invoke([HumanMessage("a", id="1")])
    model.invoke([HumanMessage("a", id="2")])
    assert len(model.asked) == 1


@both
def test_streams_to_the_caller_are_never_cached(mode: str, shared: InMemoryCache) -> None:
    async def on_loop(model: Any) -> list[Any]:
        return [chunk async for chunk in model.astream("hi")]

    for model in (made(True), made(False), Streaming(asked=[])):
        for _ in range(2):
            list(model.stream("hi")) if mode == "sync" else asyncio.run(on_loop(model))
        assert len(model.asked) == 2


class Hooks(BaseCallbackHandler):
    def __init__(self) -> None:
        self.names: list[str] = []

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        self.names.append("start")

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.names.append("start")

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.names.append(f"end {response.generations[0][0].text}")


@both
@kinds
def test_a_cached_answer_is_a_run_that_used_nothing(chat: bool, mode: str, shared: InMemoryCache) -> None:
    model, hooks = made(chat), Hooks()
    with SpanRecorder() as spans:
        given = [ask(mode, model, config={"callbacks": [hooks]}) for _ in range(2)]
        first, second = spans.spans
    assert hooks.names == ["start", "end answer 1", "start", "end answer 1"]
    assert ("gen_ai.usage.input_tokens" in first.attributes) == chat
    assert "gen_ai.usage.input_tokens" not in second.attributes
    assert (first.outcome, second.outcome) == ("ok", "ok")
    if chat:
        assert [message.id for message in given] == [
            f"run-{span.attributes['spanloom.run.id']}-0" for span in (first, second)
        ]


def test_a_cached_answer_cannot_be_changed_from_outside(shared: InMemoryCache) -> None:
    model = made(True)
    for _ in range(3):
        answer = model.invoke("hi")
        assert answer.content == ["answer 1"]
        answer.content.append("more")


def test_a_cached_answer_inside_an_event_stream_has_no_tokens(shared: InMemoryCache) -> None:
    from spanloom.runtime.runnables import RunnableLambda

    model = Streaming(asked=[])

    async def read() -> list[str]:
        async def ask(value: Any) -> Any:
            return await model.ainvoke(value)

        records = RunnableLambda(ask).astream_events("hi", version="v2", include_types=["chat_model"])
        return [record["event"] async for record in records]

    start, token, end = "on_chat_model_start", "on_chat_model_stream", "on_chat_model_end"
    assert asyncio.run(read()) == [start, token, end]
    assert asyncio.run(read()) == [start, end]
