"""Prompts: variables in, prompt values out, and the records of their runs."""

import json
from typing import Any

import pytest

from spanloom.runtime.documents import Document
from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.messages import AIMessage, HumanMessage, SystemMessage
from spanloom.runtime.prompt_values import StringPromptValue
from spanloom.runtime.prompts import (
    ChatMessagePromptTemplate,
    ChatPromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    PromptTemplate,
    SystemMessagePromptTemplate,
    format_document,
)
from spanloom.runtime.prompts.base import MissingVariableError
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical


async def events(step: Any, value: Any) -> list[dict[str, Any]]:
    """The live records of a step."""
    return [record async for record in step.astream_events(value, version="v2")]


def texts(value: Any) -> list[tuple[str, Any]]:
    """Type and content of each message."""
    return [(message.type, message.content) for message in value.to_messages()]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_prompt_fills_in_its_variables(mode: str) -> None:
    prompt = PromptTemplate.from_template("Tell {b} about {a!r:>5}, {{as is}}")
    assert prompt.input_variables == ["a", "b"]
    value = {"a": "x", "b": 1, "unused": 2}
    given = prompt.invoke(value) if mode == "sync" else await prompt.ainvoke(value)
    assert given == StringPromptValue(text="Tell 1 about   'x', {as is}")


def test_a_single_value_stands_for_the_only_variable() -> None:
    assert PromptTemplate.from_template("<{a}>").invoke(5).to_string() == "<5>"
    assert texts(ChatPromptTemplate.from_template("<{a}>").invoke(["x"])) == [("human", "<['x']>")]
    assert texts(ChatPromptTemplate([MessagesPlaceholder("m")]).invoke([AIMessage("a")])) == [("ai", "a")]
    with pytest.raises(TypeError, match="give a mapping with"):
        PromptTemplate.from_template("{a}{b}").invoke("x")


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_error_names_missing_and_unexpected_variables(mode: str) -> None:
    prompt = ChatPromptTemplate([("human", "{a} {b}")])
    with pytest.raises(KeyError, match=r"missing variables \['b'\].*given \['c'\]") as caught:
        if mode == "sync":
            prompt.invoke({"a": 1, "c": 2})
        else:
            await prompt.ainvoke({"a": 1, "c": 2})
    assert isinstance(caught.value, MissingVariableError)
    assert "{{b}}" in str(caught.value)


def test_partial_variables_are_values_or_functions_called_at_each_use() -> None:
    calls = iter("xy")
    whole = PromptTemplate.from_template("{a} {b}")
    prompt = whole.partial(a=lambda: next(calls))
    assert (prompt.input_variables, whole.input_variables) == (["b"], ["a", "b"])
    assert [prompt.invoke("1").to_string(), prompt.format(b=2)] == ["x 1", "y 2"]
    assert prompt.format(a="over", b=3) == "over 3"


def test_texts_add_to_one_prompt() -> None:
    made = PromptTemplate.from_template("{a}", partial_variables={"a": "x"}) + " {b}"
    assert (made.input_variables, made.format(b=1)) == (["b"], "x 1")
    with pytest.raises(ValueError, match="partial variables"):
        made + PromptTemplate.from_template("{a}", partial_variables={"a": "y"})


@pytest.mark.parametrize("template", ["{", "{a.b}", "{a[0]}", "{}", "{0}", "{a:{b}}"])
def test_a_malformed_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidInputError):
        PromptTemplate.from_template(template)
    with pytest.raises(ValueError, match=r".+"):
        PromptTemplate(template=template)
    with pytest.raises(InvalidInputError):
        ChatPromptTemplate([("human", template)])


def test_a_prompt_is_read_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text("Grüße an {a}", encoding="utf-8")
    assert PromptTemplate.from_file(path).format(a="x") == "Grüße an x"


def test_a_document_is_formatted_by_a_prompt() -> None:
    document = Document("text", metadata={"page": 3})
    assert format_document(document, PromptTemplate.from_template("{page}: {page_content}")) == "3: text"
    with pytest.raises(InvalidInputError, match="author"):
        format_document(document, PromptTemplate.from_template("{author}"))


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_chat_prompt_takes_every_kind_of_part(mode: str) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "You {x}"),
            SystemMessage("as it is {x}"),
            ["user", "{q}"],
            {"role": "assistant", "content": "a{q}"},
            ("placeholder", "{history}"),
            MessagesPlaceholder("m", n_messages=1),
            ChatMessagePromptTemplate.from_template("c{x}", role="bob"),
            "text {q}",
            ChatPromptTemplate.from_template("inner {q}"),
        ]
    )
    assert (prompt.input_variables, prompt.optional_variables) == (["m", "q", "x"], ["history"])
    value = {"x": 1, "q": 2, "m": ["left out", ("ai", "kept {z}")]}
    made = prompt.invoke(value) if mode == "sync" else await prompt.ainvoke(value)
    assert texts(made) == [
        ("system", "You 1"),
        ("system", "as it is {x}"),
        ("human", "2"),
        ("ai", "a2"),
        ("ai", "kept {z}"),
        ("chat", "c1"),
        ("human", "text 2"),
        ("human", "inner 2"),
    ]
    assert texts(prompt.invoke({**value, "history": ["h"]}))[4] == ("human", "h")


