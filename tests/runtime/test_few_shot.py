"""Prompts with examples."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from spanloom.runtime.example_selectors import BaseExampleSelector, LengthBasedExampleSelector
from spanloom.runtime.messages import AIMessage, HumanMessage, SystemMessage
from spanloom.runtime.prompts import (
    ChatPromptTemplate,
    FewShotChatMessagePromptTemplate,
    FewShotPromptTemplate,
    PromptTemplate,
)
from spanloom.runtime.prompts.base import MissingVariableError
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

EXAMPLES = [{"i": "happy", "o": "sad"}, {"i": "tall", "o": "short"}]
PROMPT = PromptTemplate.from_template("In: {i}\nOut: {o}")
PAIR = ChatPromptTemplate([("human", "{i}"), ("ai", "{o}")])


class Choosing(BaseExampleSelector):
    """Chooses one example; on a loop another."""

    def add_example(self, example: dict[str, str]) -> None: ...

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        return [{"i": input_variables["w"], "o": "sync"}]

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        return [{"i": input_variables["w"], "o": "async"}]


def prompt(**kwargs: Any) -> FewShotPromptTemplate:
    fields: dict[str, Any] = {"examples": EXAMPLES, "example_prompt": PROMPT, "prefix": "Opposites {z}"}
    return FewShotPromptTemplate(**{**fields, "suffix": "In: {w}", **kwargs})


def test_examples_stand_between_prefix_and_suffix() -> None:
    shown = "Opposites {b}\n\nIn: happy\nOut: sad\n\nIn: tall\nOut: short\n\nIn: x"
    assert prompt().invoke({"w": "x", "z": "{b}"}).to_string() == shown
    assert prompt().input_variables == ["w", "z"]
    assert prompt(partial_variables={"z": "P"}).format(w="x").startswith("Opposites P")
    assert prompt(prefix="", example_separator="|").format(w="x") == "In: happy\nOut: sad|In: tall\nOut: short|In: x"
    assert prompt().partial(z="1").input_variables == ["w"]


def test_what_examples_bring_is_text() -> None:
    shown = prompt(examples=[{"i": "{x}", "o": "{{y}}", "extra": 1}], prefix="").format(w=1)
    assert shown == "In: {x}\nOut: {{y}}\n\nIn: 1"


def test_a_wrong_prompt_says_what_is_wrong() -> None:
    with pytest.raises(ValidationError, match="either examples or an example_selector"):
        prompt(examples=None)
    with pytest.raises(ValidationError, match="and not both"):
        prompt(example_selector=Choosing())
    with pytest.raises(ValidationError, match=r"input_variables are \['q'\], but the fields are \['w', 'z'\]"):
        prompt(validate_template=True, input_variables=["q"])
    with pytest.raises(MissingVariableError, match=r"has no \['o'\]"):
        prompt(examples=[{"i": "a"}]).format(w=1, z=2)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_selector_is_asked_for_each_input(mode: str) -> None:
    asking = prompt(examples=None, example_selector=Choosing(), prefix="")
    value = asking.invoke("q") if mode == "sync" else await asking.ainvoke("q")
    assert value.to_string() == f"In: q\nOut: {mode}\n\nIn: q"
    chat = FewShotChatMessagePromptTemplate(example_selector=Choosing(), example_prompt=PAIR, input_variables=["w"])
    whole = ChatPromptTemplate([("system", "s"), chat, ("human", "{w}")])
    value = whole.invoke("q") if mode == "sync" else await whole.ainvoke("q")
    assert value.to_messages() == [SystemMessage("s"), HumanMessage("q"), AIMessage(mode), HumanMessage("q")]
    assert "{i}" in chat.pretty_repr()


def test_fixed_examples_become_messages() -> None:
    chat = FewShotChatMessagePromptTemplate(examples=EXAMPLES, example_prompt=PAIR)
    assert chat.format_messages() == [HumanMessage("happy"), AIMessage("sad"), HumanMessage("tall"), AIMessage("short")]
    assert chat.format() == "Human: happy\nAI: sad\nHuman: tall\nAI: short"
    assert (chat.input_variables, "tall" in chat.pretty_repr()) == ([], True)


def test_examples_may_be_chosen_by_length() -> None:
    selector = LengthBasedExampleSelector(examples=EXAMPLES, example_prompt=PROMPT, max_length=5)
    assert prompt(examples=None, example_selector=selector, prefix="").format(w="a") == "In: happy\nOut: sad\n\nIn: a"


async def test_live_records_of_a_few_shot_prompt_are_replayed_equal() -> None:
    with SpanRecorder() as spans:
        live = [r async for r in prompt(prefix="").astream_events({"w": "x"}, version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
