"""When models stream, at what pace, and what handlers get of an answer that broke off."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spanloom.runtime.language_models import FakeStreamingListLLM, ScriptedChatModel
from spanloom.runtime.language_models.fake import FakeListLLMError
from spanloom.runtime.language_models.fake_chat_models import FakeListChatModel
from spanloom.runtime.outputs import ChatGenerationChunk, ChatResult, LLMResult
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.lineage import Timeline

WAYS = ["invoke", "ainvoke", "stream", "astream"]
ways = pytest.mark.parametrize("way", WAYS)
TOOLS = {"tools": [{"name": "t"}]}


class Telling(FakeListChatModel):
    """Says which of its methods were asked."""

    seen: list[str] = []

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        self.seen.append("generate")
        return super()._generate(*args, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        self.seen.append("stream")
        return super()._stream(*args, **kwargs)

    def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        self.seen.append("stream")
        return super()._astream(*args, **kwargs)


class ScriptedSwitch(ScriptedChatModel):
    """A scripted model that can be told to stream inside."""

    streaming: bool = False


def run(model: Any, way: str, config: Any = None, **kwargs: Any) -> list[Any]:
    """What a call gave, as a list."""

    async def on_loop() -> list[Any]:
        if way == "ainvoke":
            return [await model.ainvoke("hi", config, **kwargs)]
        return [chunk async for chunk in model.astream("hi", config, **kwargs)]

    if way.startswith("a"):
        return asyncio.run(on_loop())
    return [model.invoke("hi", config, **kwargs)] if way == "invoke" else list(model.stream("hi", config, **kwargs))


def event_names(model: Any, kwargs: dict[str, Any]) -> list[str]:
    """The model's events of an invocation inside a chain whose events are read."""

    async def ask(value: Any) -> Any:
        return await model.ainvoke(value, **kwargs)

    async def read() -> list[str]:
        records = RunnableLambda(ask).astream_events("hi", version="v2", include_types=["chat_model"])
        return [record["event"].rpartition("_")[2] async for record in records]

    return asyncio.run(read())


# Whether a model streams


@pytest.mark.row("B3.03")
@pytest.mark.parametrize("way", ["stream", "astream", "events"])
@pytest.mark.parametrize(
    ("setting", "kwargs", "streams"),
    [
        (False, {}, True),
        (False, TOOLS, True),
        (True, {}, False),
        (True, TOOLS, False),
        ("tool_calling", {}, True),
        ("tool_calling", TOOLS, False),
        ("tool_calling", {"tools": []}, True),
    ],
)
def test_streaming_can_be_forbidden(setting: Any, kwargs: dict[str, Any], streams: bool, way: str) -> None:
    """Forbidden, a stream is one whole message, and an invocation inside an event stream shows no tokens."""
    model = Telling(responses=["ab"], disable_streaming=setting, seen=[])
    if way == "events":
        assert event_names(model, kwargs) == ["start", *["stream"] * (2 if streams else 0), "end"]
    else:
        given = run(model, way, **kwargs)
        assert [message.text for message in given] == (["a", "b"] if streams else ["ab"])
    assert model.seen == ["stream" if streams else "generate"]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_forbidden_streaming_wins_over_the_switch(way: str, hooks: Any) -> None:
    """`streaming` asks for tokens inside an invocation, `disable_streaming` refuses them."""
    for setting, tokens in ((False, ["a", "b"]), (True, [])):
        hooks.calls.clear()
        run(ScriptedSwitch(tokens=["a", "b"], streaming=True, disable_streaming=setting), way, {"callbacks": [hooks]})
        assert [args[0] for args, _ in hooks.of("token")] == tokens


