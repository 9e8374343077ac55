"""Parsers that yield what changed, the threads that parsing takes, and the documented paths."""

import copy
import importlib
import json
import random
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.messages import AIMessageChunk
from spanloom.runtime.output_parsers import (
    BaseGenerationOutputParser,
    BaseLLMOutputParser,
    BaseOutputParser,
    BaseTransformOutputParser,
    CommaSeparatedListOutputParser,
    JsonOutputParser,
    JsonOutputToolsParser,
    PydanticOutputParser,
    SimpleJsonOutputParser,
    StrOutputParser,
    XMLOutputParser,
)
from spanloom.runtime.outputs import Generation
from spanloom.runtime.runnables import io_loop, threads


class Found(BaseModel):
    """What was found."""

    a: int = 0
    b: str = "x"


def applied(patch: list[dict[str, Any]], value: Any) -> Any:
    """The value after the operations, applied as RFC 6902 says."""
    value = copy.deepcopy(value)
    for operation in patch:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        if not steps:
            value = copy.deepcopy(operation["value"])
            continue
        inside = value
        for step in steps[:-1]:
            inside = inside[int(step)] if isinstance(inside, list) else inside[step]
        last: Any = int(steps[-1]) if isinstance(inside, list) else steps[-1]
        if operation["op"] == "remove":
            del inside[last]
        elif operation["op"] == "add" and isinstance(inside, list):
            inside.insert(last, operation["value"])
        else:
            assert operation["op"] in ("add", "replace")
            inside[last] = operation["value"]
    return value


def made_value(dice: random.Random, depth: int = 3) -> Any:
    """A JSON value."""
    kind = dice.randrange(7 if depth else 5)
    if kind == 5:
        return [made_value(dice, depth - 1) for _ in range(dice.randrange(4))]
    if kind == 6:
        return {dice.choice(["a", "b/c", "~", "é"]): made_value(dice, depth - 1) for _ in range(dice.randrange(4))}
    return [None, True, dice.randrange(1000), dice.random(), "".join(dice.choices('ab"\\\n😀/~', k=4))][kind]


def cut(text: str, dice: random.Random) -> list[str]:
    """The text in pieces."""
    places = sorted(dice.sample(range(len(text) + 1), min(len(text), dice.randrange(1, 8))))
    return [text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True)]


async def feed(chunks: list[Any]) -> AsyncIterator[Any]:
    """The chunks as they come from a model."""
    for chunk in chunks:
        yield chunk


GROWING: list[tuple[list[str], list[list[dict[str, Any]]]]] = [
    (
        ['{"a": {"x": 1', '}, "b": {"y"', ": [1, 2", ", 3]}}"],
        [
            [{"op": "replace", "path": "", "value": {"a": {"x": 1}}}],
            [{"op": "add", "path": "/b", "value": {}}],
            [{"op": "add", "path": "/b/y", "value": [1, 2]}],
            [{"op": "add", "path": "/b/y/2", "value": 3}],
        ],
    ),
    (
        ["[1", "2, 3", "4, 5]"],
        [
            [{"op": "replace", "path": "", "value": [1]}],
            [{"op": "replace", "path": "/0", "value": 12}, {"op": "add", "path": "/1", "value": 3}],
            [{"op": "replace", "path": "/1", "value": 34}, {"op": "add", "path": "/2", "value": 5}],
        ],
    ),
    (
        ['so: ```json\n{"~/', '": "x', 'y"', ', "n": null}\n``` done'],
        [
            [{"op": "replace", "path": "", "value": {}}],
            [{"op": "add", "path": "/~0~1", "value": "x"}],
            [{"op": "replace", "path": "/~0~1", "value": "xy"}],
            [{"op": "add", "path": "/n", "value": None}],
        ],
    ),
    (
        ['{"z": [1', '], "y": 2', ', "z": []}'],
        [
            [{"op": "replace", "path": "", "value": {"z": [1]}}],
            [{"op": "add", "path": "/y", "value": 2}],
            [{"op": "remove", "path": "/z/0"}],
        ],
    ),
    (['"a', 'b"'], [[{"op": "replace", "path": "", "value": "a"}], [{"op": "replace", "path": "", "value": "ab"}]]),
]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("pieces", "patches"), GROWING)
async def test_a_growing_value_is_told_by_operations_of_json_patch(pieces: Any, patches: Any, mode: str) -> None:
    """New keys first, then changes in those that stay; the first operation sets the whole value."""
    parser: Any = JsonOutputParser(diff=True)
    if mode == "sync":
        assert list(parser.transform(iter(pieces))) == patches
    else:
        assert [patch async for patch in parser.atransform(feed(pieces))] == patches


