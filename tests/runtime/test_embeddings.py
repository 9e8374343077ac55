"""Embeddings for tests."""

import threading

import pytest
from pydantic import ValidationError

from spanloom.runtime.embeddings import DeterministicFakeEmbedding, Embeddings, FakeEmbeddings


class Where(Embeddings):
    """Says whether it was called on the main thread."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(threading.current_thread() is threading.main_thread())]


async def test_the_same_text_has_always_the_same_vector() -> None:
    first, second = DeterministicFakeEmbedding(size=5), DeterministicFakeEmbedding(size=5)
    assert first.embed_query("a") == second.embed_documents(["b", "a"])[1] == await second.aembed_query("a")
    assert (await first.aembed_documents(["a", "b"]))[1] != first.embed_query("a")
    assert len(first.embed_query("a")) == 5
    assert first.embed_query("a")[0] == pytest.approx(-0.3105586811592615)


def test_random_vectors_differ_and_have_the_size() -> None:
    embedding = FakeEmbeddings(size=3)
    assert embedding.embed_query("a") != embedding.embed_query("a")
    assert [len(vector) for vector in embedding.embed_documents(["a", "b"])] == [3, 3]
    with pytest.raises(ValidationError, match="greater than or equal"):
        FakeEmbeddings(size=0)


async def test_blocking_embeddings_run_in_a_thread_on_a_loop() -> None:
    assert Where().embed_query("a") == [1.0]
    assert await Where().aembed_query("a") == [0.0]
    assert await Where().aembed_documents(["a"]) == [[0.0]]