def test_blocks_may_hold_fields() -> None:
    blocks = [
        {"type": "image_url", "image_url": "{u}"},
        {"text": "{t}"},
        "x {t}",
        {"type": "image", "source": {"data": "{d}"}},
    ]
    prompt = HumanMessagePromptTemplate.from_template(blocks)
    assert prompt.input_variables == ["d", "t", "u"]
    assert prompt.format(u="U", t="T", d="D").content == [
        {"type": "image_url", "image_url": {"url": "U"}},
        {"type": "text", "text": "T"},
        {"type": "text", "text": "x T"},
        {"type": "image", "source": {"data": "D"}},
    ]


@pytest.mark.parametrize(
    "part", [3, ("bogus", "x"), ("placeholder", "no braces"), ("human",), {"content": "x"}, ("human", 3)]
)
def test_what_stands_for_no_part_is_refused(part: Any) -> None:
    with pytest.raises(InvalidInputError):
        ChatPromptTemplate([part])


def test_a_placeholder_wants_a_list_of_messages() -> None:
    with pytest.raises(InvalidInputError, match="give a list of messages"):
        ChatPromptTemplate([MessagesPlaceholder("m")]).invoke({"m": "text"})
    assert MessagesPlaceholder("m", optional=True).format_messages() == []
    with pytest.raises(KeyError):
        MessagesPlaceholder("m").format_messages()


def test_chat_prompts_grow_without_changing_each_other() -> None:
    prompt = ChatPromptTemplate([("human", "{q}")])
    filled = prompt.partial(q="Q")
    grown = prompt + ("ai", "x") + HumanMessage("h") + ChatPromptTemplate([("ai", "{z}")]).partial(z="Z")
    prompt.append(("system", "{s}"))
    prompt.extend([MessagesPlaceholder("m", optional=True)])
    assert (len(prompt), len(filled), len(grown)) == (3, 1, 5)
    assert (prompt.input_variables, prompt.partial_variables) == (["q", "s"], {"m": []})
    assert texts(filled.invoke({})) == [("human", "Q")]
    assert [content for _, content in texts(grown.invoke("1"))] == ["1", "ai", "x", "h", "Z"]
    assert isinstance(prompt[1], SystemMessagePromptTemplate)
    assert prompt[1:].input_variables == ["s"]
    prompt.append(MessagesPlaceholder("given"))
    assert prompt.get_input_schema().model_json_schema()["properties"]["given"]["type"] == "array"
    added = SystemMessagePromptTemplate.from_template("{a}") + "{b}"
    assert added.input_variables == ["a", "b"]


def test_a_prompt_shows_itself_with_its_variables() -> None:
    assert PromptTemplate.from_template("Tell {a}").pretty_repr() == "Tell {a}"
    shown = ChatPromptTemplate([("human", "{q}"), MessagesPlaceholder("m")]).pretty_repr()
    assert "Human Message" in shown
    assert shown.endswith("{m}")
    assert repr(PromptTemplate.from_template("{a}")) == (
        "PromptTemplate(input_variables=['a'], input_types={}, partial_variables={}, template='{a}')"
    )


@pytest.mark.row("B3.08")
async def test_live_records_of_a_prompt_are_replayed_equal() -> None:
    """Input as given, output the prompt value, tags and metadata of the prompt itself after those of the step."""
    prompt = PromptTemplate.from_template("T {a}", tags=["mine"], metadata={"m": 1})
    chain = prompt | (lambda value: value.to_string())
    with SpanRecorder() as spans:
        live = await events(chain, "v")
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
    start, end = (record for record in live if record["event"].startswith("on_prompt"))
    assert start["data"] == {"input": "v"}
    assert end["data"] == {"input": "v", "output": StringPromptValue(text="T v")}
    assert (start["name"], start["tags"], start["metadata"]) == ("PromptTemplate", ["seq:step:1", "mine"], {"m": 1})
    assert live[-1]["data"] == {"output": "T v"}


async def test_a_failing_prompt_ends_its_span_with_the_error() -> None:
    with SpanRecorder() as spans:
        with pytest.raises(MissingVariableError):
            PromptTemplate.from_template("{a}").invoke({})
        assert spans.outcomes() == {"PromptTemplate": "error"}
