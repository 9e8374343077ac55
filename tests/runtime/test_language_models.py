"""Chat and text models: what they give, what hooks and events say of it, and what stands on their spans."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spanloom.runtime.exceptions import AsyncOnlyError, ModelError
from spanloom.runtime.language_models import LLM, BaseChatModel, BaseLLM, FakeListLLM, ScriptedChatModel
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage
from spanloom.runtime.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, GenerationChunk, LLMResult
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical
from spanloom.tracing.callbacks.handlers import BaseCallbackHandler

WAYS = ["invoke", "ainvoke", "stream", "astream"]
ways = pytest.mark.parametrize("way", WAYS)
USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


class Hooks(BaseCallbackHandler):
    """Every model hook as it was called."""

    raise_error = True

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def names(self) -> list[str]:
        return [name.removeprefix("on_") for name, _, _ in self.calls]

    def on_llm_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_start", args, kwargs))

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_chat_model_start", args, kwargs))

    def on_llm_new_token(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_new_token", args, kwargs))

    def on_llm_end(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_end", args, kwargs))

    def on_llm_error(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("on_llm_error", args, kwargs))


class Named(BaseChatModel):
    seen: list[Any] = []

    @property
    def _llm_type(self) -> str:
        return "named"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"a": 1}


class Whole(Named):
    """Answers in one piece."""

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        self.seen.append((stop, kwargs))
        messages.append("mine")
        message = AIMessage("ab", usage_metadata=USAGE)
        generation = ChatGeneration(message=message, generation_info={"finish_reason": "stop"})
        return ChatResult(generations=[generation], llm_output={"model_name": "m-1"})


class Streams(Named):
    """Answers in chunks, always the same objects."""

    chunks: list[Any] = [
        ChatGenerationChunk(message=AIMessageChunk(content="a")),
        ChatGenerationChunk(
            message=AIMessageChunk(content="b", usage_metadata=USAGE),
            generation_info={"finish_reason": "stop", "model_name": "m-1"},
        ),
    ]

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        self.seen.append((stop, kwargs))
        messages.append("mine")
        yield from self.chunks


class StreamsOnLoop(Named):
    """Works on an event loop only."""

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        self.seen.append((stop, kwargs))
        for text in "ab":
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))


class Silent(Named):
    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        return iter(())


class Text(LLM):
    @property
    def _llm_type(self) -> str:
        return "text"


class TextWhole(Text):
    def _call(self, prompt: str, stop: Any = None, **kwargs: Any) -> str:
        assert "run_manager" not in kwargs
        return "ab"


class TextStreams(Text):
    """Reports each token itself, as providers written for another base do."""

    def _stream(
        self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        for text in "ab":
            chunk = GenerationChunk(text=text, generation_info={"finish_reason": "stop"} if text == "b" else None)
            if run_manager:
                run_manager.on_llm_new_token(text, chunk=chunk)
            yield chunk


class TextOnLoop(Text):
    async def _astream(
        self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[GenerationChunk]:
        for text in "ab":
            if run_manager:
                await run_manager.on_llm_new_token(text)
            yield GenerationChunk(text=text)


class TextSilent(Text):
    def _stream(
        self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[GenerationChunk]:
        return iter(())


def run(model: Any, way: str, value: Any = "hi", config: Any = None, **kwargs: Any) -> list[Any]:
    """What a call gave, as a list."""

    async def on_loop() -> list[Any]:
        if way == "ainvoke":
            return [await model.ainvoke(value, config, **kwargs)]
        return [chunk async for chunk in model.astream(value, config, **kwargs)]

    if way.startswith("a"):
        return asyncio.run(on_loop())
    return [model.invoke(value, config, **kwargs)] if way == "invoke" else list(model.stream(value, config, **kwargs))


def events(model: Any, value: Any = "hi", **kwargs: Any) -> list[dict[str, Any]]:
    async def gathered() -> list[dict[str, Any]]:
        return [record async for record in model.astream_events(value, version="v2", **kwargs)]

    return asyncio.run(gathered())


def inside(model: Any) -> Any:
    """A chain that calls the model as a whole."""

    async def ask(value: Any) -> Any:
        return await model.ainvoke(value)

    return RunnableLambda(ask)


# What the caller gets


@ways
@pytest.mark.parametrize("kind", [Whole, Streams, StreamsOnLoop, TextWhole, TextStreams, TextOnLoop])
def test_every_way_to_ask_follows_from_what_is_written(kind: type[Any], way: str) -> None:
    model = kind()
    if kind in (StreamsOnLoop, TextOnLoop) and not way.startswith("a"):
        with pytest.raises(AsyncOnlyError, match=f"{kind.__name__} works on an event loop only.*ainvoke"):
            run(model, way)
        return
    given = run(model, way)
    texts = [chunk if isinstance(chunk, str) else chunk.text for chunk in given]
    assert "".join(map(str, texts)) == "ab"
    assert len(given) == (2 if way.endswith("stream") and not kind.__name__.endswith("Whole") else 1)


@ways
def test_a_model_that_writes_nothing_says_what_to_write(way: str) -> None:
    for model in (Named(), Text()):
        with pytest.raises(NotImplementedError, match="write _generate, or _stream"):
            run(model, way)


@ways
@pytest.mark.row("S.03")
def test_every_chunk_of_a_call_names_its_run_and_no_other(way: str) -> None:
    """The provider's own chunks are left as they are, so the next call names its own run."""
    model, ids = Streams(), []
    for _ in range(2):
        with SpanRecorder() as spans:
            given = {message.id for message in run(model, way)}
            (span,) = spans.spans
        suffix = "-0" if way.endswith("invoke") else ""
        assert given == {f"run-{span.attributes['spanloom.run.id']}{suffix}"}
        ids += given
    assert len(set(ids)) == 2
    assert all(chunk.message.id is None for chunk in Streams.model_fields["chunks"].default)


