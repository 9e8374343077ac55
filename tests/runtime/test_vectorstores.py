"""Vector stores: the one in memory, the base, the retriever, and FAISS where it is installed."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from spanloom.runtime.documents import Document
from spanloom.runtime.embeddings import Embeddings
from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.runnables import RunnablePassthrough
from spanloom.runtime.vectorstores import FAISS, InMemoryVectorStore, VectorStore, maximal_marginal_relevance
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing import canonical


class Plane(Embeddings):
    """Reads a text such as "3,4" as its vector."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(number) for number in text.split(",")]


TEXTS = ["1,0", "0,1", "1,0.1", "-1,0"]


def stores() -> list[Any]:
    return [InMemoryVectorStore, pytest.param(FAISS, marks=pytest.mark.filterwarnings("default::DeprecationWarning"))]


def made(kind: Any = InMemoryVectorStore) -> Any:
    if kind is FAISS:
        pytest.importorskip("faiss")
    metadatas = [{"n": place} for place in range(4)]
    return kind.from_texts(TEXTS, Plane(), metadatas, ids=["a", "b", "c", "d"])


def texts(found: list[Document]) -> list[str]:
    return [document.page_content for document in found]


@pytest.mark.parametrize("kind", stores())
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_the_nearest_documents_are_found(kind: Any, mode: str) -> None:
    store = made(kind)
    if mode == "sync":
        near, by_vector = store.similarity_search("1,0", k=2), store.similarity_search_by_vector([0.0, 1.0], k=1)
        scored = store.similarity_search_with_score("1,0", k=2)
        varied = store.max_marginal_relevance_search("1,0", k=2, lambda_mult=0.1)
        relevant = store.similarity_search_with_relevance_scores("1,0", score_threshold=0.9)
    else:
        near = await store.asimilarity_search("1,0", k=2)
        by_vector = await store.asimilarity_search_by_vector([0.0, 1.0], k=1)
        scored = await store.asimilarity_search_with_score("1,0", k=2)
        varied = await store.amax_marginal_relevance_search("1,0", k=2, lambda_mult=0.1)
        relevant = await store.asimilarity_search_with_relevance_scores("1,0", score_threshold=0.9)
    assert near == [
        Document("1,0", id="a", metadata={"n": 0}),
        Document("1,0.1", id="c", metadata={"n": 2}),
    ]
    assert (texts(by_vector), texts(varied)) == (["0,1"], ["1,0", "-1,0"])
    assert [document.id for document, _ in scored] == ["a", "c"]
    assert scored[0][1] == pytest.approx(1.0 if kind is InMemoryVectorStore else 0.0)
    assert [document.id for document, _ in relevant] == ["a", "c"]
    assert store.similarity_search("1,0", k=0) == []


@pytest.mark.parametrize("kind", stores())
async def test_documents_are_kept_looked_up_and_forgotten(kind: Any) -> None:
    store = made(kind)
    assert store.add_documents([Document("2,2", id="e")]) == ["e"]
    assert len((await store.aadd_texts(["3,3"]))[0]) == 36
    assert [d.id for d in store.get_by_ids(["e", "none", "a"])] == ["e", "a"]
    store.delete(["e"])
    await store.adelete(["a"])
    assert await store.aget_by_ids(["e", "a"]) == []
    assert texts(store.similarity_search("1,0", k=1)) == ["1,0.1"]
    with pytest.raises(InvalidInputError, match="2 metadatas were given for 1 texts"):
        store.add_texts(["1,1"], [{}, {}])
    with pytest.raises(InvalidInputError, match="2 ids were given for 1"):
        store.add_documents([Document("1,1")], ids=["1", "2"])


def test_a_filter_says_what_may_be_found() -> None:
    found = made().similarity_search("1,0", filter=lambda document: document.metadata["n"] % 2)
    assert texts(found) == ["0,1", "-1,0"]
    found = made().max_marginal_relevance_search("1,0", k=1, filter=lambda document: document.id == "b")
    assert texts(found) == ["0,1"]
    store = made(FAISS)
    assert texts(store.similarity_search("1,0", filter={"n": [1, 3]})) == ["0,1", "-1,0"]
    assert texts(store.similarity_search("1,0", filter=lambda metadata: metadata["n"] == 2)) == ["1,0.1"]


def test_changing_a_found_document_changes_nothing_kept() -> None:
    store = made()
    store.similarity_search("1,0")[0].metadata["n"] = 99
    assert store.get_by_ids(["a"])[0].metadata == {"n": 0}


def test_a_dumped_store_is_loaded_equal(tmp_path: Path) -> None:
    store = made()
    store.dump(tmp_path / "new" / "store.json")
    loaded = InMemoryVectorStore.load(tmp_path / "new" / "store.json", Plane())
    assert loaded.store == store.store
    (tmp_path / "bad.json").write_text("[1]")
    with pytest.raises(InvalidInputError, match="holds no store that dump wrote"):
        InMemoryVectorStore.load(tmp_path / "bad.json", Plane())


def test_a_saved_faiss_store_is_loaded_without_unpickling(tmp_path: Path) -> None:
    made(FAISS).save_local(tmp_path)
    loaded = FAISS.load_local(tmp_path, Plane(), allow_dangerous_deserialization=True)
    assert loaded.similarity_search("1,0") == made(FAISS).similarity_search("1,0")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.faiss", "index.json"]


