"""What is chosen at run time: values of fields, and whole runnables; and that the one that chooses is not seen."""

import asyncio
from typing import Any, Literal

import pytest

from spanloom.runtime.language_models import FakeListLLM
from spanloom.runtime.prompts import PromptTemplate
from spanloom.runtime.runnables import (
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSerializable,
)
from spanloom.runtime.runnables.configurable import RunnableConfigurableFields
from spanloom.runtime.runnables.configurable_alternatives import RunnableConfigurableAlternatives
from spanloom.testing.recorder import SpanRecorder

Mode = Literal["sync", "async"]
MODES = ["sync", "async"]
WHICH = ConfigurableField(id="llm", name="Model")


class Counter(RunnableSerializable[Any, Any]):
    """A runnable with parameters, as programs write them."""

    max_tokens: int = 20
    words: list[str] = ["a"]

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return f"{self.max_tokens} {' '.join(self.words)}"


def run(runnable: Any, mode: Mode, value: Any, config: Any = None) -> Any:
    if mode == "sync":
        return runnable.invoke(value, config)
    return asyncio.run(runnable.ainvoke(value, config))


def names(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["event"], event["name"]) for event in events]


@pytest.mark.row("B3.12")
@pytest.mark.parametrize("mode", MODES)
def test_a_field_is_chosen_by_the_config_of_the_call_or_by_a_bound_one(mode: Mode):
    made = Counter(max_tokens=20).configurable_fields(max_tokens=ConfigurableField(id="output_token_number"))
    assert run(made, mode, "x") == "20 a"
    assert run(made.with_config(configurable={"output_token_number": 200}), mode, "x") == "200 a"
    assert run(made, mode, "x", {"configurable": {"output_token_number": 200}}) == "200 a"
    assert run(made, mode, "x") == "20 a"


@pytest.mark.row("B3.12")
@pytest.mark.parametrize("mode", MODES)
def test_an_option_is_chosen_by_its_name_and_several_by_a_list(mode: Mode):
    one = ConfigurableFieldSingleOption(id="n", options={"few": 5, "many": 500}, default="few")
    some = ConfigurableFieldMultiOption(id="w", options={"x": "X", "y": "Y"}, default=["x"])
    made = Counter().configurable_fields(max_tokens=one, words=some)
    assert run(made, mode, "x") == "5 X"
    assert run(made, mode, "x", {"configurable": {"n": "many", "w": ["y", "x"]}}) == "500 Y X"
    with pytest.raises(ValueError, match="Unknown option 'none'"):
        run(made, mode, "x", {"configurable": {"n": "none"}})


@pytest.mark.row("B3.13")
@pytest.mark.parametrize("mode", MODES)
def test_an_alternative_is_chosen_by_name_and_may_be_made_when_it_is_chosen(mode: Mode):
    calls: list[int] = []

    def make() -> Any:
        calls.append(1)
        return FakeListLLM(responses=["lazy"])

    made = FakeListLLM(responses=["first"]).configurable_alternatives(
        WHICH, default_key="fake", other=FakeListLLM(responses=["other"]), lazy=make
    )
    assert run(made, mode, "q") == "first"
    assert run(made, mode, "q", {"configurable": {"llm": "fake"}}) == "first"
    assert run(made.with_config(configurable={"llm": "other"}), mode, "q") == "other"
    assert calls == []
    assert run(made, mode, "q", {"configurable": {"llm": "lazy"}}) == "lazy"
    with pytest.raises(ValueError, match="Unknown alternative: 'nope'"):
        run(made, mode, "q", {"configurable": {"llm": "nope"}})


@pytest.mark.parametrize("mode", MODES)
def test_a_choice_reaches_into_sequences_and_parallels(mode: Mode):
    prompt = PromptTemplate.from_template("{x}").configurable_fields(template=ConfigurableField(id="t"))
    choice = RunnableLambda(lambda v: f"one:{v.text}").configurable_alternatives(
        WHICH, two=RunnableLambda(lambda v: f"two:{v.text}")
    )
    chain = RunnablePassthrough() | RunnableParallel(a=prompt | choice, b=prompt)
    found = run(chain, mode, {"x": "1"}, {"configurable": {"t": "hey {x}", "llm": "two"}})
    assert (found["a"], found["b"].text) == ("two:hey 1", "hey 1")
    assert [spec.id for spec in chain.config_specs] == ["llm", "t"]


@pytest.mark.parametrize("mode", MODES)
def test_keys_of_alternatives_can_be_told_apart_by_a_prefix(mode: Mode):
    field = ConfigurableField(id="r")
    default = Counter().configurable_fields(max_tokens=field)
    other = Counter(words=["o"]).configurable_fields(max_tokens=field)
    made = default.configurable_alternatives(WHICH, default_key="mine", prefix_keys=True, other=other)
    assert [spec.id for spec in made.config_specs] == ["llm", "llm==mine/r", "llm==other/r"]
    assert run(made, mode, "q", {"configurable": {"llm": "other", "llm==other/r": 7}}) == "7 o"
    assert run(made, mode, "q", {"configurable": {"llm==other/r": 7}}) == "20 a"
    assert run(made, mode, "q", {"configurable": {"llm==mine/r": 8}}) == "8 a"


def test_a_shared_key_gets_no_prefix():
    field = ConfigurableField(id="r", is_shared=True)
    made = Counter().configurable_fields(max_tokens=field).configurable_alternatives(WHICH, prefix_keys=True)
    assert [spec.id for spec in made.config_specs] == ["llm", "r"]