@ways
def test_a_provider_keeps_its_own_id(way: str) -> None:
    chunk = ChatGenerationChunk(message=AIMessageChunk(content="a", id="msg-7"))
    with SpanRecorder() as spans:
        assert {message.id for message in run(Streams(chunks=[chunk]), way)} == {"msg-7"}
        assert spans.spans[0].attributes["gen_ai.response.id"] == "msg-7"


@ways
def test_an_id_that_is_a_number_breaks_no_call(way: str) -> None:
    """What a span shows of an answer is the provider's, whatever its type."""
    chunk = ChatGenerationChunk(message=AIMessageChunk(content="a", response_metadata={"response_id": 7}))
    with SpanRecorder() as spans:
        assert [message.content for message in run(Streams(chunks=[chunk]), way)] == ["a"]
        assert spans.spans[0].attributes["gen_ai.response.id"] == "7"


@ways
@pytest.mark.row("X.11")
@pytest.mark.parametrize("kind", [Whole, Streams])
def test_a_provider_cannot_change_the_callers_messages(kind: type[Named], way: str) -> None:
    messages, stop, more = [HumanMessage("hi")], ["x"], {"n": [1]}
    model = kind(seen=[])
    with SpanRecorder() as spans:
        run(model, way, messages, stop=stop, **more)
        assert [message["content"] for message in spans.records()[0]["data"]["input"]] == ["hi"]
    assert (messages, stop, more) == ([HumanMessage("hi")], ["x"], {"n": [1]})
    assert model.seen == [(["x"], {"n": [1]})]
    assert "stop" not in model.model_dump()


