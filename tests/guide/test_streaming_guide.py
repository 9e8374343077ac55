"""The streaming guide, row by row, with a scripted model; every example also replays as it streamed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from spanloom.runtime.language_models import BaseChatModel, ScriptedChatModel
from spanloom.runtime.messages import AIMessageChunk, HumanMessage
from spanloom.runtime.output_parsers import JsonOutputParser, StrOutputParser
from spanloom.runtime.prompts import ChatPromptTemplate
from spanloom.runtime.retrievers import Bm25Retriever
from spanloom.runtime.runnables import Runnable, RunnableLambda, RunnablePassthrough, chain
from spanloom.runtime.tools import tool
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

SKY = ["The", " sky", " appears", " blue", " during", " the", " day", "."]
PROMPT = (
    "output a list of the countries france, spain and japan and their populations in JSON format. "
    'Use a dict with an outer key of "countries" which contains a list of countries. '
    "Each country should have the key `name` and `population`"
)


def _country(name: str, *digits: str) -> list[str]:
    return [
        "\n    ",
        "{",
        '\n      "',
        "name",
        '": "',
        name,
        '",',
        '\n      "',
        "population",
        '": ',
        *digits,
        "\n    ",
        "}",
    ]


COUNTRIES = [
    *("{", "\n ", ' "', "countries", '":', " ["),
    *_country("France", "67", "413", "000"),
    ",",
    *_country("Spain", "47", "351", "567"),
    ",",
    *_country("Japan", "125", "584", "000"),
    *("\n  ", "]", "\n", "}"),
]
FRANCE = {"name": "France", "population": 67413000}
SPAIN = {"name": "Spain", "population": 47351567}
GROWING = [
    {},
    {"countries": []},
    {"countries": [{}]},
    {"countries": [{"name": ""}]},
    {"countries": [{"name": "France"}]},
    {"countries": [{"name": "France", "population": 67}]},
    {"countries": [{"name": "France", "population": 67413}]},
    {"countries": [FRANCE]},
    {"countries": [FRANCE, {}]},
    {"countries": [FRANCE, {"name": ""}]},
    {"countries": [FRANCE, {"name": "Spain"}]},
    {"countries": [FRANCE, {"name": "Spain", "population": 47}]},
    {"countries": [FRANCE, {"name": "Spain", "population": 47351}]},
    {"countries": [FRANCE, SPAIN]},
    {"countries": [FRANCE, SPAIN, {}]},
    {"countries": [FRANCE, SPAIN, {"name": ""}]},
    {"countries": [FRANCE, SPAIN, {"name": "Japan"}]},
    {"countries": [FRANCE, SPAIN, {"name": "Japan", "population": 125}]},
    {"countries": [FRANCE, SPAIN, {"name": "Japan", "population": 125584}]},
    {"countries": [FRANCE, SPAIN, {"name": "Japan", "population": 125584000}]},
]


def sky() -> BaseChatModel:
    return ScriptedChatModel(tokens=SKY)


def countries() -> BaseChatModel:
    return ScriptedChatModel(tokens=COUNTRIES)


def events(runnable: Runnable[Any, Any], value: Any, **filters: Any) -> list[dict[str, Any]]:
    """The live records; at each capture level they are compared with the replayed ones."""

    async def collect() -> list[dict[str, Any]]:
        return [record async for record in runnable.astream_events(value, version="v2", **filters)]

    live: list[dict[str, Any]] = []
    for level in ("structure", "content", "chunks"):
        with SpanRecorder(level) as spans:
            live = asyncio.run(collect())
            expected = [json.dumps(canonical(record, level), sort_keys=True) for record in live]
            assert [json.dumps(record, sort_keys=True) for record in spans.records(**filters)] == expected
    return live


def brief(record: dict[str, Any]) -> tuple[str, Any]:
    return record["event"], record["data"]


def drained(stream: Any) -> list[Any]:
    """What a stream gives, blocking or async."""
    if not hasattr(stream, "__aiter__"):
        return list(stream)

    async def collect() -> list[Any]:
        return [chunk async for chunk in stream]

    return asyncio.run(collect())


@pytest.mark.row("S.01")
def test_a_model_streams_its_tokens() -> None:
    """One chunk a token."""
    assert "".join(f"{chunk.content}|" for chunk in sky().stream("what color is the sky?")) == (
        "The| sky| appears| blue| during| the| day|.|"
    )


@pytest.mark.row("S.02")
async def test_a_model_streams_its_tokens_on_a_loop() -> None:
    """The async twin gives the same."""
    text = ""
    async for chunk in sky().astream("what color is the sky?"):
        text += f"{chunk.content}|"
    assert text == "The| sky| appears| blue| during| the| day|.|"


@pytest.mark.row("S.03")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_every_chunk_of_a_call_carries_the_run_id(method: str) -> None:
    """The id is `run-` and the run's id, the same on all chunks."""
    with SpanRecorder() as spans:
        chunks = drained(getattr(sky(), method)("what color is the sky?"))
        run_id = spans.one("ScriptedChatModel").attributes["spanloom.run.id"]
    assert isinstance(chunks[0], AIMessageChunk)
    assert chunks[0].content == "The"
    assert {chunk.id for chunk in chunks} == {f"run-{run_id}"}


