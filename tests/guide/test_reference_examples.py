"""Examples of the reference documentation of runnables, as their readers run them."""

import asyncio
from typing import Any

import pytest

from spanloom.runtime.callbacks import adispatch_custom_event, dispatch_custom_event
from spanloom.runtime.language_models import LLM, FakeListLLM, ScriptedChatModel
from spanloom.runtime.output_parsers import StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate
from spanloom.runtime.retrievers import Bm25Retriever
from spanloom.runtime.runnables import RunnableConfig, RunnableLambda
from spanloom.runtime.tools import tool
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical


async def _slow_thing(some_input: str, config: RunnableConfig) -> str:
    await asyncio.sleep(0)
    await adispatch_custom_event("progress_event", {"message": "Finished step 1 of 3"}, config=config)
    await asyncio.sleep(0)
    await adispatch_custom_event("progress_event", {"message": "Finished step 2 of 3"}, config=config)
    await asyncio.sleep(0)
    return "Done"


@pytest.mark.row("B3.10")
async def test_custom_events_come_in_order_inside_their_run(spans: SpanRecorder) -> None:
    """Two progress events between start and end, each with the id of the run that gave it; replayed alike."""
    slow_thing = RunnableLambda(_slow_thing, name="slow_thing")
    found = [record async for record in slow_thing.astream_events("some_input", version="v2")]
    assert [(record["event"], record["name"], record["data"]) for record in found] == [
        ("on_chain_start", "slow_thing", {"input": "some_input"}),
        ("on_custom_event", "progress_event", {"message": "Finished step 1 of 3"}),
        ("on_custom_event", "progress_event", {"message": "Finished step 2 of 3"}),
        ("on_chain_stream", "slow_thing", {"chunk": "Done"}),
        ("on_chain_end", "slow_thing", {"output": "Done"}),
    ]
    assert len({record["run_id"] for record in found}) == 1
    assert spans.records() == [canonical(record) for record in found]


@pytest.mark.row("B3.10")
async def test_the_blocking_twin_dispatches_too() -> None:
    """From a function in a worker thread, without passing the config."""

    def work(value: int) -> int:
        dispatch_custom_event("halved", {"to": value // 2})
        return value // 2

    found = [r async for r in RunnableLambda(work).astream_events(8, version="v2", include_names=["halved"])]
    assert [record["data"] for record in found] == [{"to": 4}]


def test_a_custom_event_outside_a_run_is_an_error() -> None:
    """It says what to do."""
    with pytest.raises(RuntimeError, match="dispatch it inside a runnable"):
        dispatch_custom_event("lost", {})


class _Repeats(LLM):
    """Repeats the words between the quotes, and stops where it is told."""

    @property
    def _llm_type(self) -> str:
        return "repeats"

    def _call(self, prompt: str, stop: list[str] | None = None, run_manager: Any = None, **kwargs: Any) -> str:
        words = prompt.split("'")[1]
        for text in stop or []:
            words = words.split(text)[0]
        return words.strip()


@pytest.mark.row("B3.11")
@pytest.mark.parametrize("method", ["invoke", "stream"])
def test_a_bound_stop_cuts_the_answer(method: str) -> None:
    """What is bound is passed on every call; without it the answer is whole."""
    words = "Repeat quoted words exactly: 'One two three four five.'"
    chain = _Repeats() | StrOutputParser()
    bound = _Repeats().bind(stop=["three"]) | StrOutputParser()
    assert chain.invoke(words) == "One two three four five."
    assert "".join(bound.invoke(words) if method == "invoke" else bound.stream(words)) == "One two"


@pytest.mark.row("B3.15")
def test_with_config_and_with_types_give_new_runnables(spans: SpanRecorder) -> None:
    """The original keeps its name, tags and metadata."""
    original = RunnableLambda(str.upper, name="shout")
    changed = original.with_config({"run_name": "loud"}, tags=["t"]).with_types(input_type=str, output_type=str)
    assert (original.invoke("a"), changed.invoke("a")) == ("A", "A")
    assert [(span.name, span.attributes.get("spanloom.run.tags")) for span in spans] == [
        ("shout", None),
        ("loud", ("t",)),
    ]


@tool
def _add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.row("B3.08")
async def test_every_kind_of_run_gives_its_events_and_data() -> None:
    """Kinds chat_model, llm, chain, tool, retriever, prompt and parser, each with the documented data keys."""

    async def everything(question: str) -> str:
        await Bm25Retriever.from_texts(["looms weave"]).ainvoke(question)
        await _add.ainvoke({"a": 1, "b": 2})
        await FakeListLLM(responses=["text"]).ainvoke(question)
        prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
        return await (prompt | ScriptedChatModel(tokens=["a", "b"]) | StrOutputParser()).ainvoke({"question": question})

    found = [record async for record in RunnableLambda(everything).astream_events("looms?", version="v2")]
    keys = {record["event"]: sorted(record["data"]) for record in found if record["parent_ids"]}
    assert keys == {
        "on_retriever_start": ["input"],
        "on_retriever_end": ["input", "output"],
        "on_tool_start": ["input"],
        "on_tool_end": ["input", "output"],
        "on_llm_start": ["input"],
        "on_llm_end": ["input", "output"],
        "on_chain_start": ["input"],
        "on_prompt_start": ["input"],
        "on_prompt_end": ["input", "output"],
        "on_chat_model_start": ["input"],
        "on_chat_model_stream": ["chunk"],
        "on_chat_model_end": ["input", "output"],
        "on_parser_start": ["input"],
        "on_parser_end": ["input", "output"],
        "on_chain_end": ["input", "output"],
    }
    inputs = {r["event"]: r["data"].get("input") for r in found if r["event"].endswith("_start")}
    assert inputs["on_retriever_start"] == {"query": "looms?"}
    assert inputs["on_tool_start"] == {"a": 1, "b": 2}
    assert inputs["on_llm_start"] == {"prompts": ["looms?"]}
    assert inputs["on_prompt_start"] == {"question": "looms?"}


@pytest.mark.row("B3.07")
async def test_records_have_the_documented_keys() -> None:
    """event, name, run_id, parent_ids, tags, metadata and data; parents from the root down, none for the root."""
    inner = RunnableLambda(str.upper, name="inner")
    outer = RunnableLambda(lambda _: inner, name="outer") | str.lower
    found = [r async for r in outer.astream_events("x", {"metadata": {"k": 1}, "tags": ["t"]}, version="v2")]
    wanted = {"event", "name", "run_id", "parent_ids", "tags", "metadata", "data"}
    assert all(set(record) == wanted and record["metadata"] == {"k": 1} for record in found)
    by_name = {record["name"]: record for record in found}
    assert by_name["RunnableSequence"]["parent_ids"] == []
    root, middle = by_name["RunnableSequence"]["run_id"], by_name["outer"]["run_id"]
    assert by_name["inner"]["parent_ids"] == [root, middle]
