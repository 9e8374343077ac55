"""What runnables tell of their input, output and config, and that nothing of it is worked out at a call."""

import operator
from collections.abc import Iterator
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel

from spanloom.runtime.language_models import FakeListChatModel
from spanloom.runtime.output_parsers import StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate, PromptTemplate
from spanloom.runtime.runnables import (
    ConfigurableField,
    Runnable,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
    RunnablePick,
    RunnableSerializable,
    schemas,
)


def length(text: str) -> int:
    return len(text)


def both(values: Any) -> Any:
    return values["a"] + values["b"]


class Pair(TypedDict):
    left: int
    right: str


class Words(Runnable[int, list[str]]):
    def invoke(self, input: int, config: Any = None, **kwargs: Any) -> list[str]:
        return []


class Kept(RunnableSerializable[str, dict[str, int]]):
    def invoke(self, input: str, config: Any = None, **kwargs: Any) -> dict[str, int]:
        return {}


class Deeper(Kept):
    pass


class Untold(Runnable):  # type: ignore[type-arg]
    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> Any:
        return input


def keys(schema: dict[str, Any]) -> list[str]:
    return list(schema.get("properties", {}))


@pytest.mark.parametrize(
    ("runnable", "taken", "given"),
    [
        (RunnableLambda(length), str, int),
        (Words(), int, list[str]),
        (Kept(), str, dict[str, int]),
        (Deeper(), str, dict[str, int]),
        (Untold(), Any, Any),
        (RunnableLambda(length).map(), list[str], list[int]),
        (RunnableLambda(length) | Words(), str, list[str]),
        (RunnableLambda(length).bind(), str, int),
        (RunnableLambda(length).with_types(input_type=bytes), bytes, int),
        (RunnableParallel(a=RunnablePassthrough(), b=RunnableLambda(length)), str, dict[str, Any]),
        (RunnablePick("a"), dict[str, Any], Any),
        (
            PromptTemplate.from_template("{x}") | FakeListChatModel(responses=["a"]) | StrOutputParser(),
            dict[str, Any],
            str,
        ),
    ],
    ids=lambda value: value.get_name() if isinstance(value, Runnable) else "",
)
def test_types_are_what_hints_and_classes_say(runnable: Runnable[Any, Any], taken: Any, given: Any):
    assert (runnable.InputType, runnable.OutputType) == (taken, given)


def test_a_generator_function_tells_the_types_of_its_items():
    def shout(chunks: Iterator[str]) -> Iterator[bytes]:
        yield from (chunk.encode() for chunk in chunks)

    made = RunnableGenerator(shout)
    assert (made.InputType, made.OutputType) == (str, bytes)


def test_models_carry_the_name_of_the_runnable():
    assert RunnableLambda(length).get_input_jsonschema() == {"title": "length_input", "type": "string"}
    assert Words().get_output_jsonschema() == {"items": {"type": "string"}, "title": "WordsOutput", "type": "array"}
    assert Words().input_schema.__name__ == "WordsInput"
    assert Words().output_schema.model_validate(["a"]).model_dump() == ["a"]


def test_a_function_without_a_hint_tells_the_keys_that_it_reads():
    assert keys(RunnableLambda(both).get_input_jsonschema()) == ["a", "b"]
    one, other = RunnableLambda(lambda x: x["q"]), RunnableLambda(lambda y: y["r"] + y["s"])
    assert (keys(one.get_input_jsonschema()), keys(other.get_input_jsonschema())) == (["q"], ["r", "s"])
    assert keys(RunnableLambda(operator.itemgetter("k", "l")).get_input_jsonschema()) == ["k", "l"]
    assert RunnableLambda(len).get_input_jsonschema() == {"title": "len_input"}


def test_a_prompt_takes_its_variables():
    prompt = ChatPromptTemplate.from_messages([("human", "{a}"), ("placeholder", "{talk}")])
    told = prompt.get_input_jsonschema()
    assert (told["title"], sorted(keys(told)), told["required"]) == ("PromptInput", ["a", "talk"], ["a"])


