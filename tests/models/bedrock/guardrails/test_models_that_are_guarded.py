"""Models of all kinds tell handlers of an intervention that their provider saw, before they end, once."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spanloom.runtime.language_models.chat_models import BaseChatModel
from spanloom.runtime.language_models.llms import BaseLLM
from spanloom.runtime.language_models.notices import notice
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import AsyncCallbackHandler, BaseCallbackHandler
from spanloom.tracing.interventions import Intervention

SEEN = Intervention(component="G", action="INTERVENED", guardrail_id="gr1", trace={"input": {}})
MODES = ["invoke", "ainvoke", "stream", "astream", "astream_events", "batch", "abatch"]


class Chat(BaseChatModel):
    """A chat model whose provider sees an intervention with its last chunk, or with its answer."""

    @property
    def _llm_type(self) -> str:
        return "guarded"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        notice(SEEN)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("Sorry."))])

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="Sorry"))
        notice(SEEN)
        yield ChatGenerationChunk(message=AIMessageChunk(content="."))


class AsyncChat(Chat):
    """The same with methods for an event loop."""

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return self._generate(messages)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for chunk in self._stream(messages):
            yield chunk


class Late(Chat):
    """A chat model whose provider sees the intervention after its last chunk."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="Sorry."))
        notice(SEEN)


class Text(BaseLLM):
    """A text model of the same kind."""

    @property
    def _llm_type(self) -> str:
        return "guarded"

    def _generate(self, prompts: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
        notice(SEEN)
        return LLMResult(generations=[[Generation(text="Sorry.")]])

    def _stream(self, prompt: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        yield GenerationChunk(text="Sorry")
        yield GenerationChunk(text=".")
        notice(SEEN)


class Hearing(BaseCallbackHandler):
    """Notes hooks, tokens left out."""

    def __init__(self) -> None:
        self.hooks: list[str] = []

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append(f"{kwargs['reason']} {kwargs['signal']} {kwargs['trace']}")


class HearingAsync(AsyncCallbackHandler):
    """The same with coroutines."""

    def __init__(self) -> None:
        self.hooks: list[str] = []

    async def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> Any:
        self.hooks.append("start")

    async def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        self.hooks.append("end")

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> Any:
        self.hooks.append(f"{kwargs['reason']} {kwargs['signal']} {kwargs['trace']}")


async def called(mode: str, model: Any, *handlers: Any) -> Any:
    """Call the model in one of the modes."""
    config: Any = {"callbacks": list(handlers)}
    if mode == "invoke":
        return model.invoke("q", config)
    if mode == "ainvoke":
        return await model.ainvoke("q", config)
    if mode == "batch":
        return model.batch(["q"], config)
    if mode == "abatch":
        return await model.abatch(["q"], config)
    if mode == "stream":
        return list(model.stream("q", config))
    if mode == "astream":
        return [chunk async for chunk in model.astream("q", config)]
    return [record async for record in model.astream_events("q", config, version="v2")]


@pytest.mark.row("B2.02")
@pytest.mark.row("B2.03")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [Chat, AsyncChat, Late, Text])
async def test_handlers_hear_of_it_before_the_one_end(kind: type[Any], mode: str) -> None:
    """Whichever method the provider writes and the caller uses, each handler is told once, and once of the end."""
    handlers: list[Any] = [Hearing(), HearingAsync()]
    with SpanRecorder() as spans:
        await called(mode, kind(), *handlers)
        (recorded,) = spans.spans
    for handler in handlers:
        assert handler.hooks == ["start", "GUARDRAIL_INTERVENED True {'input': {}}", "end"]
    assert recorded.outcome == "ok"
    assert [event.name for event in recorded.span.events] == ["gen_ai.guardrail.result"]


@pytest.mark.parametrize("kind", [Chat, AsyncChat, Text])
async def test_a_stream_that_is_left_early_told_what_was_seen_until_then(kind: type[Any]) -> None:
    """Leaving after the first chunk is no error of ours; what was not seen is not told."""
    handler = Hearing()
    stream = kind().stream("q", {"callbacks": [handler]})
    next(stream)
    stream.close()
    assert handler.hooks[0] == "start"
    assert not [hook for hook in handler.hooks if hook.startswith("GUARDRAIL")]
