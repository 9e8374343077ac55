"""Parsers of lists, XML, enums, pydantic objects and tool calls: whole and while the answer arrives."""

import json
from collections.abc import AsyncIterator, Iterator
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.output_parsers import (
    CommaSeparatedListOutputParser,
    EnumOutputParser,
    JsonOutputKeyToolsParser,
    JsonOutputToolsParser,
    ListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
    XMLOutputParser,
)
from spanloom.runtime.runnables import RunnableGenerator
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical


def model(chunks: list[Any]) -> RunnableGenerator[Any, Any]:
    """A step that streams the chunks."""

    async def scripted(_: Any) -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    def blocking(_: Any) -> Iterator[Any]:
        yield from chunks

    return RunnableGenerator(blocking, scripted, name="model")


async def streamed(chain: Any, mode: str) -> list[Any]:
    """The chunks of a chain."""
    if mode == "sync":
        return list(chain.stream("x"))
    return [chunk async for chunk in chain.astream("x")]


class Semicolons(ListOutputParser):
    """A user's list."""

    def parse(self, text: str) -> list[str]:
        return text.split(";")


COMMAS = {
    "a, b,c": ["a", "b", "c"],
    'a, "b, c", d': ["a", "b, c", "d"],
    "": [],
    "a\nb, c": ["a", "b", "c"],
    " a , b ,": ["a ", "b ", ""],
    "'x, y', z": ["'x", "y'", "z"],
    'a "b, c", d': ['a "b', 'c"', "d"],
    '"a ""b""", c': ['a "b"', "c"],
    "a,,b": ["a", "", "b"],
    "a,\r\nb\r\n\r\n": ["a", "", "b"],
    '"x\ny", ""': ["x\ny", ""],
}
NUMBERS = {
    "1. a\n2. b": ["a", "b"],
    "Intro\n1. a b \n\n 2) c\n 10. d": ["a b ", "d"],
    "1. a\n  more\n2. b": ["a", "b"],
    "no": [],
}
MARKS = {"- a\n- b": ["a", "b"], "* a\n * b": ["a", "b"], "-a\n - b c": ["b c"], "x\n- a\n-- b": ["a"], "no": []}
LISTS = [
    *((CommaSeparatedListOutputParser(), text, items) for text, items in COMMAS.items()),
    *((NumberedListOutputParser(), text, items) for text, items in NUMBERS.items()),
    *((MarkdownListOutputParser(), text, items) for text, items in MARKS.items()),
    (Semicolons(), "a;b;c", ["a", "b", "c"]),
]


@pytest.mark.parametrize(("parser", "text", "items"), LISTS)
@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_list_streams_item_by_item_as_it_reads_whole(parser: Any, text: str, items: Any, size: int) -> None:
    assert parser.parse(text) == items
    pieces = [AIMessageChunk(content=text[i : i + size]) for i in range(0, len(text), size)]
    for mode in ("sync", "async"):
        assert await streamed(model(pieces) | parser, mode) == [[item] for item in items]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_item_is_yielded_when_it_is_complete(mode: str) -> None:
    seen: list[str] = []

    def blocking(_: Any) -> Iterator[str]:
        for piece in ["1. a", "b\n2", ". c"]:
            seen.append(piece)
            yield piece

    async def on_loop(_: Any) -> AsyncIterator[str]:
        for piece in blocking(None):
            yield piece

    chain = RunnableGenerator(blocking, on_loop) | NumberedListOutputParser()
    if mode == "sync":
        assert (next(iter(chain.stream("x"))), len(seen)) == (["ab"], 2)
    else:
        stream = chain.astream("x")
        assert (await anext(stream), len(seen)) == (["ab"], 2)
        await stream.aclose()  # type: ignore[attr-defined]  # our streams can be closed


def test_a_long_line_of_digits_is_searched_once() -> None:
    """Searched anew from each digit, this would take minutes."""
    assert NumberedListOutputParser().parse("1" * 200_000) == []


def test_lists_have_format_instructions() -> None:
    assert "foo, bar, baz" in CommaSeparatedListOutputParser().get_format_instructions()
    assert "2. bar" in NumberedListOutputParser().get_format_instructions()
    assert "- bar" in MarkdownListOutputParser().get_format_instructions()


XML = {
    "<a>x</a>": {"a": "x"},
    "<a><b>1</b><b>2</b><c/></a>": {"a": [{"b": "1"}, {"b": "2"}, {"c": None}]},
    "```xml\n<a>x</a>\n```": {"a": "x"},
    "Here: <a>x</a> done": {"a": "x"},
    "<?xml version='1.0' encoding='utf-8'?><a>ü</a>": {"a": "ü"},
    "<a></a>": {"a": []},
    "<a>  </a>": {"a": []},
    "<a><b> x </b></a>": {"a": [{"b": " x "}]},
    "<a k='v'>t<b>u</b>tail</a>": {"a": [{"b": "u"}]},
    "<a>&lt;&amp;&#65;</a>": {"a": "<&A"},
    "<a xmlns='u'><b>1</b></a>": {"{u}a": [{"{u}b": "1"}]},
}


