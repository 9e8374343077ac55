"""A vector store in this process, without any other package.

A score is the cosine of the angle, 1 for the same direction. Every search compares the question with each document: the
time grows with documents times coordinates, about a tenth of a microsecond each.
"""

from __future__ import annotations

import heapq
import json
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from ..documents import Document
from ..embeddings import Embeddings
from ..exceptions import InvalidInputError
from .base import VectorStore
from .searching import Scored
from .similarity import cosine, maximal_marginal_relevance

__all__ = ["InMemoryVectorStore"]

_Filter = Callable[[Document], bool]


class InMemoryVectorStore(VectorStore):
    """Documents with their vectors in this process.

    A search takes `filter`: a function that is given a document and says whether it may be found.

    Args:
        embedding: What makes the vectors.
    """

    def __init__(self, embedding: Embeddings) -> None:
        self.store: dict[str, dict[str, Any]] = {}
        self.embedding = embedding

    @property
    def embeddings(self) -> Embeddings:
        """What makes the vectors."""
        return self.embedding

    def add_documents(
        self, documents: list[Document], ids: Sequence[str | None] | None = None, **kwargs: Any
    ) -> list[str]:
        """Keep documents and return their ids; one whose id is known replaces the earlier one.

        Args:
            documents: The documents; one without an id gets a new one.
            ids: Ids to use instead of theirs.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If there are ids, but not one each.
        """
        chosen = _ids(documents, ids)
        return self._keep(documents, chosen, self.embedding.embed_documents([d.page_content for d in documents]))

    async def aadd_documents(
        self, documents: list[Document], ids: Sequence[str | None] | None = None, **kwargs: Any
    ) -> list[str]:
        """Keep documents and return their ids, on an event loop; see `add_documents`."""
        chosen = _ids(documents, ids)
        vectors = await self.embedding.aembed_documents([document.page_content for document in documents])
        return self._keep(documents, chosen, vectors)

    def _keep(self, documents: Sequence[Document], ids: list[str], vectors: Sequence[Sequence[float]]) -> list[str]:
        for document, id_, vector in zip(documents, ids, vectors, strict=True):
            kept = {"id": id_, "vector": list(vector), "text": document.page_content, "metadata": document.metadata}
            self.store[id_] = kept
        return ids

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> None:
        """Forget documents; an id that no document has is passed over.

        Args:
            ids: Their ids; None forgets nothing.
            kwargs: Ignored.
        """
        for id_ in ids or ():
            self.store.pop(id_, None)

    async def adelete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> None:
        """Forget documents; no thread is needed for that."""
        self.delete(ids)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that have the ids; an id that no document has is passed over.

        Args:
            ids: The ids.
        """
        return [_document(self.store[id_]) for id_ in ids if id_ in self.store]

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that have the ids; no thread is needed for that."""
        return self.get_by_ids(ids)

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, filter: _Filter | None = None, **kwargs: Any
    ) -> Scored:
        """Return the documents nearest to a vector with their scores.

        Args:
            embedding: The vector.
            k: At most so many.
            filter: Which documents may be found.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If the vector has not as many coordinates as those of the store.
        """
        return [(_document(kept), score) for kept, score in self._nearest(embedding, k, filter)]

    def _nearest(
        self, embedding: Sequence[float], k: int, filter: _Filter | None
    ) -> list[tuple[dict[str, Any], float]]:
        every = [kept for kept in self.store.values() if filter is None or filter(_document(kept))]
        scored = [(kept, cosine(embedding, kept["vector"])) for kept in every]
        return heapq.nlargest(k, scored, key=lambda entry: entry[1])

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a vector; see `similarity_search_with_score_by_vector`."""
        return [document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, **kwargs)]

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a vector; no thread is needed for that."""
        return self.similarity_search_by_vector(embedding, k, **kwargs)

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores; takes `filter`."""
        return self.similarity_search_with_score_by_vector(self.embedding.embed_query(query), k, **kwargs)

    async def asimilarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores, on an event loop; takes `filter`."""
        return self.similarity_search_with_score_by_vector(await self.embedding.aembed_query(query), k, **kwargs)

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question; takes `filter`."""
        return self.similarity_search_by_vector(self.embedding.embed_query(query), k, **kwargs)

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question, on an event loop; takes `filter`."""
        return self.similarity_search_by_vector(await self.embedding.aembed_query(query), k, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: _Filter | None = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Return documents that are near to a vector and far from each other.

        Args:
            embedding: The vector.
            k: At most so many.
            fetch_k: They are chosen among so many nearest.
            lambda_mult: From 0, as different as can be, to 1, as near as can be.
            filter: Which documents may be found.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If the vector has not as many coordinates as those of the store.
        """
        near = [kept for kept, _ in self._nearest(embedding, fetch_k, filter)]
        chosen = maximal_marginal_relevance(embedding, [kept["vector"] for kept in near], lambda_mult, k)
        return [_document(near[place]) for place in chosen]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a question and far from each other; takes `filter`."""
        vector = self.embedding.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, **kwargs)

    async def amax_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a question and far from each other, on an event loop; takes `filter`."""
        vector = await self.embedding.aembed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, **kwargs)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda score: max(0.0, min(score, 1.0))

    @classmethod
    def from_texts(
        cls, texts: list[str], embedding: Embeddings, metadatas: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """Return a store of the texts.

        Args:
            texts: The texts.
            embedding: What makes the vectors.
            metadatas: The metadata of each.
            kwargs: `ids`, the id of each.

        Raises:
            InvalidInputError: If there are metadatas or ids, but not one each.
        """
        made = cls(embedding)
        made.add_texts(texts, metadatas, **kwargs)
        return made

    @classmethod
    async def afrom_texts(
        cls, texts: list[str], embedding: Embeddings, metadatas: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """Return a store of the texts, on an event loop; see `from_texts`."""
        made = cls(embedding)
        await made.aadd_texts(texts, metadatas, **kwargs)
        return made

    def dump(self, path: str | Path) -> None:
        """Write the store to a file, as JSON; missing folders are made.

        Args:
            path: The file.

        Raises:
            OSError: If it cannot be written.
            TypeError: If metadata hold what is no JSON.
        """
        text = json.dumps(self.store, indent=2, ensure_ascii=False)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, embedding: Embeddings, **kwargs: Any) -> Self:
        """Return the store that `dump` wrote to a file.

        Args:
            path: The file.
            embedding: What makes the vectors of questions; the same as before.
            kwargs: Passed on to the class.

        Raises:
            InvalidInputError: If the file holds no such store.
            OSError: If it cannot be read.
        """
        try:
            store = json.loads(Path(path).read_text(encoding="utf-8"))
            kept = {
                id_: {key: entry[key] for key in ("id", "vector", "text", "metadata")} for id_, entry in store.items()
            }
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise InvalidInputError(f"{str(path)!r} holds no store that dump wrote: {err!r}.") from err
        made = cls(embedding, **kwargs)
        made.store = kept
        return made


def _ids(documents: Sequence[Document], ids: Sequence[str | None] | None) -> list[str]:
    if ids is not None and len(ids) != len(documents):
        raise InvalidInputError(f"{len(ids)} ids were given for {len(documents)} documents; give one each.")
    given = ids if ids is not None else [document.id for document in documents]
    return [id_ or str(uuid.uuid4()) for id_ in given]


def _document(kept: dict[str, Any]) -> Document:
    return Document(id=kept["id"], page_content=kept["text"], metadata=dict(kept["metadata"]))
