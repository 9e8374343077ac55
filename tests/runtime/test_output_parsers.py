"""Parsers: whole answers, answers that arrive in chunks, users' own, and the records of their runs."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from spanloom.runtime import partial_reader
from spanloom.runtime.exceptions import InvalidInputError, OutputParserException
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.output_parsers import (
    BaseCumulativeTransformOutputParser,
    BaseOutputParser,
    BaseTransformOutputParser,
    JsonOutputParser,
    StrOutputParser,
)
from spanloom.runtime.runnables import RunnableGenerator
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical

PIECES = ['{"a"', ": [", "67", "413", ", 2", "]}", "  "]
GROWING = [{}, {"a": []}, {"a": [67]}, {"a": [67413]}, {"a": [67413, 2]}]


def chunks_of(pieces: list[str]) -> list[AIMessageChunk]:
    """The pieces as a model's chunks."""
    return [AIMessageChunk(content=piece, id="run-1") for piece in pieces]


def model(pieces: list[str]) -> RunnableGenerator[Any, Any]:
    """A step that streams the pieces as messages."""

    async def scripted(_: Any) -> AsyncIterator[AIMessageChunk]:
        for chunk in chunks_of(pieces):
            yield chunk

    def blocking(_: Any) -> Iterator[AIMessageChunk]:
        yield from chunks_of(pieces)

    return RunnableGenerator(blocking, scripted, name="model")


async def streamed(chain: Any, mode: str) -> list[Any]:
    """The chunks of a chain."""
    if mode == "sync":
        return list(chain.stream("x"))
    return [chunk async for chunk in chain.astream("x")]


def where() -> str:
    """The kind of thread this runs in."""
    return "main" if threading.current_thread() is threading.main_thread() else "worker"


class Shout(BaseOutputParser[str]):
    """Parses blocking."""

    def parse(self, text: str) -> str:
        return f"{text.upper()} {where()}"


class AsyncShout(Shout):
    """Parses on a loop, too."""

    async def aparse(self, text: str) -> str:
        return f"{text} async"


class Blocking(BaseTransformOutputParser[Any]):
    """Writes the blocking half of streaming."""

    def parse(self, text: str) -> Any:
        return text

    def _transform(self, input: Iterator[Any]) -> Iterator[Any]:
        for chunk in input:
            yield f"{chunk.text}/{where()}/{threading.get_ident()}"