@pytest.mark.filterwarnings("default::DeprecationWarning")
def test_a_faiss_store_takes_the_documents_of_another() -> None:
    """With their vectors, ids and metadata; the other stays as it is, and nothing is taken if an id is taken."""
    store, other = made(FAISS), FAISS.from_texts(["0.9,0"], Plane(), [{"n": 9}], ids=["z"])
    store.merge_from(other)
    assert texts(store.similarity_search("1,0", k=2)) == ["1,0", "1,0.1"]
    assert store.similarity_search("0.9,0", k=1) == [Document("0.9,0", id="z", metadata={"n": 9})]
    assert len(other.similarity_search("0.9,0")) == 1
    with pytest.raises(InvalidInputError, match=r"\['z'\]"):
        store.merge_from(other)
    with pytest.raises(InvalidInputError, match="2 numbers here and 3"):
        store.merge_from(FAISS.from_texts(["1,2,3"], Plane(), ids=["y"]))
    empty = FAISS(Plane())
    empty.merge_from(FAISS(Plane()))
    empty.merge_from(store)
    assert len(empty.similarity_search("1,0", k=9)) == len(store.similarity_search("1,0", k=9)) == 5


def test_a_missing_extra_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"pip install 'spanloom\[faiss\]'"):
        FAISS.from_texts(TEXTS, Plane())


def test_marginal_relevance_weighs_nearness_against_likeness() -> None:
    vectors = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]
    assert maximal_marginal_relevance([1.0, 0.0], vectors, lambda_mult=1.0, k=2) == [0, 1]
    assert maximal_marginal_relevance([1.0, 0.0], vectors, lambda_mult=0.2, k=9) == [0, 2, 1]
    assert maximal_marginal_relevance([1.0, 0.0], [], k=2) == []
    with pytest.raises(InvalidInputError, match="2 and 3 coordinates"):
        maximal_marginal_relevance([1.0, 0.0], [[1.0, 0.0, 0.0]])


class Least(VectorStore):
    """A user's store that writes as little as it must."""

    def __init__(self) -> None:
        self.kept: list[Document] = []

    def add_texts(self, texts: Any, metadatas: Any = None, *, ids: Any = None, **kwargs: Any) -> list[str]:
        self.kept.extend(Document(text) for text in texts)
        return [str(place) for place in range(len(self.kept))]

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        return self.kept[:k]

    @classmethod
    def from_texts(cls, texts: Any, embedding: Any, metadatas: Any = None, **kwargs: Any) -> Any:
        store = cls()
        store.add_texts(texts, metadatas)
        return store


async def test_a_users_store_gets_the_rest_from_the_base() -> None:
    store = await Least.afrom_documents([Document("x")], Plane())
    assert (await store.aadd_texts(["y"]), store.add_documents([Document("z")])) == (["0", "1"], ["0", "1", "2"])
    assert texts(await store.asimilarity_search("q", k=2)) == ["x", "y"]
    assert texts(await store.asearch("q", "similarity", k=1)) == ["x"]
    with pytest.raises(NotImplementedError, match="Least has no max_marginal_relevance_search"):
        await store.asearch("q", "mmr")
    with pytest.raises(InvalidInputError, match="Unknown search type 'zzz'"):
        store.search("q", "zzz")
    assert store.as_retriever().tags == ["Least"]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_retriever_searches_as_its_fields_say(mode: str) -> None:
    async def asked(question: str, **kwargs: Any) -> list[str]:
        retriever = made().as_retriever(**kwargs)
        return texts(retriever.invoke(question) if mode == "sync" else await retriever.ainvoke(question))

    assert await asked("1,0", search_kwargs={"k": 1}) == ["1,0"]
    assert await asked("1,0", search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.1}) == ["1,0", "-1,0"]
    threshold = {"score_threshold": 0.9}
    assert await asked("1,0", search_type="similarity_score_threshold", search_kwargs=threshold) == ["1,0", "1,0.1"]
    with pytest.raises(ValidationError, match="search_type is 'x'"):
        made().as_retriever(search_type="x")
    with pytest.raises(ValidationError, match="score_threshold is None"):
        made().as_retriever(search_type="similarity_score_threshold")
    assert texts(made().as_retriever().invoke("1,0", k=1)) == ["1,0"]


async def test_live_records_of_a_store_s_retriever_are_replayed_equal() -> None:
    chain = RunnablePassthrough() | made().as_retriever(search_kwargs={"k": 1}, tags=["mine"], metadata={"m": 1})
    with SpanRecorder() as spans:
        live = [record async for record in chain.astream_events("1,0", version="v2")]
        assert json.dumps(spans.records()) == json.dumps([canonical(record) for record in live])
    start, end = (record for record in live if record["event"].startswith("on_retriever"))
    assert start["data"] == {"input": {"query": "1,0"}}
    assert end["data"]["output"] == [Document("1,0", id="a", metadata={"n": 0})]
    assert start["tags"] == ["seq:step:2", "mine", "InMemoryVectorStore", "Plane"]
    assert start["metadata"] == {
        "ls_retriever_name": "vectorstore",
        "ls_vector_store_provider": "InMemoryVectorStore",
        "ls_embedding_provider": "Plane",
        "m": 1,
    }
