"""A vector store over FAISS, which needs the package `faiss-cpu`: `pip install 'spanloom[faiss]'`.

A score is the squared Euclidean distance, 0 for the same vector, so less is nearer. A saved store is an index file and
a JSON file beside it; nothing is unpickled when it is loaded.
"""

from __future__ import annotations

import importlib
import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from ..documents import Document
from ..embeddings import Embeddings
from ..exceptions import InvalidInputError
from .base import VectorStore, documents_of
from .searching import Scored
from .similarity import maximal_marginal_relevance

__all__ = ["FAISS"]

_Filter = Callable[[Any], bool] | Mapping[str, Any] | None
_Found = list[tuple[Document, float, int]]


class FAISS(VectorStore):
    """Documents with their vectors in a FAISS index in this process.

    A search takes `filter`, a mapping of metadata that must be equal (a list: one of them) or a function that is given
    the metadata, and `fetch_k`, among how many nearest the filter looks.

    Args:
        embedding_function: What makes the vectors.
        index: A FAISS index; an exact one over Euclidean distance is made when not given.

    Raises:
        ImportError: If `faiss-cpu` is not installed.
    """

    def __init__(self, embedding_function: Embeddings, index: Any = None) -> None:
        self._faiss, self._numpy = _packages()
        self.embedding_function = embedding_function
        self.index = index
        self._rows: list[Document] = []

    @property
    def embeddings(self) -> Embeddings:
        """What makes the vectors."""
        return self.embedding_function

    def add_documents(
        self, documents: list[Document], ids: Sequence[str | None] | None = None, **kwargs: Any
    ) -> list[str]:
        """Keep documents and return their ids.

        Args:
            documents: The documents; one without an id gets a new one.
            ids: Ids to use instead of theirs.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If there are ids, but not one each, or an id is not new.
        """
        named = self._named(documents, ids)
        return self._keep(named, self.embedding_function.embed_documents([d.page_content for d in named]))

    async def aadd_documents(
        self, documents: list[Document], ids: Sequence[str | None] | None = None, **kwargs: Any
    ) -> list[str]:
        """Keep documents and return their ids, on an event loop; see `add_documents`."""
        named = self._named(documents, ids)
        return self._keep(named, await self.embedding_function.aembed_documents([d.page_content for d in named]))

    def _named(self, documents: Sequence[Document], ids: Sequence[str | None] | None) -> list[Document]:
        metadatas = [document.metadata for document in documents]
        given = ids if ids is not None else [document.id for document in documents]
        named = documents_of([document.page_content for document in documents], metadatas, given)
        for document in named:
            document.id = document.id or str(uuid.uuid4())
        every = [row.id for row in [*self._rows, *named]]
        if len(set(every)) != len(every):
            twice = sorted({str(id_) for id_ in every if every.count(id_) > 1})
            raise InvalidInputError(f"The ids {twice!r} would stand for several documents; delete the earlier ones.")
        return named

    def _keep(self, named: list[Document], vectors: Sequence[Sequence[float]]) -> list[str]:
        if named:
            if self.index is None:
                self.index = self._faiss.IndexFlatL2(len(vectors[0]))
            self.index.add(self._matrix(vectors))
            self._rows.extend(named)
        return [str(document.id) for document in named]

    def _matrix(self, vectors: Sequence[Sequence[float]]) -> Any:
        return self._numpy.array(vectors, dtype="float32")

    def delete(self, ids: Sequence[str] | None = None, **kwargs: Any) -> bool:
        """Forget documents and return True.

        Args:
            ids: Their ids; None forgets nothing.
            kwargs: Ignored.

        Raises:
            InvalidInputError: If no document has one of the ids.
        """
        gone = set(ids or ())
        unknown = sorted(gone.difference(str(row.id) for row in self._rows))
        if unknown:
            raise InvalidInputError(f"No documents have the ids {unknown!r}; nothing was forgotten.")
        places = [place for place, row in enumerate(self._rows) if row.id in gone]
        if places:
            self.index.remove_ids(self._numpy.array(places, dtype="int64"))
            self._rows = [row for row in self._rows if row.id not in gone]
        return True

    def merge_from(self, target: FAISS) -> None:
        """Keep the documents of another store too, with the vectors they have there; the other stays as it is.

        Args:
            target: The other store; its vectors must come from the same embeddings.

        Raises:
            InvalidInputError: If both have a document of the same id, or their vectors differ in length.
        """
        if not target._rows:
            return
        if self.index is not None and self.index.d != target.index.d:
            raise InvalidInputError(
                f"The vectors have {self.index.d} numbers here and {target.index.d} in the target; "
                "merge stores of the same embeddings."
            )
        rows = self._named([_copy(row) for row in target._rows], None)
        self._keep(rows, target.index.reconstruct_n(0, len(rows)))

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that have the ids; an id that no document has is passed over.

        Args:
            ids: The ids.
        """
        known = {row.id: row for row in self._rows}
        return [_copy(known[id_]) for id_ in ids if id_ in known]

    def _nearest(self, embedding: Sequence[float], k: int, filter: _Filter, fetch_k: int) -> _Found:
        wanted = min(k if filter is None else max(k, fetch_k), len(self._rows))
        if wanted <= 0:
            return []
        distances, places = self.index.search(self._matrix([embedding]), wanted)
        found: _Found = []
        for distance, place in zip(distances[0], places[0], strict=True):
            if place >= 0 and _passes(filter, self._rows[place].metadata):
                found.append((_copy(self._rows[place]), float(distance), int(place)))
        return found[:k]

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, filter: _Filter = None, fetch_k: int = 20, **kwargs: Any
    ) -> Scored:
        """Return the documents nearest to a vector with their scores.

        Args:
            embedding: The vector.
            k: At most so many.
            filter: Which documents may be found, see the class.
            fetch_k: The filter looks among so many nearest.
            kwargs: `score_threshold` leaves out documents farther away; the rest is ignored.
        """
        most = kwargs.get("score_threshold")
        found = self._nearest(embedding, k, filter, fetch_k)
        return [(document, score) for document, score, _ in found if most is None or score <= most]

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a vector; see `similarity_search_with_score_by_vector`."""
        return [document for document, _ in self.similarity_search_with_score_by_vector(embedding, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores; takes `filter` and `fetch_k`."""
        return self.similarity_search_with_score_by_vector(self.embedding_function.embed_query(query), k, **kwargs)

    async def asimilarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores, on an event loop."""
        vector = await self.embedding_function.aembed_query(query)
        return self.similarity_search_with_score_by_vector(vector, k, **kwargs)

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question; takes `filter` and `fetch_k`."""
        return self.similarity_search_by_vector(self.embedding_function.embed_query(query), k, **kwargs)

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question, on an event loop; takes `filter` and `fetch_k`."""
        return self.similarity_search_by_vector(await self.embedding_function.aembed_query(query), k, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a vector and far from each other.

        Args:
            embedding: The vector.
            k: At most so many.
            fetch_k: They are chosen among so many nearest.
            lambda_mult: From 0, as different as can be, to 1, as near as can be.
            kwargs: `filter`, see the class; it looks among all documents.
        """
        found = self._nearest(embedding, fetch_k, kwargs.get("filter"), len(self._rows))
        vectors = [self.index.reconstruct(place).tolist() for _, _, place in found]
        return [found[place][0] for place in maximal_marginal_relevance(embedding, vectors, lambda_mult, k)]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a question and far from each other; takes `filter`."""
        vector = self.embedding_function.embed_query(query)
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, **kwargs)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda distance: max(0.0, 1.0 - distance / math.sqrt(2))

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
            ImportError: If `faiss-cpu` is not installed.
            InvalidInputError: If there are metadatas or ids, but not one each.
        """
        made = cls(embedding)
        made.add_texts(texts, metadatas, **kwargs)
        return made

    def save_local(self, folder_path: str | Path, index_name: str = "index") -> None:
        """Write the store to a folder, which is made if it is missing.

        Args:
            folder_path: The folder.
            index_name: The files are `<index_name>.faiss` and `<index_name>.json`.

        Raises:
            OSError: If a file cannot be written.
            TypeError: If metadata hold what is no JSON.
        """
        rows = [{"id": row.id, "text": row.page_content, "metadata": row.metadata} for row in self._rows]
        text = json.dumps(rows, ensure_ascii=False)
        folder = Path(folder_path)
        folder.mkdir(parents=True, exist_ok=True)
        if self.index is not None:
            self._faiss.write_index(self.index, str(folder / f"{index_name}.faiss"))
        (folder / f"{index_name}.json").write_text(text, encoding="utf-8")

    @classmethod
    def load_local(
        cls, folder_path: str | Path, embeddings: Embeddings, index_name: str = "index", **kwargs: Any
    ) -> Self:
        """Return the store that `save_local` wrote to a folder.

        Args:
            folder_path: The folder.
            embeddings: What makes the vectors of questions; the same as before.
            index_name: The name of the files.
            kwargs: Ignored, such as `allow_dangerous_deserialization`: nothing dangerous is read.

        Raises:
            ImportError: If `faiss-cpu` is not installed.
            InvalidInputError: If the folder holds no such store.
            OSError: If a file cannot be read.
        """
        made = cls(embeddings)
        folder = Path(folder_path)
        try:
            rows = json.loads((folder / f"{index_name}.json").read_text(encoding="utf-8"))
            made._rows = [Document(row["text"], id=row["id"], metadata=row["metadata"]) for row in rows]
        except (KeyError, TypeError, ValueError) as err:
            raise InvalidInputError(f"{str(folder)!r} holds no store that save_local wrote: {err!r}.") from err
        if made._rows:
            made.index = made._faiss.read_index(str(folder / f"{index_name}.faiss"))
        return made


def _packages() -> tuple[Any, Any]:
    try:
        return importlib.import_module("faiss"), importlib.import_module("numpy")
    except ImportError as err:
        raise ImportError("FAISS needs the package faiss-cpu: pip install 'spanloom[faiss]'") from err


def _passes(filter: _Filter, metadata: dict[str, Any]) -> bool:
    if filter is None:
        return True
    if isinstance(filter, Mapping):
        return all(
            metadata.get(key) in value if isinstance(value, list) else metadata.get(key) == value
            for key, value in filter.items()
        )
    return bool(filter(metadata))


def _copy(row: Document) -> Document:
    return Document(row.page_content, id=row.id, metadata=dict(row.metadata))