async def test_only_the_chosen_one_is_seen_live_and_replayed(spans: SpanRecorder):
    made = RunnableLambda(str.upper, name="up").configurable_alternatives(
        WHICH, low=RunnableLambda(str.lower, name="low")
    )
    chain = RunnablePassthrough() | made
    live = [event async for event in chain.astream_events("Ab", {"configurable": {"llm": "low"}})]
    assert spans.tree() == [("RunnableSequence", [("RunnablePassthrough", []), ("low", [])])]
    assert names(spans.records()) == names(live)
    assert {event["name"] for event in live} == {"RunnableSequence", "RunnablePassthrough", "low"}
    assert [event["tags"] for event in live if event["name"] == "low"][0] == ["seq:step:2"]


async def test_streams_and_batches_ask_for_each_call():
    made = FakeListLLM(responses=["first"]).configurable_alternatives(WHICH, other=FakeListLLM(responses=["other"]))
    other: Any = {"configurable": {"llm": "other"}}
    assert made.batch(["q", "q"], [other, {}]) == ["other", "first"]
    assert await made.abatch(["q", "q"], [other, {}]) == ["other", "first"]
    assert "".join(made.stream("q", other)) == "other"
    assert "".join([chunk async for chunk in made.astream("q", other)]) == "other"
    assert list(made.transform(iter(["q"]), other)) == list(made.stream("q", other))


@pytest.mark.parametrize("mode", MODES)
def test_a_call_inside_a_function_takes_the_choice_of_the_run_around_it(mode: Mode):
    made = RunnableLambda(lambda _: "one").configurable_alternatives(WHICH, two=RunnableLambda(lambda _: "two"))
    outer = RunnableLambda(lambda value: made.invoke(value))
    assert run(outer, mode, 1, {"configurable": {"llm": "two"}}) == "two"


def test_fields_and_alternatives_can_be_declared_on_each_other():
    field = ConfigurableField(id="n")
    fields_first = Counter().configurable_fields(max_tokens=field).configurable_alternatives(WHICH, z=RunnablePick("k"))
    alternatives_first = (
        Counter().configurable_alternatives(WHICH, z=RunnablePick("k")).configurable_fields(max_tokens=field)
    )
    for made in (fields_first, alternatives_first):
        assert made.invoke("x", {"configurable": {"n": 3}}) == "3 a"
        assert made.invoke({"k": 9}, {"configurable": {"n": 3, "llm": "z"}}) == 9
    more = Counter().configurable_fields(max_tokens=field).configurable_fields(words=ConfigurableField(id="w"))
    assert more.invoke("x", {"configurable": {"n": 3, "w": ["q"]}}) == "3 q"


def test_a_runnable_without_fields_of_pydantic_offers_its_constructors_arguments():
    made = RunnablePick("a").configurable_fields(keys=ConfigurableField(id="k"))
    assert made.invoke({"a": 1, "b": 2}) == 1
    assert made.invoke({"a": 1, "b": 2}, {"configurable": {"k": "b"}}) == 2


def test_config_specs_tell_types_defaults_and_names():
    made = Counter().configurable_fields(
        max_tokens=ConfigurableField(id="n", name="N", description="how many"),
        words=ConfigurableFieldSingleOption(id="w", options={"x": ["X"]}, default="x"),
    )
    count, words = made.config_specs
    assert (count.annotation, count.name, count.description, count.default) == (int, "N", "how many", 20)
    assert ([option.value for option in words.annotation], words.default) == (["x"], "x")
    inside = made.get_config_jsonschema()["$defs"]["Configurable"]["properties"]["n"]
    assert inside == {"default": 20, "description": "how many", "title": "N", "type": "integer"}


def test_two_meanings_of_one_key_are_told():
    one = Counter().configurable_fields(max_tokens=ConfigurableField(id="n", name="N"))
    other = Counter().configurable_fields(max_tokens=ConfigurableField(id="n", name="M"))
    with pytest.raises(ValueError, match="Conflicting config specs for 'n'"):
        _ = (one | other).config_specs


def test_wrong_declarations_are_told_when_they_are_made():
    with pytest.raises(ValueError, match=r"'nope' not found in .*max_tokens"):
        Counter().configurable_fields(nope=ConfigurableField(id="x"))
    with pytest.raises(TypeError, match=r"words was declared as 'x'; give ConfigurableField"):
        Counter().configurable_fields(words="x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="id ''"):
        Counter().configurable_fields(words=ConfigurableField(id=""))
    with pytest.raises(ValueError, match="default 'c' of 'w' is none of its options"):
        Counter().configurable_fields(words=ConfigurableFieldSingleOption(id="w", options={"a": []}, default="c"))
    with pytest.raises(TypeError, match="Alternative 'y' is 3"):
        Counter().configurable_alternatives(WHICH, y=3)
    with pytest.raises(ValueError, match="has the default's name"):
        Counter().configurable_alternatives(WHICH, default_key="y", y=Counter())
    with pytest.raises(TypeError, match="which is 'llm'"):
        Counter().configurable_alternatives("llm", y=Counter())  # type: ignore[arg-type]


def test_a_function_that_makes_no_runnable_is_told_when_it_is_chosen():
    made = Counter().configurable_alternatives(WHICH, y=lambda: 3)
    with pytest.raises(TypeError, match="'y' made 3"):
        made.invoke("x", {"configurable": {"llm": "y"}})


def test_the_one_that_chooses_lends_the_defaults_attributes_and_tells_what_it_is():
    made = Counter().configurable_fields(max_tokens=ConfigurableField(id="n"))
    assert isinstance(made, RunnableConfigurableFields)
    assert made.max_tokens == 20
    assert repr(made).startswith("RunnableConfigurableFields(default=Counter()")
    other = made.configurable_alternatives(WHICH)
    assert isinstance(other, RunnableConfigurableAlternatives)
    assert "names=['default']" in repr(other)
    chosen, _ = other.prepare({"configurable": {"n": 4}})
    assert chosen == Counter(max_tokens=4)