class OnLoop(Blocking):
    """Writes the other half, too."""

    async def _atransform(self, input: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for chunk in input:
            yield f"{chunk.text}/loop"


class Words(BaseCumulativeTransformOutputParser[list[str]]):
    """The words so far."""

    def parse(self, text: str) -> list[str]:
        return text.split()

    def _diff(self, prev: list[str] | None, next: list[str]) -> Any:
        return next[len(prev or ()) :]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_text_streams_chunk_by_chunk(mode: str) -> None:
    assert await streamed(model(["a", "", "b"]) | StrOutputParser(), mode) == ["a", "", "b"]


def test_text_is_read_from_texts_messages_and_blocks() -> None:
    blocks = [{"type": "text", "text": "a"}, "b", {"type": "image", "url": "u"}]
    assert StrOutputParser().invoke(AIMessage(content=blocks)) == "ab"
    assert StrOutputParser().invoke("s") == "s"
    assert list(StrOutputParser().transform(iter([AIMessage("x"), "y"]))) == ["x", "y"]
    with pytest.raises(InvalidInputError, match="was given 3"):
        StrOutputParser().invoke(3)


@pytest.mark.row("S.06")
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_json_grows_and_only_changed_values_are_emitted(mode: str) -> None:
    assert await streamed(model(PIECES) | JsonOutputParser(), mode) == GROWING


def test_json_may_stand_in_a_fence_after_prose() -> None:
    assert JsonOutputParser().invoke('Here:\n```json\n{"a": 1}\n```') == {"a": 1}
    assert JsonOutputParser().parse(" [1, 2] ") == [1, 2]
    assert list(JsonOutputParser().transform(iter(["Here:\n``", "`json\n{", '"a": 1}', "\n```"]))) == [{}, {"a": 1}]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_what_is_not_json_is_an_error_that_holds_the_answer(mode: str) -> None:
    with pytest.raises(OutputParserException, match="no JSON: bad") as caught:
        JsonOutputParser().invoke("bad") if mode == "sync" else await JsonOutputParser().ainvoke("bad")
    assert caught.value.llm_output == "bad"
    assert await streamed(model(["bad", " text"]) | JsonOutputParser(), mode) == []


def test_json_reads_every_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is fed as many characters as there are, however many chunks they come in."""
    fed: list[int] = []
    feed = partial_reader.PartialJson.feed

    def counting(self: Any, text: str) -> None:
        fed.append(len(text))
        feed(self, text)

    monkeypatch.setattr(partial_reader.PartialJson, "feed", counting)
    text = json.dumps({"items": list(range(2000))})
    values = list(JsonOutputParser().transform(iter(text)))
    assert (sum(fed), values[-1]) == (len(text), json.loads(text))


def test_format_instructions_show_the_schema() -> None:
    class Joke(BaseModel):
        setup: str

    assert JsonOutputParser().get_format_instructions() == "Return a JSON object."
    assert '"setup"' in JsonOutputParser(pydantic_object=Joke).get_format_instructions()
    with pytest.raises(NotImplementedError, match="no format instructions"):
        StrOutputParser().get_format_instructions()


async def test_a_users_parse_runs_in_a_thread_on_a_loop_and_its_aparse_on_the_loop() -> None:
    assert Shout().invoke("a") == "A main"
    assert await Shout().ainvoke("a") == "A worker"
    assert AsyncShout().invoke("a") == "A main"
    assert await AsyncShout().ainvoke(AIMessage("a")) == "a async"
    assert await streamed(model(["a", "b"]) | Shout(), "sync") == ["AB main"]


async def test_a_users_transform_is_read_in_one_thread_and_its_atransform_on_the_loop() -> None:
    blocking = await streamed(model(["a", "b", "c"]) | Blocking(), "async")
    assert [piece.split("/")[:2] for piece in blocking] == [["a", "worker"], ["b", "worker"], ["c", "worker"]]
    assert len({piece.split("/")[2] for piece in blocking}) == 1
    assert await streamed(model(["a", "b"]) | OnLoop(), "async") == ["a/loop", "b/loop"]
    assert [piece.split("/")[1] for piece in await streamed(model(["a"]) | OnLoop(), "sync")] == ["main"]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_cumulative_parser_emits_what_changed(mode: str) -> None:
    pieces = ["one t", "wo", " ", " three"]
    whole = [["one", "t"], ["one", "two"], ["one", "two", "three"]]
    assert await streamed(model(pieces) | Words(), mode) == whole
    assert await streamed(model(["one", " two"]) | Words(diff=True), mode) == [["one"], ["two"]]


async def test_leaving_early_closes_a_users_transform() -> None:
    closed: list[str] = []

    class Closing(Blocking):
        def _transform(self, input: Iterator[Any]) -> Iterator[Any]:
            try:
                yield from input
            finally:
                closed.append(where())

    stream = (model(["a"] * 50) | Closing()).astream("x")
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]  # our streams can be closed
    assert closed == ["worker"]


@pytest.mark.row("S.13")
@pytest.mark.parametrize(
    "parser", [StrOutputParser(), JsonOutputParser(), Shout(), Blocking()], ids=lambda p: p.get_name()
)
async def test_live_records_of_a_parser_are_replayed_equal(parser: Any) -> None:
    with SpanRecorder() as spans:
        live = [record async for record in (model(PIECES) | parser).astream_events("x", version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])


async def test_a_streaming_parser_tells_its_input_at_the_end() -> None:
    live = [r async for r in (model(PIECES) | JsonOutputParser()).astream_events("x", version="v2")]
    parsed = [record for record in live if record["event"].startswith("on_parser")]
    assert [record["event"] for record in parsed] == ["on_parser_start", *["on_parser_stream"] * 5, "on_parser_end"]
    assert parsed[0]["data"] == {}
    assert [record["data"]["chunk"] for record in parsed[1:-1]] == GROWING
    assert parsed[-1]["data"]["input"].content == "".join(PIECES)
    assert parsed[-1]["data"]["output"] == GROWING[-1]
    assert parsed[0]["tags"] == ["seq:step:2"]
    order = [record["event"] for record in live if record["name"] != "RunnableSequence"]
    assert order[:4] == ["on_chain_start", "on_chain_stream", "on_parser_start", "on_parser_stream"]


async def test_a_parser_at_the_root_gives_one_value_without_a_stream_record() -> None:
    live = [r async for r in JsonOutputParser().astream_events('{"a": 1}', version="v2")]
    assert [(r["event"], r["data"]) for r in live] == [
        ("on_parser_start", {"input": '{"a": 1}'}),
        ("on_parser_end", {"output": {"a": 1}}),
    ]