@pytest.mark.row("S.04")
def test_chunks_add_up() -> None:
    """The sum of the first five chunks is a chunk with their text and their id."""
    chunks = list(sky().stream("what color is the sky?"))
    total = chunks[0] + chunks[1] + chunks[2] + chunks[3] + chunks[4]
    assert total == AIMessageChunk(content="The sky appears blue during", id=chunks[0].id)


@pytest.mark.row("S.05")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_a_text_parser_does_not_break_the_stream(method: str) -> None:
    """One output chunk a token."""
    prompt = ChatPromptTemplate.from_template("tell me a joke about {topic}")
    joke = prompt | sky() | StrOutputParser()
    assert drained(getattr(joke, method)({"topic": "parrot"})) == SKY


@pytest.mark.row("S.06")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_json_grows_with_the_stream(method: str) -> None:
    """Partial objects, each once: only changed values are emitted."""
    parsed = countries() | JsonOutputParser()
    assert drained(getattr(parsed, method)(PROMPT)) == GROWING


def _extract_country_names(inputs: Any) -> Any:
    if not isinstance(inputs, dict) or not isinstance(inputs.get("countries"), list):
        return ""
    return [country.get("name") for country in inputs["countries"] if isinstance(country, dict)]


@pytest.mark.row("S.07")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_a_function_on_the_final_input_holds_the_stream(method: str) -> None:
    """One output, the whole list."""
    names = countries() | JsonOutputParser() | _extract_country_names
    assert drained(getattr(names, method)(PROMPT)) == [["France", "Spain", "Japan"]]


async def _extract_country_names_streaming(input_stream: AsyncIterator[Any]) -> AsyncIterator[str]:
    """A function that operates on the input stream."""
    seen = set()
    async for input in input_stream:
        if not isinstance(input, dict) or not isinstance(input.get("countries"), list):
            continue
        for country in input["countries"]:
            name = country.get("name")
            if name and name not in seen:
                yield name
                seen.add(name)


@pytest.mark.row("S.08")
def test_a_generator_function_streams() -> None:
    """Names come out as soon as they are whole."""
    names = countries() | JsonOutputParser() | _extract_country_names_streaming
    assert "".join(f"{name}|" for name in drained(names.astream(PROMPT))) == "France|Spain|Japan|"


def retriever() -> Bm25Retriever:
    return Bm25Retriever.from_texts(["harrison worked at kensho", "harrison likes spicy food"], k=2)


@pytest.mark.row("S.09")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_a_retriever_gives_one_chunk(method: str) -> None:
    """The full list of documents."""
    chunks = drained(getattr(retriever(), method)("where did harrison work?"))
    assert len(chunks) == 1
    assert [document.page_content for document in chunks[0]][0] == "harrison worked at kensho"
    assert len(chunks[0]) == 2


@pytest.mark.row("S.10")
@pytest.mark.parametrize("method", ["stream", "astream"])
def test_tokens_stream_after_the_last_step_that_cannot(method: str) -> None:
    """A retrieval chain streams what the model says."""
    prompt = ChatPromptTemplate.from_template("Answer from {context}\n\nQuestion: {question}")
    answer = (
        {"context": retriever().with_config(run_name="Docs"), "question": RunnablePassthrough()}
        | prompt
        | sky()
        | StrOutputParser()
    )
    with SpanRecorder() as spans:
        assert drained(getattr(answer, method)("Where did harrison work? Write 3 made up sentences")) == SKY
        assert spans.one("Docs").attributes["spanloom.run.type"] == "retriever"