def test_a_parallel_takes_what_all_its_steps_take_and_gives_a_field_each():
    made = RunnableParallel(x=PromptTemplate.from_template("{a}{b}"), y=PromptTemplate.from_template("{b}{c}"))
    assert keys(made.get_input_jsonschema()) == ["a", "b", "c"]
    assert keys(made.get_output_jsonschema()) == ["x", "y"]
    plain = RunnableParallel(n=RunnableLambda(length))
    assert plain.get_input_jsonschema() == {"title": "RunnableParallel<n>Input", "type": "string"}


def test_what_is_added_on_the_way_is_not_asked_for_and_what_is_let_through_is_told():
    needs = PromptTemplate.from_template("{a}{b}")
    made = RunnablePassthrough.assign(a=RunnableLambda(lambda x: x["src"])) | needs
    assert sorted(keys(made.get_input_jsonschema())) == ["b", "src"]
    first = RunnableParallel(n=RunnableLambda(length), m=RunnablePassthrough())
    assert keys((first | RunnablePassthrough.assign(z=RunnableLambda(str))).get_output_jsonschema()) == ["n", "m", "z"]
    assert (first | RunnablePick("n")).get_output_jsonschema()["type"] == "integer"
    assert keys(first.pick(["n"]).get_output_jsonschema()) == ["n"]


def test_a_typed_dict_and_a_type_without_a_json_schema_are_told_as_far_as_they_go():
    def split(pair: Pair) -> object:
        return pair

    class Odd:
        pass

    told = RunnableLambda(split).get_input_schema()
    assert told.model_validate({"left": 1, "right": "r"}).model_dump() == {"left": 1, "right": "r"}
    assert RunnableLambda(str).with_types(output_type=Odd).get_output_jsonschema() == {"title": "str_output"}


def test_a_model_is_its_own_schema():
    class Person(BaseModel):
        name: str

    assert RunnableLambda(str).with_types(input_type=Person).get_input_schema() is Person


@pytest.mark.row("B3.15")
def test_with_types_and_with_config_make_new_runnables():
    original = RunnableLambda(both)
    typed = original.with_types(input_type=int, output_type=str)
    assert typed.get_input_jsonschema() == {"title": "both_input", "type": "integer"}
    assert (original.InputType, original.OutputType) == (Any, Any)
    named = original.with_config({"tags": ["t"]}, run_name="other")
    assert (named.get_name(), original.get_name()) == ("other", "both")
    assert named.invoke({"a": 1, "b": 2}) == 3


def test_the_config_is_told_with_what_may_be_chosen():
    made = PromptTemplate.from_template("{x}").configurable_fields(template=ConfigurableField(id="t", name="T"))
    told = (made | StrOutputParser()).get_config_jsonschema(include=["tags", "metadata"])
    assert keys(told) == ["configurable", "tags", "metadata"]
    assert told["$defs"]["Configurable"]["properties"]["t"] == {"default": "{x}", "title": "T", "type": "string"}
    assert RunnableLambda(length).config_schema().model_fields == {}


def test_a_function_that_uses_a_configurable_runnable_tells_its_specs():
    inner = RunnableLambda(length).configurable_alternatives(ConfigurableField(id="w"), other=RunnableLambda(str))
    assert [spec.id for spec in RunnableLambda(lambda x: inner.invoke(x)).config_specs] == ["w"]


def test_nothing_is_worked_out_at_a_call(monkeypatch: pytest.MonkeyPatch):
    def forbidden(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a call asked for a schema")

    for name in ("model_of_type", "model_of_fields", "function_types", "generic_types", "keys_read"):
        monkeypatch.setattr(schemas, name, forbidden)
    chain = RunnableParallel(a=RunnableLambda(length), b=RunnablePassthrough()) | RunnablePick("a")
    assert chain.invoke("abc") == 3
