"""`generate` of chat and text models: one run an input, whole results, caches honoured."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from spanloom.runtime.caches import InMemoryCache
from spanloom.runtime.globals import set_llm_cache
from spanloom.runtime.language_models import LLM, BaseChatModel, BaseLLM
from spanloom.runtime.messages import AIMessage, AIMessageChunk, HumanMessage
from spanloom.runtime.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    ChatResult,
    Generation,
    GenerationChunk,
    LLMResult,
)
from spanloom.runtime.prompt_values import StringPromptValue
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder

both = pytest.mark.parametrize("mode", ["sync", "async"])
kinds = pytest.mark.parametrize("chat", [True, False], ids=["chat", "text"])
HOW = ["invoke", "ainvoke", "batch", "abatch", "generate", "agenerate"]


class Chat(BaseChatModel):
    """Gives the last message back; fails on "bad"."""

    asked: list[str] = []
    streaming: bool = False

    @property
    def _llm_type(self) -> str:
        return "chat"

    def cache_fields(self) -> Any:
        return {}

    def _combine_llm_outputs(self, llm_outputs: Any) -> Any:
        return {"all": llm_outputs}

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        text = messages[-1].text
        self.asked.append(text)
        if text == "bad":
            raise RuntimeError("bad")
        generations = [ChatGeneration(message=AIMessage(text)), ChatGeneration(message=AIMessage("other"))]
        return ChatResult(generations=generations, llm_output={"said": text, **kwargs})

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        self.asked.append(messages[-1].text)
        for letter in messages[-1].text:
            yield ChatGenerationChunk(message=AIMessageChunk(content=letter))


class Text(LLM):
    """Gives the prompt back; fails on "bad"."""

    asked: list[str] = []
    streaming: bool = False

    @property
    def _llm_type(self) -> str:
        return "text"

    def cache_fields(self) -> Any:
        return {}

    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        self.asked.append(prompt)
        if prompt == "bad":
            raise RuntimeError("bad")
        return prompt

    def _stream(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        self.asked.append(prompt)
        for letter in prompt:
            yield GenerationChunk(text=letter)


class Counted(BaseLLM):
    """Tells the tokens of each call."""

    @property
    def _llm_type(self) -> str:
        return "counted"

    def _generate(self, prompts: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
        usage = {"total_tokens": len(prompts[0]), "prompt_tokens": 1, "kind": "x"}
        output = {"token_usage": usage, "last": prompts[0]} if prompts[0] else None
        return LLMResult(generations=[[Generation(text="a")] for _ in prompts], llm_output=output)


def made(chat: bool, **fields: Any) -> Any:
    return (Chat if chat else Text)(asked=[], **fields)


def generated(mode: str, model: Any, texts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
    inputs: Any = [[HumanMessage(text)] for text in texts] if isinstance(model, BaseChatModel) else texts
    if mode == "sync":
        return model.generate(inputs, *args, **kwargs)
    return asyncio.run(model.agenerate(inputs, *args, **kwargs))


def called(model: Any, how: str, texts: list[str], config: Any) -> None:
    if how.endswith("generate"):
        generated("async" if how == "agenerate" else "sync", model, texts, callbacks=config["callbacks"])
    elif how == "invoke":
        for text in texts:
            model.invoke(text, config)
    elif how == "batch":
        model.batch(texts, config)
    elif how == "abatch":
        asyncio.run(model.abatch(texts, config))
    else:
        for text in texts:
            asyncio.run(model.ainvoke(text, config))


# What comes back


@both
@kinds
def test_every_input_is_a_run_of_its_own(chat: bool, mode: str, hooks: Any) -> None:
    """Each has its own span, start and end; the result names the runs in order and holds every candidate."""
    model, run_id = made(chat), uuid4()
    with SpanRecorder() as spans:
        result = generated(
            mode, model, ["a", "b"], ["x"], [hooks], tags=["t"], metadata={"m": 1}, run_name="mine", run_id=run_id
        )
        attributes = {span.attributes["spanloom.run.id"]: span.attributes for span in spans.spans}
        assert [span.name for span in spans.spans] == ["mine", "mine"]
    assert isinstance(result, LLMResult)
    assert [row[0].text for row in result.generations] == ["a", "b"]
    assert [len(row) for row in result.generations] == [2 if chat else 1] * 2
    assert result.run is not None
    assert [str(run.run_id) for run in result.run] == sorted(attributes, key=lambda key: key != str(run_id))
    assert result.run[0].run_id == run_id
    assert all(said["spanloom.metadata.m"] == 1 for said in attributes.values())
    assert sorted(hooks.names) == ["end", "end", "start", "start"]
    for _, kwargs in hooks.of("start"):
        assert (kwargs["tags"], kwargs["metadata"], kwargs["name"]) == (["t"], {"m": 1}, "mine")
        assert (kwargs["batch_size"], kwargs["options"]) == (2, {"stop": ["x"]})
    assert sorted(args[0].generations[0][0].text for args, _ in hooks.of("end")) == ["a", "b"]


@both
def test_what_providers_said_is_combined_by_the_model(mode: str) -> None:
    """`_combine_llm_outputs` gets what each call said, in order; arguments reach the provider."""
    assert generated(mode, made(True), ["a", "b"], seed=4).llm_output == {
        "all": [{"said": "a", "seed": 4}, {"said": "b", "seed": 4}]
    }


@both
@pytest.mark.parametrize(
    ("texts", "output"),
    [
        ([""], None),
        (["ab"], {"token_usage": {"total_tokens": 2, "prompt_tokens": 1, "kind": "x"}, "last": "ab"}),
        (
            ["ab", "", "abc"],
            {"token_usage": {"total_tokens": 5, "prompt_tokens": 2, "kind": "x"}, "last": "abc"},
        ),
    ],
)
def test_token_counts_of_text_models_are_added_up(mode: str, texts: list[str], output: Any) -> None:
    """Of the rest the last word counts; where nothing was said there is nothing."""
    assert generated(mode, Counted(), texts).llm_output == output


@both
@kinds
def test_nothing_to_generate_is_an_empty_result(chat: bool, mode: str) -> None:
    """No run is opened for an empty list."""
    with SpanRecorder() as spans:
        result = generated(mode, made(chat), [])
        assert spans.spans == []
    assert (result.generations, result.run) == ([], None)


@both
@kinds
def test_prompt_values_are_generated_alike(chat: bool, mode: str, hooks: Any) -> None:
    """`generate_prompt` is `generate` with the values as messages or text."""
    model, prompts = made(chat), [StringPromptValue(text="a"), StringPromptValue(text="b")]
    if mode == "sync":
        result = model.generate_prompt(prompts, ["x"], [hooks], tags=["t"])
    else:
        result = asyncio.run(model.agenerate_prompt(prompts, ["x"], [hooks], tags=["t"]))
    assert [row[0].text for row in result.generations] == ["a", "b"]
    assert [(kwargs["options"], kwargs["tags"]) for _, kwargs in hooks.of("start")] == [({"stop": ["x"]}, ["t"])] * 2


@kinds
def test_one_input_in_place_of_a_list_is_refused(chat: bool) -> None:
    """A text would otherwise be taken letter by letter."""
    with pytest.raises(ValueError, match="generate takes a list of inputs"):
        made(chat).generate("abc")


@both
@kinds
def test_inside_a_chain_the_runs_are_its_children(chat: bool, mode: str) -> None:
    """Runs of `generate` find the run around them without being told."""
    model = made(chat)

    async def asynchronous(value: Any) -> Any:
        return await model.agenerate([[HumanMessage("a")], [HumanMessage("b")]] if chat else ["a", "b"])

    def blocking(value: Any) -> Any:
        return generated("sync", model, ["a", "b"])

    name = type(model).__name__
    with SpanRecorder() as spans:
        if mode == "sync":
            RunnableLambda(blocking, name="outer").invoke(1)
        else:
            asyncio.run(RunnableLambda(asynchronous, name="outer").ainvoke(1))
        assert spans.tree() == [("outer", [(name, []), (name, [])])]


# Failures


@kinds
def test_blocking_the_first_failure_stops_the_rest(chat: bool, hooks: Any) -> None:
    """Inputs are asked in order; those after the failure are not begun."""
    model = made(chat)
    with pytest.raises(RuntimeError, match="bad"):
        generated("sync", model, ["a", "bad", "b"], callbacks=[hooks])
    assert model.asked == ["a", "bad"]
    assert hooks.names == ["start", "end", "start", "error"]


class Slow(Chat):
    """Answers after many turns of the loop, unless it fails."""

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        if messages[-1].text != "bad":
            for _ in range(200):
                await asyncio.sleep(0)
        return self._generate(messages, stop, run_manager, **kwargs)


def test_on_a_loop_all_end_before_the_failure_is_raised(hooks: Any) -> None:
    """One that fails does not cut off the others, which run beside it."""
    model = Slow(asked=[])
    with pytest.raises(RuntimeError, match="bad"):
        generated("async", model, ["a", "bad", "b"], callbacks=[hooks])
    assert model.asked == ["bad", "a", "b"]
    assert sorted(hooks.names) == ["end", "end", "error", "start", "start", "start"]


# What a text model's call says for each prompt


@both
def test_a_text_model_takes_lists_with_an_entry_for_each_prompt(mode: str, hooks: Any) -> None:
    """Handlers, tags, metadata, names and ids may differ from prompt to prompt."""
    ids = [uuid4(), None]
    result = generated(
        mode,
        made(False),
        ["a", "b"],
        callbacks=[[hooks], None],
        tags=[["t"], ["u"]],
        metadata=[{"m": 1}, {"m": 2}],
        run_name=["one", "two"],
        run_id=ids,
    )
    ((_, kwargs),) = hooks.of("start")
    assert (kwargs["tags"], kwargs["metadata"], kwargs["name"]) == (["t"], {"m": 1}, "one")
    assert (result.run or [])[0].run_id == ids[0]


@pytest.mark.parametrize(
    "said", [{"callbacks": [[]]}, {"tags": [["t"]]}, {"metadata": [{}]}, {"run_name": ["n"]}, {"run_id": [None]}]
)
def test_a_list_of_another_length_is_refused(said: dict[str, Any]) -> None:
    """The error names the argument and both numbers."""
    with pytest.raises(ValueError, match=f"{next(iter(said))} has 1 entries for 2 inputs"):
        made(False).generate(["a", "b"], **said)


# Hooks


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("streaming", [False, True])
@kinds
@pytest.mark.row("X.10")
def test_every_call_tells_its_tokens_and_one_end(chat: bool, streaming: bool, how: str, hooks: Any) -> None:
    """With `streaming` a call streams inside, so handlers hear each token; on_llm_end comes once either way."""
    model = made(chat, streaming=streaming)
    called(model, how, ["ab", "cd"], {"callbacks": [hooks]})
    by_run: dict[Any, list[str]] = {}
    for name, args, kwargs in hooks.calls:
        by_run.setdefault(kwargs["run_id"], []).append(args[0] if name == "token" else name)
    between = [["a", "b"], ["c", "d"]] if streaming else [[], []]
    assert sorted(by_run.values()) == sorted([["start", *tokens, "end"] for tokens in between])
    assert sorted(model.asked) == ["ab", "cd"]


# Caches


@both
@kinds
@pytest.mark.row("B1.05")
@pytest.mark.parametrize(("cache", "asked"), [(True, 1), (None, 1), (False, 2), ("own", 1)])
def test_generate_asks_a_cache_as_invoke_does(chat: bool, mode: str, cache: Any, asked: int, hooks: Any) -> None:
    """A kept answer is a run like any other, marked on its span; the provider is not asked again."""
    shared = InMemoryCache()
    set_llm_cache(None if cache == "own" else shared)
    try:
        model = made(chat, cache=InMemoryCache() if cache == "own" else cache)
        with SpanRecorder() as spans:
            results = [generated(mode, model, ["a"], callbacks=[hooks]) for _ in range(2)]
            marks = [span.attributes.get("spanloom.cache.hit") for span in spans.spans]
    finally:
        set_llm_cache(None)
    assert len(model.asked) == asked
    assert marks == [None, True if asked == 1 else None]
    assert [result.generations[0][0].text for result in results] == ["a", "a"]
    assert hooks.names == ["start", "end"] * 2


@both
@kinds
@pytest.mark.row("B1.05")
def test_generate_without_the_global_cache_it_needs_is_an_error(chat: bool, mode: str) -> None:
    """True means the global cache, which must be set."""
    with pytest.raises(ValueError, match="no global cache is set"):
        generated(mode, made(chat, cache=True), ["a"])