def test_operations_applied_one_by_one_give_the_values_of_a_stream() -> None:
    """Three hundred random documents, cut at random."""
    for seed in range(300):
        dice = random.Random(seed)
        pieces = cut(json.dumps({"k": made_value(dice)}, ensure_ascii=dice.random() < 0.5), dice)
        value: Any = None
        values = []
        for patch in JsonOutputParser(diff=True).transform(iter(pieces)):
            value = applied(patch, value)
            values.append(json.dumps(value))
        expected = [json.dumps(value) for value in JsonOutputParser().transform(iter(pieces))]
        assert values == expected, f"seed {seed}: {pieces}"


def test_a_value_nested_too_deeply_to_compare_is_replaced_as_a_whole() -> None:
    """A model that opens brackets without end breaks no stream."""
    patches = list(JsonOutputParser(diff=True).transform(iter(["[" * 3000, "1", ",2"])))
    assert [[(each["op"], each["path"]) for each in patch] for patch in patches] == [[("replace", "")]] * 3


def test_whole_answers_are_values_also_with_diff() -> None:
    """And pydantic objects are told by the JSON of their fields."""
    assert JsonOutputParser(diff=True).invoke('{"a": 1}') == {"a": 1}
    parser: Any = PydanticOutputParser(pydantic_object=Found, diff=True)
    assert list(parser.transform(iter(['{"a": 1', ', "b": "q', 'r"}']))) == [
        [{"op": "replace", "path": "", "value": {"a": 1, "b": "x"}}],
        [{"op": "replace", "path": "/b", "value": "q"}],
        [{"op": "replace", "path": "/b", "value": "qr"}],
    ]
    assert parser.invoke('{"a": 1}') == Found(a=1)


class Whole(BaseOutputParser[str]):
    """A user's parser of whole answers."""

    def parse(self, text: str) -> str:
        return text + threading.current_thread().name


class Upper(BaseTransformOutputParser[str]):
    """A user's parser of chunks."""

    def parse(self, text: str) -> str:
        return text.upper()


def tool_piece(text: str) -> AIMessageChunk:
    """A piece of a tool call."""
    return AIMessageChunk("", tool_call_chunks=[{"name": None, "args": text, "id": None, "index": 0}])


TEXTS = ['{"a": ', "[1, ", "2], ", '"b": "', "x" * 5, '"}']
OURS: list[tuple[Any, list[Any]]] = [
    (StrOutputParser(), TEXTS),
    (JsonOutputParser(), TEXTS),
    (JsonOutputParser(diff=True), TEXTS),
    (PydanticOutputParser(pydantic_object=Found), ['{"a": ', "1", '2, "b": "x', '"}']),
    (CommaSeparatedListOutputParser(), TEXTS),
    (XMLOutputParser(), ["<a><b>", "1</b>", "<c>2</c>", "</a>"]),
    (JsonOutputToolsParser(), [tool_piece(text) for text in TEXTS]),
]