@pytest.mark.parametrize("text", XML)
def test_xml_is_read_into_mappings(text: str) -> None:
    assert XMLOutputParser().invoke(text) == XML[text]


BOMB = '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>'
FILE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
DEEP = "<a>" * 201 + "</a>" * 201


@pytest.mark.parametrize("text", ["", "nope", "<a><b></a>", "<a><b>", BOMB, FILE, "<a>&x;</a>", DEEP])
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_xml_that_is_broken_or_dangerous_is_an_error_that_holds_the_answer(text: str, mode: str) -> None:
    parser = XMLOutputParser()
    with pytest.raises(OutputParserException, match="no XML") as caught:
        parser.invoke(text) if mode == "sync" else await parser.ainvoke(text)
    assert caught.value.llm_output == text
    if text in (BOMB, FILE, DEEP):
        with pytest.raises(OutputParserException):
            await streamed(model(list(text)) | parser, mode)


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_xml_streams_each_leaf_with_its_path(mode: str) -> None:
    text = "pre < <foo><bar><x>1</x></bar><y/>\n</foo> post"
    assert await streamed(model(list(text)) | XMLOutputParser(), mode) == [
        {"foo": [{"bar": [{"x": "1"}]}]},
        {"foo": [{"y": None}]},
    ]
    assert await streamed(model(["<foo>", "a</fo", "o><b>"]) | XMLOutputParser(), mode) == [{"foo": "a"}]
    assert await streamed(model(["plain", " text"]) | XMLOutputParser(), mode) == []


def test_xml_instructions_name_the_tags() -> None:
    assert "movie, actor" in XMLOutputParser(tags=["movie", "actor"]).get_format_instructions()
    assert "yourself" in XMLOutputParser().get_format_instructions()


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Number(Enum):
    ONE = 1


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_enum_is_named_by_its_value(mode: str) -> None:
    parser = EnumOutputParser(enum=Color)
    assert (parser.invoke(" red\n") if mode == "sync" else await parser.ainvoke(AIMessage("red"))) is Color.RED
    with pytest.raises(OutputParserException, match=r"'green'; expected one of \['red', 'blue'\]"):
        parser.invoke("green")
    assert (parser.OutputType, "red, blue" in parser.get_format_instructions()) == (Color, True)
    with pytest.raises(ValidationError, match="must be texts"):
        EnumOutputParser(enum=Number)


class Joke(BaseModel):
    """A joke."""

    setup: str
    punchline: str = "p"


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_pydantic_object_streams_while_what_has_come_is_valid(mode: str) -> None:
    parser = PydanticOutputParser(pydantic_object=Joke)
    pieces = ['```json\n{"set', 'up":"a', 'b","pun', 'chline":"x', 'y"}\n```']
    assert await streamed(model(pieces) | parser, mode) == [
        Joke(setup="a"),
        Joke(setup="ab"),
        Joke(setup="ab", punchline="x"),
        Joke(setup="ab", punchline="xy"),
    ]
    assert await streamed(model(['{"punchline":', '"x"}']) | parser, mode) == []


def test_a_pydantic_object_that_does_not_fit_is_an_error_that_holds_the_answer() -> None:
    parser = PydanticOutputParser(pydantic_object=Joke)
    assert parser.invoke('{"setup": "a"}') == Joke(setup="a")
    assert parser.OutputType is Joke
    assert '"setup"' in parser.get_format_instructions()
    with pytest.raises(OutputParserException, match="no Joke") as caught:
        parser.invoke('{"punchline": "b"}')
    assert caught.value.llm_output == '{"punchline": "b"}'
    assert isinstance(caught.value.__cause__, ValidationError)
    with pytest.raises(OutputParserException, match="no JSON"):
        parser.invoke("nope")


class add(BaseModel):
    a: int


class Multiply(BaseModel):
    model_config = {"title": "mul"}

    b: int


def calling(*calls: tuple[str, dict[str, Any], str]) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": id_} for name, args, id_ in calls])


def piece(name: str | None, args: str, id_: str | None, index: int) -> AIMessageChunk:
    return AIMessageChunk(
        content="",
        tool_call_chunks=[{"name": name, "args": args, "id": id_, "index": index, "type": "tool_call_chunk"}],
    )


THREE = calling(("add", {"a": 1}, "1"), ("mul", {"b": 2}, "2"), ("add", {"a": 3}, "3"))
PIECES = [
    piece("add", "", "1", 0),
    piece(None, '{"a"', None, 0),
    piece(None, ": 1", None, 0),
    piece(None, "2}", None, 0),
    piece("mul", '{"b":', "2", 1),
    piece(None, "3}", None, 1),
]
TOOLS: list[Any] = [add, Multiply]


