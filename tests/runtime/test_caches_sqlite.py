"""The cache in a file: what comes back, who may share it, and what a spoilt entry does."""

import asyncio
import json
import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from spanloom.runtime.caches import SQLiteCache
from spanloom.runtime.language_models import FakeListChatModel, FakeListLLM
from spanloom.runtime.load import dumps
from spanloom.runtime.messages import AIMessage, AIMessageChunk
from spanloom.runtime.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk
from spanloom.runtime.prompts import PromptTemplate
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import log

CALL = {"name": "t", "args": {"x": [1, {"y": None}]}, "id": "1", "type": "tool_call"}
USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.db"


@pytest.mark.parametrize(
    "answers",
    [
        [Generation(text="a", generation_info={"n": 1}), Generation(text="b")],
        [GenerationChunk(text="a")],
        [ChatGeneration(message=AIMessage("a", tool_calls=[CALL], usage_metadata=USAGE, id="x"))],
        [ChatGeneration(message=AIMessage([{"type": "text", "text": "ä"}], response_metadata={"lc": 1}))],
        [ChatGenerationChunk(message=AIMessageChunk("a", chunk_position="last"))],
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_an_answer_outlives_the_cache_that_kept_it(answers: list[Any], mode: str, path: Path) -> None:
    """Another cache on the file gives the same objects, until the answers are cleared."""
    first, second = SQLiteCache(path), SQLiteCache(str(path))

    async def on_loop() -> Any:
        assert await first.alookup("p", "m") is None
        await first.aupdate("p", "m", answers)
        found = await second.alookup("p", "m"), await second.alookup("p", "other")
        await second.aclear()
        return found

    def blocking() -> Any:
        assert first.lookup("p", "m") is None
        first.update("p", "m", answers)
        found = second.lookup("p", "m"), second.lookup("p", "other")
        second.clear()
        return found

    found, other = blocking() if mode == "sync" else asyncio.run(on_loop())
    assert (found, other) == (answers, None)
    assert [type(answer) for answer in found] == [type(answer) for answer in answers]
    assert first.lookup("p", "m") is None


def test_a_later_answer_takes_the_place_of_an_earlier_one(path: Path) -> None:
    """There is one entry for a prompt and a model."""
    cache = SQLiteCache(path)
    for text in ("a", "b"):
        cache.update("p", "m", [Generation(text=text)])
    assert cache.lookup("p", "m") == [Generation(text="b")]


def test_threads_share_one_cache(path: Path) -> None:
    """Every answer is found again, whichever thread kept it."""
    cache = SQLiteCache(path)

    def fill(start: int) -> None:
        for number in range(start, start + 25):
            cache.update(str(number), "m", [Generation(text=str(number))])
            assert cache.lookup(str(number), "m")

    threads = [threading.Thread(target=fill, args=(start,)) for start in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [cache.lookup(str(number), "m") for number in range(100)] == [[Generation(text=str(n))] for n in range(100)]


class Bomb:
    """Unpickling this would raise a flag."""

    raised: list[bool] = []

    def __reduce__(self) -> Any:
        return self.raised.append, (True,)


FOREIGN = {"lc": 1, "type": "constructor", "id": ["subprocess", "Popen"], "kwargs": {"args": ["true"]}}
SPOILT: list[Any] = [
    "{broken",
    "null",
    "[1]",
    json.dumps({"lc": 1, "type": "constructor", "id": 7}),
    json.dumps([FOREIGN]),
    dumps([FakeListLLM(responses=["a"])]),
    dumps([AIMessage("no generation")]),
    dumps([Generation(text="a", generation_info={"prompt": PromptTemplate.from_template("{x}")})]),
    json.dumps([{**json.loads(dumps(Generation(text="a"))), "kwargs": ["no mapping"]}]),
    pickle.dumps([Bomb()]),
]


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_entry_is_a_miss_and_told_once(
    spoilt: Any, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No class is built that an answer cannot have, nothing is unpickled, and the next answer replaces the entry."""
    monkeypatch.setattr(log, "_told", set())
    cache = SQLiteCache(path)
    cache.update("p", "m", [Generation(text="a")])
    database = sqlite3.connect(path)
    with database:
        assert database.execute("UPDATE answer SET answers = ?", (spoilt,)).rowcount == 1
    database.close()
    with caplog.at_level("WARNING", logger="spanloom"):
        assert [cache.lookup("p", "m"), cache.lookup("p", "m")] == [None, None]
    assert [record.getMessage() for record in caplog.records] == ["a kept answer cannot be read"]
    assert Bomb.raised == []
    cache.update("p", "m", [Generation(text="b")])
    assert cache.lookup("p", "m") == [Generation(text="b")]


def test_a_file_that_is_no_database_is_told_at_once(path: Path) -> None:
    """It is not overwritten."""
    path.write_bytes(b"not a database, but a text of some length" * 50)
    with pytest.raises(sqlite3.DatabaseError):
        SQLiteCache(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_closed_cache_cannot_be_used(path: Path) -> None:
    """Its file is free again."""
    cache = SQLiteCache(path)
    cache.close()
    with pytest.raises(sqlite3.ProgrammingError):
        cache.lookup("p", "m")


@pytest.mark.row("B1.05")
@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_model_is_not_asked_for_what_the_file_holds(chat: bool, mode: str, path: Path) -> None:
    """Another model of the same kind, with a cache of its own on the file, is answered from it; its span says so."""
    kind: Any = FakeListChatModel if chat else FakeListLLM
    texts: list[str] = []
    with SpanRecorder() as spans:
        for _ in range(2):
            model = kind(responses=["first", "second"], cache=SQLiteCache(path))
            model.i = len(texts)
            answer = model.invoke("hi") if mode == "sync" else asyncio.run(model.ainvoke("hi"))
            texts.append(answer.text if chat else answer)
        assert [span.attributes.get("spanloom.cache.hit") for span in spans.spans] == [None, True]
    assert texts == ["first", "first"]
