"""Parsers of function calls and raw tool calls, and what is said of refusals."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.output_parsers import (
    JsonOutputParser,
    JsonOutputToolsParser,
    PydanticOutputParser,
    PydanticToolsParser,
)
from spanloom.runtime.output_parsers.openai_functions import (
    JsonKeyOutputFunctionsParser,
    JsonOutputFunctionsParser,
    OutputFunctionsParser,
    PydanticAttrOutputFunctionsParser,
    PydanticOutputFunctionsParser,
)
from spanloom.runtime.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call, parse_tool_calls
from spanloom.runtime.outputs import ChatGeneration, Generation


class Found(BaseModel):
    """What was found."""

    x: int


class Other(BaseModel):
    """Something else."""

    y: str


def answer(arguments: str, name: str = "found") -> AIMessage:
    """An answer that calls a function."""
    return AIMessage("", additional_kwargs={"function_call": {"name": name, "arguments": arguments}})


def piece(arguments: str, name: str = "") -> AIMessageChunk:
    """A piece of such an answer."""
    return AIMessageChunk("", additional_kwargs={"function_call": {"name": name, "arguments": arguments}})


def partly(parser: Any, message: AIMessage) -> Any:
    """The value of what has come so far."""
    return parser.parse_result([ChatGeneration(message=message)], partial=True)


def raw(arguments: Any, **more: Any) -> dict[str, Any]:
    """A tool call in OpenAI's form."""
    return {"id": "i", "type": "function", "function": {"name": "f", "arguments": arguments}, **more}


WHOLE = {"name": "found", "arguments": {"x": 1}}
FUNCTIONS = [
    (OutputFunctionsParser(), '{"x": 1}'),
    (OutputFunctionsParser(args_only=False), {"name": "found", "arguments": '{"x": 1}'}),
    (JsonOutputFunctionsParser(), {"x": 1}),
    (JsonOutputFunctionsParser(args_only=False), WHOLE),
    (JsonKeyOutputFunctionsParser(key_name="x"), 1),
    (PydanticOutputFunctionsParser(pydantic_schema=Found), Found(x=1)),
    (PydanticOutputFunctionsParser(pydantic_schema={"found": Found, "other": Other}), Found(x=1)),
    (PydanticAttrOutputFunctionsParser(pydantic_schema=Found, attr_name="x"), 1),
]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("parser", "value"), FUNCTIONS)
async def test_a_function_call_is_given_as_asked(parser: Any, value: Any, mode: str) -> None:
    """Text, JSON, one argument, an object or one attribute of it."""
    given = answer('{"x": 1}')
    assert (parser.invoke(given) if mode == "sync" else await parser.ainvoke(given)) == value


@pytest.mark.parametrize("parser", [parser for parser, _ in FUNCTIONS])
def test_an_answer_without_a_function_call_is_an_error(parser: Any) -> None:
    """So is a text, which cannot hold one."""
    with pytest.raises(OutputParserException, match="calls no function"):
        parser.invoke(AIMessage("text"))
    with pytest.raises(OutputParserException, match="answer of a chat model"):
        parser.invoke("text")


def test_arguments_that_do_not_fit_are_errors() -> None:
    """No JSON, no such argument, no such model, or not valid for it; a beginning is no error while more may come."""
    reader = JsonOutputFunctionsParser()
    for text in ('{"x": 1', "bad", ""):
        with pytest.raises(OutputParserException, match="is no JSON") as caught:
            reader.invoke(answer(text))
        assert caught.value.llm_output == text
    assert [partly(reader, answer(text)) for text in ('{"x": 1', "bad", "")] == [{"x": 1}, None, None]
    assert partly(reader, AIMessage("text")) is None
    with pytest.raises(OutputParserException, match="without 'x'"):
        JsonKeyOutputFunctionsParser(key_name="x").invoke(answer('{"z": 1}'))
    assert partly(JsonKeyOutputFunctionsParser(key_name="x"), answer('{"z": 1')) is None
    with pytest.raises(OutputParserException, match="unknown function 'odd'"):
        PydanticOutputFunctionsParser(pydantic_schema={"found": Found}).invoke(answer("{}", "odd"))
    with pytest.raises(ValidationError, match="Field required"):
        PydanticOutputFunctionsParser(pydantic_schema=Found).invoke(answer("{}"))
    with pytest.raises(OutputParserException, match="Expected one candidate"):
        reader.parse_result([ChatGeneration(message=answer("{}"))] * 2)
    assert reader.invoke(answer('{"x": "a\nb"}')) == {"x": "a\nb"}
    with pytest.raises(OutputParserException, match="is no JSON"):
        JsonOutputFunctionsParser(strict=True).invoke(answer('{"x": "a\nb"}'))