@pytest.mark.row("S.11")
def test_events_of_a_model_alone() -> None:
    """Start with the raw input, tokens, end with their sum; one run id, no tags, no metadata."""
    found = events(sky(), "hello")
    assert [brief(record) for record in found[:3]] == [
        ("on_chat_model_start", {"input": "hello"}),
        ("on_chat_model_stream", {"chunk": AIMessageChunk(content="The", id=f"run-{found[0]['run_id']}")}),
        ("on_chat_model_stream", {"chunk": AIMessageChunk(content=" sky", id=f"run-{found[0]['run_id']}")}),
    ]
    assert [record["event"] for record in found[-2:]] == ["on_chat_model_stream", "on_chat_model_end"]
    assert found[-1]["data"] == {"output": AIMessageChunk(content="".join(SKY), id=f"run-{found[0]['run_id']}")}
    assert {record["run_id"] for record in found} == {found[0]["run_id"]}
    assert all(record["name"] == "ScriptedChatModel" for record in found)
    assert all(record["tags"] == [] and record["metadata"] == {} and record["parent_ids"] == [] for record in found)


@pytest.mark.row("S.12")
def test_events_of_a_chain_begin_with_the_chain() -> None:
    """The chain's start with the raw input, the model's with messages, then tokens."""
    found = events(countries() | JsonOutputParser(), PROMPT)
    assert [(record["event"], record["name"], record["tags"]) for record in found[:3]] == [
        ("on_chain_start", "RunnableSequence", []),
        ("on_chat_model_start", "ScriptedChatModel", ["seq:step:1"]),
        ("on_chat_model_stream", "ScriptedChatModel", ["seq:step:1"]),
    ]
    assert found[0]["data"] == {"input": PROMPT}
    assert found[1]["data"] == {"input": {"messages": [[HumanMessage(content=PROMPT)]]}}
    assert found[2]["data"]["chunk"].content == "{"
    assert found[1]["parent_ids"] == [found[0]["run_id"]]


@pytest.mark.row("S.13")
async def test_model_and_parser_chunks_interleave() -> None:
    """Each parsed value comes right after the token that completed it; leaving after 30 events stops the run."""
    told = []
    with SpanRecorder() as spans:
        count = 0
        stream = (countries() | JsonOutputParser()).astream_events(PROMPT, version="v2")
        async for record in stream:
            if record["event"] == "on_chat_model_stream":
                told.append(record["data"]["chunk"].content)
            if record["event"] == "on_parser_stream":
                told.append(record["data"]["chunk"])
            count += 1
            if count > 30:
                break
        await stream.aclose()
        assert set(spans.outcomes().values()) == {"abandoned"}
        assert len(spans) == spans.started == 3
    assert told[:9] == ["{", {}, "\n ", ' "', "countries", '":', " [", {"countries": []}, "\n    "]


@pytest.mark.row("S.14")
def test_filter_by_name() -> None:
    """Only the parser's events; the first shows the root's raw input."""
    named = countries().with_config({"run_name": "model"}) | JsonOutputParser().with_config({"run_name": "my_parser"})
    found = events(named, PROMPT, include_names=["my_parser"])
    assert [brief(record) for record in found[:4]] == [
        ("on_parser_start", {"input": PROMPT}),
        ("on_parser_stream", {"chunk": {}}),
        ("on_parser_stream", {"chunk": {"countries": []}}),
        ("on_parser_stream", {"chunk": {"countries": [{}]}}),
    ]
    assert all(record["name"] == "my_parser" and record["tags"] == ["seq:step:2"] for record in found)


@pytest.mark.row("S.15")
def test_filter_by_type() -> None:
    """Only the model's events; the first shows the raw text as its input."""
    named = countries().with_config({"run_name": "model"}) | JsonOutputParser().with_config({"run_name": "my_parser"})
    found = events(named, PROMPT, include_types=["chat_model"])
    assert found[0]["event"] == "on_chat_model_start"
    assert found[0]["data"] == {"input": PROMPT}
    assert all(record["name"] == "model" and record["tags"] == ["seq:step:1"] for record in found)
    assert {record["event"] for record in found[1:-1]} == {"on_chat_model_stream"}


@pytest.mark.row("S.16")
def test_filter_by_tag() -> None:
    """Tags are inherited, so the whole chain passes; a parser fed by a stream starts without input."""
    tagged = (countries() | JsonOutputParser()).with_config({"tags": ["my_chain"]})
    found = events(tagged, PROMPT, include_tags=["my_chain"])
    shown = [(record["event"], record["tags"]) for record in found[:6]]
    assert shown == [
        ("on_chain_start", ["my_chain"]),
        ("on_chat_model_start", ["seq:step:1", "my_chain"]),
        ("on_chat_model_stream", ["seq:step:1", "my_chain"]),
        ("on_parser_start", ["seq:step:2", "my_chain"]),
        ("on_parser_stream", ["seq:step:2", "my_chain"]),
        ("on_chain_stream", ["my_chain"]),
    ]
    assert found[3]["data"] == {}
    mirrored = [record["data"]["chunk"] for record in found if record["event"] == "on_chain_stream"]
    assert mirrored == [record["data"]["chunk"] for record in found if record["event"] == "on_parser_stream"]


