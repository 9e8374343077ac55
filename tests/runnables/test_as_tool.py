"""Runnables as tools: their arguments, and their runs."""

import asyncio
from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, ValidationError

from spanloom.runtime.prompts import PromptTemplate
from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder

Mode = Literal["sync", "async"]
MODES = ["sync", "async"]


class Numbers(TypedDict):
    a: int
    b: list[int]


class Model(BaseModel):
    a: int


def product(x: Numbers) -> str:
    return str(x["a"] * max(x["b"]))


def shown(x: dict[str, Any]) -> str:
    return str(x)


def longer(x: str) -> str:
    return x + "a"


def run(tool: Any, mode: Mode, value: Any) -> Any:
    return tool.invoke(value) if mode == "sync" else asyncio.run(tool.ainvoke(value))


@pytest.mark.parametrize("mode", MODES)
def test_a_typed_dict_tells_the_arguments(mode: Mode):
    tool = RunnableLambda(product).as_tool()
    assert (tool.name, list(tool.args)) == ("product", ["a", "b"])
    assert run(tool, mode, {"a": 3, "b": [1, 2]}) == "6"
    with pytest.raises(ValidationError):
        run(tool, mode, {"a": "x", "b": []})


@pytest.mark.parametrize("mode", MODES)
def test_types_or_a_model_may_be_given(mode: Mode):
    typed = RunnableLambda(shown).as_tool(arg_types={"a": int}, name="nn", description="dd")
    assert (typed.name, typed.description, typed.args) == ("nn", "dd", {"a": {"title": "A", "type": "integer"}})
    assert run(typed, mode, {"a": 3}) == "{'a': 3}"
    assert run(RunnableLambda(shown).as_tool(Model), mode, {"a": "3"}) == "{'a': 3}"


@pytest.mark.parametrize("mode", MODES)
def test_a_text_is_one_argument(mode: Mode):
    tool = (RunnableLambda(longer) | RunnableLambda(longer)).as_tool()
    assert (tool.name, list(tool.args)) == ("RunnableSequence", ["tool_input"])
    assert run(tool, mode, "b") == "baa"
    assert tool.description == "Takes {'title': 'longer_input', 'type': 'string'}."


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_run_is_the_runnables_parent(mode: Mode, spans: SpanRecorder):
    run(PromptTemplate.from_template("{x} {y}").as_tool(name="tt"), mode, {"x": "1", "y": "2"})
    assert spans.tree() == [("tt", [("PromptTemplate", [])])]


async def test_its_events_replay_as_they_were_live(spans: SpanRecorder):
    tool = PromptTemplate.from_template("{x} {y}").as_tool(name="tt")
    live = [event async for event in tool.astream_events({"x": "1", "y": "2"})]
    told = [(event["event"], event["name"]) for event in live]
    assert told == [
        ("on_tool_start", "tt"),
        ("on_prompt_start", "PromptTemplate"),
        ("on_prompt_end", "PromptTemplate"),
        ("on_tool_end", "tt"),
    ]
    assert [(event["event"], event["name"]) for event in spans.records()] == told


def test_an_input_whose_arguments_are_not_told_is_refused():
    with pytest.raises(TypeError, match=r"pass args_schema or arg_types to as_tool"):
        RunnableLambda(shown).as_tool()