@pytest.mark.row("X.11")
def test_one_model_serves_threads_and_tasks_at_once() -> None:
    model, given = Streams(), []

    def blocking() -> None:
        given.extend(tuple({m.id for m in model.stream("hi")}) for _ in range(20))

    async def on_loop() -> None:
        async def one() -> tuple[Any, ...]:
            return tuple({m.id async for m in model.astream("hi")})

        given.extend(await asyncio.gather(*[one() for _ in range(20)]))

    threads = [threading.Thread(target=t) for t in (blocking, blocking, lambda: asyncio.run(on_loop()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(set(given)) == 60
    assert all(len(ids) == 1 for ids in given)


@ways
@pytest.mark.parametrize("kind", [Silent, TextSilent])
def test_a_stream_without_chunks_is_an_error(kind: type[Any], way: str) -> None:
    hooks = Hooks()
    with SpanRecorder() as spans:
        with pytest.raises(ModelError, match="no (chunk|generation)"):
            run(kind(), way, config={"callbacks": [hooks]})
        assert [span.outcome for span in spans] == ["error"]
    assert hooks.names()[1:] == ["llm_error"]


class Subclassed(Streams):
    """Calls the base's async methods, which stand on the blocking ones."""

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return await super()._agenerate(messages, stop, run_manager, **kwargs)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for chunk in super()._astream(messages, stop, run_manager, **kwargs):
            yield chunk


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
def test_async_methods_may_call_those_of_the_base(way: str) -> None:
    assert "".join(str(message.text) for message in run(Subclassed(), way)) == "ab"


class BelowAsync(TextWhole):
    async def _acall(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        return "async"


class NearestBlocking(BelowAsync):
    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        return "nearest"


def test_on_a_loop_the_nearest_method_counts() -> None:
    assert run(BelowAsync(), "ainvoke") == ["async"]
    assert run(NearestBlocking(), "ainvoke") == ["nearest"]
    assert run(BelowAsync(), "invoke") == ["ab"]


# Hooks


@ways
@pytest.mark.row("X.10")
@pytest.mark.parametrize("kind", [Streams, TextStreams])
def test_hooks_are_told_the_start_each_token_and_one_end(kind: type[Any], way: str) -> None:
    hooks = Hooks()
    with SpanRecorder() as spans:
        config = {"callbacks": [hooks], "tags": ["t"], "metadata": {"m": 1}, "run_name": "mine"}
        run(kind(), way, "hi", config, stop=["x"], seed=4)
        run_id = spans.spans[0].attributes["spanloom.run.id"]
    chat = kind is Streams
    tokens = ["llm_new_token"] * 2 if way.endswith("stream") else []
    assert hooks.names() == ["chat_model_start" if chat else "llm_start", *tokens, "llm_end"]
    assert {(str(kwargs["run_id"]), kwargs["parent_run_id"], *kwargs["tags"]) for _, _, kwargs in hooks.calls} == {
        (run_id, None, "t")
    }
    (_, args, kwargs), (_, (result,), _) = hooks.calls[0], hooks.calls[-1]
    assert args[1:] == (([[HumanMessage("hi")]],) if chat else (["hi"],))
    assert args[0]["name"] == kind.__name__
    assert args[0]["id"][-1] == kind.__name__
    assert (kwargs["metadata"], kwargs["name"]) == ({"m": 1}, "mine")
    assert (kwargs["options"], kwargs["batch_size"]) == ({"stop": ["x"]}, 1)
    identity = {"a": 1, "_type": "named"} if chat else {"_type": "text"}
    assert kwargs["invocation_params"] == {**identity, "stop": ["x"], "seed": 4}
    assert isinstance(result, LLMResult)
    assert result.generations[0][0].text == "ab"
    if way.endswith("stream") or chat:
        assert (result.generations[0][0].generation_info or {})["finish_reason"] == "stop"
    for _, (token,), kwargs in hooks.calls[1:-1]:
        assert kwargs["chunk"].text == token


@ways
def test_a_failing_model_tells_one_error(way: str) -> None:
    hooks = Hooks()
    with SpanRecorder() as spans:
        with pytest.raises(RuntimeError, match="after 2 tokens"):
            run(ScriptedChatModel(tokens=["a", "b", "c"], fail_after=2), way, config={"callbacks": [hooks]})
        assert [span.outcome for span in spans] == ["error"]
    tokens = ["llm_new_token"] * 2 if way.endswith("stream") else []
    assert hooks.names() == ["chat_model_start", *tokens, "llm_error"]
    assert isinstance(hooks.calls[-1][1][0], RuntimeError)


# Events


@pytest.mark.parametrize("kind", [Whole, Streams, StreamsOnLoop, TextWhole, TextStreams, TextOnLoop])
@pytest.mark.parametrize("nested", [False, True])
def test_events_show_the_tokens_and_replay_alike(kind: type[Any], nested: bool) -> None:
    """A call inside a chain streams as well, and its answer is a whole message."""
    model = kind()
    run_type = "llm" if issubclass(kind, LLM) else "chat_model"
    with SpanRecorder() as spans:
        live = events(inside(model) if nested else model)
        assert [canonical(record) for record in live] == spans.records()
    mine = [record for record in live if record["event"].startswith(f"on_{run_type}")]
    streamed = [] if kind.__name__.endswith("Whole") else ["stream", "stream"]
    assert [record["event"].removeprefix(f"on_{run_type}_") for record in mine] == ["start", *streamed, "end"]
    output = mine[-1]["data"]["output"]
    if run_type == "llm":
        assert output["generations"][0][0]["text"] == "ab"
        return
    assert output.text == "ab"
    assert isinstance(output, AIMessage if nested or not streamed else AIMessageChunk)
    assert not (nested and isinstance(output, AIMessageChunk))


@pytest.mark.row("S.11")
def test_a_models_own_events_show_what_the_caller_passed() -> None:
    first, second, third, *_, last = events(ScriptedChatModel(tokens=["a", "b"]), "hello")
    assert (first["event"], first["data"]) == ("on_chat_model_start", {"input": "hello"})
    assert second["data"]["chunk"].content == "a"
    assert third["data"]["chunk"].content == "b"
    assert list(last["data"]) == ["output"]
    assert last["data"]["output"].content == "ab"
    for record in (first, second, third, last):
        assert (record["name"], record["tags"], record["metadata"]) == ("ScriptedChatModel", [], {})
        assert record["run_id"] == first["run_id"]


def test_a_failure_in_mid_stream_comes_after_its_events() -> None:
    records: list[str] = []

    async def read() -> None:
        async for record in ScriptedChatModel(tokens=["a", "b"], fail_after=1).astream_events("x", version="v2"):
            records.append(record["event"])

    with pytest.raises(RuntimeError, match="after 1 tokens"):
        asyncio.run(read())
    assert records == ["on_chat_model_start", "on_chat_model_stream"]


# Spans


@ways
@pytest.mark.parametrize("level", ["structure", "chunks"])
@pytest.mark.parametrize("kind", [Whole, Streams])
def test_usage_reason_and_model_stand_on_the_span(kind: type[Named], way: str, level: str) -> None:
    with SpanRecorder(level) as spans:
        run(kind(), way)
        (span,) = spans.spans
    said = {key: value for key, value in span.attributes.items() if key.startswith("gen_ai.")}
    streamed = kind is Streams and way.endswith("stream")
    assert (said.pop("gen_ai.response.time_to_first_chunk", 0) > 0) == streamed
    assert (said.pop("gen_ai.request.stream", False)) == streamed
    assert said == {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.model": "m-1",
    }


# Tokens


@pytest.mark.row("B1.09")
@pytest.mark.row("B3.14")
def test_tokens_are_counted_by_the_models_own_function_or_the_documented_rule() -> None:
    model = FakeListLLM(responses=["x"])
    ids = model.get_token_ids("hello, world hello")
    assert (len(ids), ids[0]) == (7, ids[5])
    assert model.get_num_tokens("") == model.get_num_tokens(" \n") == 0
    assert model.get_num_tokens("天空是蓝色") == 5
    own = FakeListLLM(responses=["x"], custom_get_token_ids=lambda text: list(range(len(text))))
    assert (own.get_token_ids("abc"), own.get_num_tokens("abc")) == ([0, 1, 2], 3)
    messages = [HumanMessage("hi"), AIMessage("ho")]
    assert own.get_num_tokens_from_messages(messages) == len("Human: hi") + len("AI: ho")
    with pytest.warns(UserWarning, match="tools are not counted"):
        assert own.get_num_tokens_from_messages(messages, tools=[{"name": "t"}]) == 15


@pytest.mark.row("B3.20")
def test_structured_output_is_not_there_on_the_base() -> None:
    with pytest.raises(NotImplementedError):
        FakeListLLM(responses=["x"]).with_structured_output({})
    with pytest.raises(NotImplementedError):
        ScriptedChatModel(tokens=[]).bind_tools([])


@pytest.mark.row("B1.23")
def test_a_verbose_model_logs_its_answers(caplog: pytest.LogCaptureFixture) -> None:
    for model, words in ((FakeListLLM(responses=["xyz"], verbose=True), "xyz"), (Streams(verbose=True), "ab")):
        for way in WAYS:
            caplog.clear()
            with caplog.at_level("INFO", logger="spanloom"):
                run(model, way)
            assert [record.__dict__["answer"] for record in caplog.records] == [words]


def test_a_text_model_may_answer_several_prompts_itself() -> None:
    class Batch(BaseLLM):
        @property
        def _llm_type(self) -> str:
            return "batch"

        def _generate(self, prompts: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
            assert run_manager is not None
            generations = [[GenerationChunk(text=prompt.upper())] for prompt in prompts]
            usage = {"prompt_tokens": 1, "completion_tokens": 2}
            return LLMResult(generations=generations, llm_output={"token_usage": usage})

    for way in WAYS:
        with SpanRecorder() as spans:
            assert run(Batch(), way) == ["HI"]
            assert spans.spans[0].attributes["gen_ai.usage.output_tokens"] == 2
