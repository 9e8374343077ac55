"""Retrievers: the records of their runs, users' own, and the one that ranks in memory."""

import json
import threading
from typing import Any

import pytest

from spanloom.runtime.documents import Document
from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.retrievers import BaseRetriever, Bm25Retriever
from spanloom.runtime.runnables import RunnablePassthrough
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical
from spanloom.tracing.names import OPERATION_NAME

TEXTS = ["harrison worked at kensho", "bears like to eat honey", "kensho is in cambridge, kensho is"]


class Echo(BaseRetriever):
    """Answers with the question and the kinds of manager and thread it saw."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        where = "main" if threading.current_thread() is threading.main_thread() else "worker"
        return [Document(query, metadata={"manager": type(run_manager).__name__, "where": where})]


class Both(Echo):
    """Also works on a loop."""

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document("async", metadata={"manager": type(run_manager).__name__})]


class Bare(BaseRetriever):
    """Takes nothing but the question."""

    def _get_relevant_documents(self, query: str) -> list[Document]:  # type: ignore[override]  # as older programs do
        raise ValueError(query)


@pytest.mark.row("S.09")
async def test_a_stream_is_one_chunk_the_whole_list() -> None:
    retriever = Bm25Retriever.from_texts(TEXTS)
    whole = retriever.invoke("kensho")
    assert [document.page_content for document in whole] == [TEXTS[2], TEXTS[0]]
    assert list(retriever.stream("kensho")) == [whole]
    assert [chunk async for chunk in retriever.astream("kensho")] == [whole]
    assert await retriever.ainvoke("kensho") == whole


def test_bm25_keeps_ids_and_metadata_and_returns_at_most_k() -> None:
    retriever = Bm25Retriever.from_texts(TEXTS, metadatas=[{"n": n} for n in range(3)], ids=["a", "b", "c"], k=1)
    assert retriever.invoke("kensho") == [Document(TEXTS[2], metadata={"n": 2}, id="c")]
    assert retriever.invoke("nothing shared") == []
    assert Bm25Retriever.from_documents([Document("x")], k=2).invoke("X") == [Document("x")]
    with pytest.raises(InvalidInputError, match="1 ids were given for 3 texts"):
        Bm25Retriever.from_texts(TEXTS, ids=["a"])
    with pytest.raises(ValueError, match="greater than or equal"):
        Bm25Retriever(docs=[], k=-1)


async def test_a_loop_uses_the_async_method_or_the_blocking_one_in_a_thread() -> None:
    blocking = {"manager": "CallbackManagerForRetrieverRun", "where": "main"}
    assert Echo().invoke("q")[0].metadata == blocking
    assert (await Echo().ainvoke("q"))[0].metadata == {**blocking, "where": "worker"}
    assert Both().invoke("q")[0].metadata == blocking
    assert (await Both().ainvoke("q"))[0].metadata == {"manager": "AsyncCallbackManagerForRetrieverRun"}


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_an_error_reaches_the_caller_unchanged_and_ends_the_span(mode: str) -> None:
    with SpanRecorder() as spans:
        with pytest.raises(ValueError, match="^q$"):
            Bare().invoke("q") if mode == "sync" else await Bare().ainvoke("q")
        assert spans.outcomes() == {"Bare": "error"}


@pytest.mark.row("B3.08")
async def test_live_records_of_a_retriever_are_replayed_equal() -> None:
    chain = RunnablePassthrough() | Both(tags=["mine"], metadata={"m": 1})
    with SpanRecorder() as spans:
        live = [record async for record in chain.astream_events("q", version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
        assert spans.one("Both").attributes[OPERATION_NAME] == "retrieval"
    start, end = (record for record in live if record["event"].startswith("on_retriever"))
    assert start["data"] == {"input": {"query": "q"}}
    assert end["data"]["input"] == {"query": "q"}
    assert [document.page_content for document in end["data"]["output"]] == ["async"]
    assert start["tags"] == ["seq:step:2", "mine"]
    assert start["metadata"] == {"ls_retriever_name": "both", "m": 1}