@pytest.mark.parametrize("call", [{}, {"name": "found"}, {"arguments": "{}"}], ids=["empty", "no arguments", "no name"])
def test_a_damaged_function_call_is_an_error_that_shows_it(call: dict[str, str]) -> None:
    """A call without its name or its arguments is no KeyError."""
    message = AIMessage("", additional_kwargs={"function_call": call})
    with pytest.raises(OutputParserException, match="has no 'name'|has no 'arguments'"):
        PydanticOutputFunctionsParser(pydantic_schema={"found": Found}).invoke(message)
    if "arguments" not in call:
        with pytest.raises(OutputParserException, match="has no 'arguments'"):
            OutputFunctionsParser().invoke(message)


def test_arguments_nested_too_deeply_are_no_json() -> None:
    """Whole ones are refused as such; a stream of them shows what came and does not fail."""
    deep = "[" * 100_000
    with pytest.raises(OutputParserException, match="is no JSON"):
        JsonOutputFunctionsParser().invoke(answer(deep))
    with pytest.raises(OutputParserException, match="is no JSON"):
        parse_tool_call({"id": "1", "function": {"name": "f", "arguments": deep}})
    pieces = [
        AIMessageChunk("", additional_kwargs={"function_call": {"name": "f", "arguments": "[" * 3000}})
        for _ in range(2)
    ]
    for diff in (False, True):
        assert len(list(JsonOutputFunctionsParser(diff=diff).transform(iter(pieces)))) == 2


def test_models_of_functions_are_checked() -> None:
    """Several models decide by name, so the name cannot be left out."""
    wrong: Any = 3
    with pytest.raises(ValidationError, match="give a pydantic model"):
        PydanticOutputFunctionsParser(pydantic_schema=wrong)
    with pytest.raises(ValidationError, match="several models"):
        PydanticOutputFunctionsParser(pydantic_schema={"found": Found}, args_only=True)


PIECES = [piece("", "found"), piece('{"x'), piece('": [1'), piece(", 2]"), piece(', "q": "w'), piece('e"}')]
GROWING = [{}, {"x": [1]}, {"x": [1, 2]}, {"x": [1, 2], "q": "w"}, {"x": [1, 2], "q": "we"}]
PATCHES = [
    [{"op": "replace", "path": "", "value": {}}],
    [{"op": "add", "path": "/x", "value": [1]}],
    [{"op": "add", "path": "/x/1", "value": 2}],
    [{"op": "add", "path": "/q", "value": "w"}],
    [{"op": "replace", "path": "/q", "value": "we"}],
]


@pytest.mark.parametrize(
    ("parser", "values"),
    [
        (JsonOutputFunctionsParser(), GROWING),
        (JsonOutputFunctionsParser(strict=True), GROWING),
        (JsonOutputFunctionsParser(diff=True), PATCHES),
        (JsonOutputFunctionsParser(args_only=False), [{"name": "found", "arguments": value} for value in GROWING]),
        (JsonKeyOutputFunctionsParser(key_name="x"), [[1], [1, 2]]),
    ],
)
async def test_a_function_call_streams_as_its_arguments_arrive(parser: Any, values: Any) -> None:
    """Each value once; the same from both drivers."""

    async def pieces() -> AsyncIterator[AIMessageChunk]:
        for part in PIECES:
            yield part

    assert list(parser.transform(iter(PIECES))) == values
    assert [value async for value in parser.atransform(pieces())] == values