def shown(name: str, **args: Any) -> dict[str, Any]:
    return {"type": name, "args": args}


@pytest.mark.parametrize(
    ("parser", "value"),
    [
        (JsonOutputToolsParser(), [shown("add", a=1), shown("mul", b=2), shown("add", a=3)]),
        (JsonOutputToolsParser(first_tool_only=True, return_id=True), {**shown("add", a=1), "id": "1"}),
        (JsonOutputKeyToolsParser(key_name="add"), [{"a": 1}, {"a": 3}]),
        (JsonOutputKeyToolsParser(key_name="mul", return_id=True), [{**shown("mul", b=2), "id": "2"}]),
        (JsonOutputKeyToolsParser(key_name="mul", first_tool_only=True), {"b": 2}),
        (JsonOutputKeyToolsParser(key_name="none", first_tool_only=True), None),
        (PydanticToolsParser(tools=TOOLS), [add(a=1), Multiply(b=2), add(a=3)]),
        (PydanticToolsParser(tools=TOOLS, first_tool_only=True), add(a=1)),
    ],
)
async def test_tool_calls_are_given_as_asked(parser: Any, value: Any) -> None:
    assert parser.invoke(THREE) == value
    assert await parser.ainvoke(THREE) == value


@pytest.mark.parametrize(
    ("parser", "values"),
    [
        (
            JsonOutputToolsParser(),
            [
                [shown("add")],
                [shown("add", a=1)],
                [shown("add", a=12)],
                [shown("add", a=12), shown("mul")],
                [shown("add", a=12), shown("mul", b=3)],
            ],
        ),
        (JsonOutputToolsParser(first_tool_only=True), [shown("add"), shown("add", a=1), shown("add", a=12)]),
        (JsonOutputKeyToolsParser(key_name="mul"), [[], [{}], [{"b": 3}]]),
        (PydanticToolsParser(tools=TOOLS), [[], [add(a=1)], [add(a=12)], [add(a=12), Multiply(b=3)]]),
        (PydanticToolsParser(tools=TOOLS, first_tool_only=True), [add(a=1), add(a=12)]),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_tool_calls_stream_as_their_arguments_arrive(parser: Any, values: Any, mode: str) -> None:
    assert await streamed(model(PIECES) | parser, mode) == values


def test_answers_without_tool_calls_give_nothing() -> None:
    assert JsonOutputToolsParser().invoke(AIMessage("x")) == []
    assert JsonOutputToolsParser(first_tool_only=True).invoke(AIMessage("x")) is None
    assert PydanticToolsParser(tools=TOOLS, first_tool_only=True).invoke(AIMessage("x")) is None


def test_tool_calls_that_cannot_be_read_are_errors() -> None:
    raw = AIMessage("")
    raw.additional_kwargs["tool_calls"] = [{"id": "7", "function": {"name": "add", "arguments": '{"a": 5}'}}]
    assert JsonOutputToolsParser(return_id=True).invoke(raw) == [{**shown("add", a=5), "id": "7"}]
    raw.additional_kwargs["tool_calls"][0]["function"]["arguments"] = '{"a": '
    with pytest.raises(OutputParserException, match="add with"):
        JsonOutputToolsParser().invoke(raw)
    broken = AIMessage("", invalid_tool_calls=[{"name": "add", "args": "{", "id": "1", "error": None}])
    with pytest.raises(OutputParserException, match="add with '{'"):
        JsonOutputToolsParser().invoke(broken)
    with pytest.raises(OutputParserException, match="answer of a chat model"):
        JsonOutputToolsParser().invoke("text")
    with pytest.raises(OutputParserException, match=r"unknown tool 'zzz'; known are \['Multiply', 'add', 'mul'\]"):
        PydanticToolsParser(tools=TOOLS).invoke(calling(("zzz", {}, "1")))
    with pytest.raises(ValidationError, match="valid integer"):
        PydanticToolsParser(tools=TOOLS).invoke(calling(("add", {"a": "q"}, "1")))
    with pytest.raises(NotImplementedError, match="reads messages"):
        JsonOutputToolsParser().parse("a")


@pytest.mark.parametrize(
    ("parser", "chunks"),
    [
        (CommaSeparatedListOutputParser(), ["a, ", "b"]),
        (Semicolons(), ["a;", "b"]),
        (XMLOutputParser(), ["<a><b>1</b>", "</a>"]),
        (PydanticOutputParser(pydantic_object=Joke), ['{"setup": "a', '"}']),
        (JsonOutputToolsParser(), PIECES),
    ],
    ids=lambda value: value.get_name() if hasattr(value, "get_name") else "",
)
async def test_live_records_of_these_parsers_are_replayed_equal(parser: Any, chunks: Any) -> None:
    with SpanRecorder() as spans:
        live = [record async for record in (model(chunks) | parser).astream_events("x", version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
        assert set(spans.outcomes().values()) == {"ok"}