@pytest.fixture
def hand_overs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every job that is handed to a worker thread; each still runs."""
    seen: list[Any] = []
    start = threads.start

    def recording(job: Any) -> None:
        seen.append(job)
        start(job)

    monkeypatch.setattr(io_loop, "start", recording)
    return seen


@pytest.mark.parametrize(("parser", "chunks"), OURS)
async def test_our_parsers_never_leave_the_event_loop(parser: Any, chunks: list[Any], hand_overs: list[Any]) -> None:
    """No thread for a stream, for its chunks, or for a whole answer."""
    assert [value async for value in parser.atransform(feed(chunks))]
    whole = chunks[0] if isinstance(chunks[0], AIMessageChunk) else "".join(chunks)
    for part in chunks[1:] if isinstance(whole, AIMessageChunk) else ():
        whole = whole + part
    await parser.ainvoke(whole)
    assert hand_overs == []


async def test_a_users_parser_takes_a_thread_for_a_stream_however_many_chunks_come(hand_overs: list[Any]) -> None:
    """Not one for each chunk; a whole answer takes one as well."""
    taken = []
    for count in (3, 300):
        hand_overs.clear()
        assert len([value async for value in Upper().atransform(feed(["x"] * count))]) == count
        taken.append(len(hand_overs))
    assert taken == [1, 1]
    hand_overs.clear()
    assert "spanloom-worker" in await Whole().ainvoke("x")
    assert len(hand_overs) == 1


async def test_every_way_to_parse_a_text_gives_the_same() -> None:
    """On an event loop and with the prompt at hand."""
    parser = CommaSeparatedListOutputParser()
    prompt: Any = None
    expected = ["a", "b"]
    assert parser.parse("a, b") == expected
    assert await parser.aparse("a, b") == expected
    assert parser.parse_with_prompt("a, b", prompt) == expected
    assert parser.parse_result([Generation(text="a, b"), Generation(text="no")]) == expected
    assert await parser.aparse_result([Generation(text="a, b")]) == expected


async def test_a_reader_of_candidates_need_not_be_composed() -> None:
    """Every parser is one."""

    class Count(BaseLLMOutputParser[int]):
        def parse_result(self, result: list[Generation], *, partial: bool = False) -> int:
            return len(result)

    assert await Count().aparse_result([Generation(text="a")] * 2) == 2
    assert issubclass(BaseGenerationOutputParser, BaseLLMOutputParser)
    assert issubclass(BaseOutputParser, BaseLLMOutputParser)
    with pytest.raises(TypeError, match="abstract"):
        BaseLLMOutputParser()  # type: ignore[abstract]  # that is the point


PATHS = {
    "output_parsers.base": ["BaseGenerationOutputParser", "BaseLLMOutputParser", "BaseOutputParser"],
    "output_parsers.format_instructions": ["JSON_FORMAT_INSTRUCTIONS"],
    "output_parsers.json": ["JsonOutputParser", "SimpleJsonOutputParser"],
    "output_parsers.list": ["CommaSeparatedListOutputParser", "ListOutputParser", "NumberedListOutputParser"],
    "output_parsers.openai_functions": ["JsonOutputFunctionsParser", "PydanticOutputFunctionsParser"],
    "output_parsers.openai_tools": ["JsonOutputToolsParser", "PydanticToolsParser", "parse_tool_calls"],
    "output_parsers.pydantic": ["PydanticOutputParser"],
    "output_parsers.string": ["StrOutputParser"],
    "output_parsers.transform": ["BaseCumulativeTransformOutputParser", "BaseTransformOutputParser"],
    "output_parsers.xml": ["XMLOutputParser"],
    "tools.base": ["BaseTool", "BaseToolkit", "InjectedToolArg", "InjectedToolCallId", "ToolException"],
    "tools.convert": ["convert_runnable_to_tool", "tool"],
    "tools.render": ["render_text_description", "render_text_description_and_args"],
    "tools.retriever": ["create_retriever_tool"],
    "tools.simple": ["Tool"],
    "tools.structured": ["StructuredTool"],
    "utils.json": ["parse_and_check_json_markdown", "parse_json_markdown", "parse_partial_json"],
}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_documented_paths_offer_their_names(path: str) -> None:
    """The same objects wherever they are written."""
    module = importlib.import_module(f"spanloom.runtime.{path}")
    package = importlib.import_module(f"spanloom.runtime.{path.partition('.')[0]}")
    for name in PATHS[path]:
        assert getattr(module, name) is getattr(package, name, getattr(module, name))
        assert name in module.__all__
    assert SimpleJsonOutputParser is JsonOutputParser
    assert issubclass(OutputParserException, ValueError)