# Pace


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock of runs that goes on by one second each time it is read."""
    now = [0]

    def read(self: Timeline) -> int:
        now[0] += 1_000_000_000
        return now[0]

    monkeypatch.setattr(Timeline, "now_ns", read)


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("kind", ["chat", "text"])
@pytest.mark.usefixtures("ticks")
def test_the_pace_of_a_stream_stands_on_its_span(kind: str, way: str) -> None:
    """Each gap is the same number of readings of the clock: the mean is the longest, and whole seconds."""
    model: Any = FakeListChatModel(responses=["abcd"]) if kind == "chat" else FakeStreamingListLLM(responses=["abcd"])
    with SpanRecorder() as spans:
        run(model, way)
        said = spans.spans[0].attributes
    assert said["spanloom.stream.chunks"] == 4
    assert said["spanloom.stream.gap_mean_s"] == said["spanloom.stream.gap_max_s"] >= 1
    assert said["spanloom.stream.gap_max_s"] % 1 == 0
    assert said["gen_ai.response.time_to_first_chunk"] >= 1


def test_the_longest_gap_is_told_apart_from_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """One late token moves the mean a little and the longest gap wholly."""
    now = [0]
    monkeypatch.setattr(Timeline, "now_ns", lambda self: now[0])

    class Late(ScriptedChatModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            for chunk, wait_s in zip(super()._stream(*args, **kwargs), (2, 1, 4, 1), strict=True):
                now[0] += wait_s * 1_000_000_000
                yield chunk

    with SpanRecorder() as spans:
        run(Late(tokens=["a", "b", "c", "d"]), "stream")
        said = spans.spans[0].attributes
    assert said["gen_ai.response.time_to_first_chunk"] == 2
    assert (said["spanloom.stream.gap_mean_s"], said["spanloom.stream.gap_max_s"]) == (2, 4)


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_one_chunk_has_no_gap_and_an_invocation_no_chunks(way: str) -> None:
    """What was not measured is absent, not zero."""
    with SpanRecorder() as spans:
        run(ScriptedChatModel(tokens=["a"]), way)
        run(ScriptedChatModel(tokens=["a"]), "invoke")
        streamed, whole = (span.attributes for span in spans.spans)
    assert streamed["spanloom.stream.chunks"] == 1
    assert "spanloom.stream.gap_max_s" not in streamed
    assert not [name for name in whole if name.startswith("spanloom.stream.")]


# Answers that broke off


@ways
@pytest.mark.parametrize("streaming", [False, True])
def test_a_failure_comes_with_what_was_streamed_before_it(way: str, streaming: bool, hooks: Any) -> None:
    """Without streaming there is nothing yet: the response has no generation."""
    model = ScriptedSwitch(tokens=["a", "b", "c"], fail_after=2, streaming=streaming)
    with pytest.raises(RuntimeError, match="after 2 tokens"):
        run(model, way, {"callbacks": [hooks]})
    ((_, kwargs),) = hooks.of("error")
    response = kwargs["response"]
    assert isinstance(response, LLMResult)
    if way.endswith("invoke") and not streaming:
        assert response.generations == [[]]
        return
    ((generation,),) = response.generations
    assert isinstance(generation, ChatGenerationChunk)
    assert (generation.text, generation.message.id) == ("ab", f"run-{kwargs['run_id']}")


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize(("place", "texts"), [(2, [["ab"]]), (0, [])])
def test_a_failing_text_stream_comes_with_its_text(way: str, place: int, texts: list[Any], hooks: Any) -> None:
    """A failure before the first token has an empty response."""
    with pytest.raises(FakeListLLMError):
        run(FakeStreamingListLLM(responses=["abc"], error_on_chunk_number=place), way, {"callbacks": [hooks]})
    ((_, kwargs),) = hooks.of("error")
    assert [[generation.text for generation in row] for row in kwargs["response"].generations] == texts


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_failing_text_call_has_an_empty_response(way: str, hooks: Any) -> None:
    """Nothing was given before the failure."""
    with pytest.raises(IndexError):
        run(FakeStreamingListLLM(responses=[]), way, {"callbacks": [hooks]})
    ((_, kwargs),) = hooks.of("error")
    assert kwargs["response"].generations == []


@pytest.mark.parametrize("kind", ["chat", "text"])
def test_a_stream_that_is_left_tells_what_was_read(kind: str, hooks: Any) -> None:
    """Leaving early is told like a failure, with the text until then."""
    model: Any = FakeListChatModel(responses=["abc"]) if kind == "chat" else FakeStreamingListLLM(responses=["abc"])
    stream = model.stream("hi", {"callbacks": [hooks]})
    next(stream)
    next(stream)
    stream.close()
    ((_, kwargs),) = hooks.of("error")
    assert kwargs["response"].generations[0][0].text == "ab"