@pytest.mark.row("S.17")
def test_a_step_that_cannot_stream_still_shows_the_inner_stream() -> None:
    """The output comes in one piece; events show the model's and the parser's chunks all the same."""
    names = countries() | JsonOutputParser() | _extract_country_names
    assert drained(names.astream(PROMPT)) == [["France", "Spain", "Japan"]]
    kinds = [record["event"] for record in events(names, PROMPT)]
    assert kinds.count("on_chat_model_stream") == len(COUNTRIES)
    assert kinds.count("on_parser_stream") == len(GROWING)


def reverse(word: str) -> str:
    return word[::-1]


reverse_word = RunnableLambda(reverse, name="reverse_word")


@tool
def bad_tool(word: str) -> str:
    """Custom tool that doesn't propagate callbacks."""
    return reverse_word.invoke(word)


@tool
def correct_tool(word: str, callbacks: Any) -> str:
    """A tool that correctly propagates callbacks."""
    return reverse_word.invoke(word, {"callbacks": callbacks})


@pytest.mark.row("S.18")
@pytest.mark.parametrize("used", [bad_tool, correct_tool])
def test_a_tool_shows_the_runnables_inside_it(used: Any) -> None:
    """Context reaches them by itself; only the tool's own end lacks the input."""
    found = events(used, "hello")
    assert [brief(record) for record in found] == [
        ("on_tool_start", {"input": "hello"}),
        ("on_chain_start", {"input": "hello"}),
        ("on_chain_end", {"output": "olleh", "input": "hello"}),
        ("on_tool_end", {"output": "olleh"}),
    ]
    assert [record["name"] for record in found] == [used.name, "reverse_word", "reverse_word", used.name]
    assert found[1]["parent_ids"] == [found[0]["run_id"]]


FIVE = [
    ("on_chain_start", {"input": "1234"}),
    ("on_chain_start", {"input": "1234"}),
    ("on_chain_end", {"output": "4321", "input": "1234"}),
    ("on_chain_stream", {"chunk": "43214321"}),
    ("on_chain_end", {"output": "43214321"}),
]


async def _reverse_and_double(word: str) -> str:
    return await reverse_word.ainvoke(word) * 2


@pytest.mark.row("S.19")
def test_a_lambda_shows_the_runnables_inside_it() -> None:
    """Five events: the inner run is whole before the outer one streams."""
    found = events(RunnableLambda(_reverse_and_double, name="reverse_and_double"), "1234")
    assert [brief(record) for record in found] == FIVE
    assert [record["name"] for record in found] == [
        "reverse_and_double",
        *["reverse_word"] * 2,
        *["reverse_and_double"] * 2,
    ]


@pytest.mark.row("S.20")
def test_the_chain_decorator_shows_the_same() -> None:
    """The decorated function is named after itself and gives the same five events."""

    @chain
    async def reverse_and_double(word: str) -> str:
        return await reverse_word.ainvoke(word) * 2

    found = events(reverse_and_double, "1234")
    assert [brief(record) for record in found] == FIVE
    assert found[0]["name"] == "reverse_and_double"


@pytest.mark.row("S.21")
def test_first_event_and_root_end_follow_the_rules() -> None:
    """The first event shows the root's raw input under every filter; the root's end shows no input; all can stream."""
    named = countries().with_config(run_name="model") | JsonOutputParser()
    for filters in ({}, {"include_types": ["parser"]}, {"include_types": ["chat_model"]}, {"exclude_types": ["chain"]}):
        found = events(named, PROMPT, **filters)
        assert found[0]["data"]["input"] == PROMPT
        ended = [record for record in found if record["event"].endswith("_end")]
        assert all(("input" in record["data"]) == (record["run_id"] != found[0]["run_id"]) for record in ended)
    for runnable in (sky(), JsonOutputParser(), retriever(), bad_tool, RunnableLambda(reverse), RunnablePassthrough()):
        assert callable(runnable.stream)
        assert callable(runnable.astream)


@pytest.mark.row("B3.09")
def test_the_reverse_example_gives_three_events() -> None:
    """Start, stream, end, all named after the function."""
    found = events(RunnableLambda(reverse), "hello")
    assert [brief(record) for record in found] == [
        ("on_chain_start", {"input": "hello"}),
        ("on_chain_stream", {"chunk": "olleh"}),
        ("on_chain_end", {"output": "olleh"}),
    ]
    assert {record["name"] for record in found} == {"reverse"}