def test_a_raw_tool_call_is_read_whole_or_so_far() -> None:
    """Absent arguments are an empty object, unless more may come."""
    assert parse_tool_call(raw('{"x": 1}')) == {"name": "f", "args": {"x": 1}, "id": "i", "type": "tool_call"}
    assert parse_tool_call(raw('{"x": 1}'), return_id=False) == {"name": "f", "args": {"x": 1}}
    for nothing in ("", None, "null"):
        call = parse_tool_call(raw(nothing))
        assert call is not None
        assert call["args"] == {}
    assert parse_tool_call({"id": "1"}) is None
    assert parse_tool_call(raw(""), partial=True) is None
    assert parse_tool_call(raw("nope"), partial=True) is None
    begun = parse_tool_call(raw('{"x": [1, "a'), partial=True)
    assert begun is not None
    assert begun["args"] == {"x": [1, "a"]}


def test_raw_tool_calls_that_cannot_be_read_are_told_together() -> None:
    """Each with its text; strict also refuses raw line ends in strings."""
    assert [call["name"] for call in parse_tool_calls([raw("{}"), {"id": "no function"}])] == ["f"]
    with pytest.raises(OutputParserException, match=r"(?s)'bad1'.*'bad2'"):
        parse_tool_calls([raw("bad1"), raw("{}"), raw("bad2")])
    assert parse_tool_calls([raw("bad1"), raw('{"a": 1')], partial=True)[0]["args"] == {"a": 1}
    assert parse_tool_calls([raw('{"a": "x\ny"}')])[0]["args"] == {"a": "x\ny"}
    with pytest.raises(OutputParserException, match="no JSON"):
        parse_tool_calls([raw('{"a": "x\ny"}')], strict=True)


def test_a_tool_call_that_could_not_be_read_keeps_its_text() -> None:
    """With the reason."""
    made = make_invalid_tool_call(raw("bad"), "why")
    assert made == {"name": "f", "args": "bad", "id": "i", "error": "why", "type": "invalid_tool_call"}


REFUSALS = [
    AIMessage("", additional_kwargs={"refusal": "I cannot help"}),
    AIMessage([{"type": "refusal", "refusal": "I cannot help"}]),
    AIMessage([{"type": "non_standard", "value": {"type": "refusal", "refusal": "I cannot help"}}]),
]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize(
    "parser",
    [
        JsonOutputParser(),
        PydanticOutputParser(pydantic_object=Found),
        JsonOutputToolsParser(),
        PydanticToolsParser(tools=[Found], first_tool_only=True),
        JsonOutputFunctionsParser(),
        PydanticOutputFunctionsParser(pydantic_schema=Found),
    ],
)
def test_a_refusal_is_told_as_such(parser: Any, refusal: AIMessage) -> None:
    """Rather than as JSON or calls that are not there."""
    with pytest.raises(OutputParserException, match="refused to answer: I cannot help") as caught:
        parser.invoke(refusal)
    assert caught.value.llm_output == "I cannot help"


def test_what_a_model_gives_beside_a_refusal_counts() -> None:
    """A refusal is looked for only where nothing else was found."""
    both = AIMessage('{"x": 1}', additional_kwargs={"refusal": "no"})
    assert JsonOutputParser().invoke(both) == {"x": 1}
    called = AIMessage("", additional_kwargs={"refusal": "no"}, tool_calls=[{"name": "f", "args": {}, "id": "1"}])
    assert JsonOutputToolsParser().invoke(called) == [{"type": "f", "args": {}}]
    assert JsonOutputToolsParser().parse_result([ChatGeneration(message=REFUSALS[0])], partial=True) == []


def test_an_error_shows_the_model_only_what_is_there() -> None:
    """Observation and answer are both needed to send them."""
    shown = OutputParserException("e", observation="o", llm_output="l", send_to_llm=True)
    assert (shown.observation, shown.llm_output, shown.send_to_llm) == ("o", "l", True)
    assert OutputParserException("e").send_to_llm is False
    for missing in ({"observation": "o"}, {"llm_output": "l"}):
        with pytest.raises(ValueError, match="send_to_llm"):
            OutputParserException("e", send_to_llm=True, **missing)


def test_a_text_holds_no_function_call() -> None:
    """Only messages do."""
    with pytest.raises(NotImplementedError, match="reads messages"):
        JsonOutputFunctionsParser().parse("x")
    with pytest.raises(OutputParserException) as caught:
        JsonOutputFunctionsParser().parse_result([Generation(text="x")], partial=True)
    assert json.dumps(caught.value.llm_output) == '"x"'
