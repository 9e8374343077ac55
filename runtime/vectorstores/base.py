"""The base of vector stores, and the retriever over one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar

from pydantic import Field, model_validator

from ...tracing.callbacks.run_managers import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from ..documents import Document
from ..embeddings import Embeddings
from ..exceptions import InvalidInputError
from ..retrievers import BaseRetriever
from ..runnables.composed import Local
from ..runnables.io_loop import in_thread
from .searching import SEARCH_TYPES, Searchable

__all__ = ["VST", "VectorStore", "VectorStoreRetriever", "documents_of"]

VST = TypeVar("VST", bound="VectorStore")


class VectorStore(Searchable):
    """Keeps documents with the vectors of their texts and finds those near to a question.

    A subclass writes `similarity_search`, `from_texts`, and `add_texts` or `add_documents`. The async methods run the
    blocking ones in a worker thread; a store that knows better overrides them.
    """

    @property
    def embeddings(self) -> Embeddings | None:
        """What makes the vectors, if the store knows it."""
        return None

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Keep texts and return their ids.

        Args:
            texts: The texts.
            metadatas: The metadata of each.
            ids: The id of each; None lets the store choose.
            kwargs: What the store knows besides.

        Raises:
            InvalidInputError: If there are metadatas or ids, but not one each.
            NotImplementedError: If the store writes neither `add_texts` nor `add_documents`.
        """
        if type(self).add_documents is VectorStore.add_documents:
            raise NotImplementedError(f"{type(self).__name__} cannot be added to; write add_texts or add_documents.")
        return self.add_documents(documents_of(texts, metadatas, ids), **kwargs)

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Keep documents and return their ids.

        Args:
            documents: The documents; ids of theirs are used if they all have one.
            kwargs: What the store knows besides, such as `ids`.

        Raises:
            NotImplementedError: If the store writes neither `add_texts` nor `add_documents`.
        """
        if type(self).add_texts is VectorStore.add_texts:
            raise NotImplementedError(f"{type(self).__name__} cannot be added to; write add_texts or add_documents.")
        if "ids" not in kwargs and any(document.id for document in documents):
            kwargs["ids"] = [document.id for document in documents]
        return self.add_texts([d.page_content for d in documents], [d.metadata for d in documents], **kwargs)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Forget documents; returns whether that worked, None where the store does not tell.

        Args:
            ids: Their ids; None for all, where the store can.
            kwargs: What the store knows besides.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot forget documents.")

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that have the ids; an id that no document has is passed over.

        Args:
            ids: The ids.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot look up ids.")

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Keep texts and return their ids, on an event loop; see `add_texts`."""
        if type(self).aadd_documents is not VectorStore.aadd_documents:
            return await self.aadd_documents(documents_of(texts, metadatas, ids), **kwargs)
        kept: list[str] = await in_thread(self.add_texts, texts, metadatas, ids=ids, **kwargs)
        return kept

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Keep documents and return their ids, on an event loop; see `add_documents`."""
        kept: list[str] = await in_thread(self.add_documents, documents, **kwargs)
        return kept

    async def adelete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Forget documents, on an event loop; see `delete`."""
        done: bool | None = await in_thread(self.delete, ids, **kwargs)
        return done

    async def aget_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents that have the ids, on an event loop; see `get_by_ids`."""
        found: list[Document] = await in_thread(self.get_by_ids, ids)
        return found

    @classmethod
    @abstractmethod
    def from_texts(
        cls, texts: list[str], embedding: Embeddings, metadatas: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """Return a store of the texts.

        Args:
            texts: The texts.
            embedding: What makes the vectors.
            metadatas: The metadata of each.
            kwargs: What the store knows besides, such as `ids`.
        """

    @classmethod
    async def afrom_texts(
        cls, texts: list[str], embedding: Embeddings, metadatas: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Self:
        """Return a store of the texts, on an event loop; see `from_texts`."""
        made: Self = await in_thread(cls.from_texts, texts, embedding, metadatas, **kwargs)
        return made

    @classmethod
    def from_documents(cls, documents: list[Document], embedding: Embeddings, **kwargs: Any) -> Self:
        """Return a store of the documents.

        Args:
            documents: The documents.
            embedding: What makes the vectors.
            kwargs: What the store knows besides.
        """
        return cls.from_texts(embedding=embedding, **_as_texts(documents), **kwargs)

    @classmethod
    async def afrom_documents(cls, documents: list[Document], embedding: Embeddings, **kwargs: Any) -> Self:
        """Return a store of the documents, on an event loop; see `from_documents`."""
        return await cls.afrom_texts(embedding=embedding, **_as_texts(documents), **kwargs)

    def as_retriever(self, **kwargs: Any) -> VectorStoreRetriever:
        """Return a retriever over this store, tagged with the names of the store's and its embeddings' classes.

        Args:
            kwargs: Fields of the retriever: `search_type`, `search_kwargs`, `tags`, ...

        Raises:
            pydantic.ValidationError: If a value does not fit its field.
        """
        known = [type(self).__name__, *([type(self.embeddings).__name__] if self.embeddings is not None else [])]
        tags = [*(kwargs.pop("tags", None) or []), *known]
        return VectorStoreRetriever(vectorstore=self, tags=tags, **kwargs)


class VectorStoreRetriever(BaseRetriever):
    """Finds documents in a vector store.

    Args:
        vectorstore: The store.
        search_type: How it is searched: similarity, similarity_score_threshold or mmr.
        search_kwargs: Passed on to the search: `k`, `score_threshold`, `filter`, `fetch_k`, `lambda_mult`, ...

    Raises:
        pydantic.ValidationError: If the search type is unknown, or a threshold is searched for and none is given.
    """

    vectorstore: VectorStore
    search_type: str = "similarity"
    search_kwargs: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_search(self) -> Self:
        if self.search_type not in SEARCH_TYPES:
            raise ValueError(f"search_type is {self.search_type!r}; use one of {list(SEARCH_TYPES)!r}.")
        least = self.search_kwargs.get("score_threshold")
        if self.search_type == "similarity_score_threshold" and not isinstance(least, float | int):
            raise ValueError(f"score_threshold is {least!r}; give a number from 0 to 1 in search_kwargs.")
        return self

    def local(self) -> Local | None:
        """Return the tags and metadata of this retriever itself, with the classes of its store and embeddings."""
        metadata = {
            "ls_retriever_name": "vectorstore",
            "ls_vector_store_provider": type(self.vectorstore).__name__,
        }
        if self.vectorstore.embeddings is not None:
            metadata["ls_embedding_provider"] = type(self.vectorstore.embeddings).__name__
        return None, self.tags, {**metadata, **(self.metadata or {})}

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        return self.vectorstore.search(query, self.search_type, **{**self.search_kwargs, **kwargs})

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        return await self.vectorstore.asearch(query, self.search_type, **{**self.search_kwargs, **kwargs})

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Keep documents in the store and return their ids.

        Args:
            documents: The documents.
            kwargs: What the store knows besides.
        """
        return self.vectorstore.add_documents(documents, **kwargs)

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Keep documents in the store and return their ids, on an event loop.

        Args:
            documents: The documents.
            kwargs: What the store knows besides.
        """
        return await self.vectorstore.aadd_documents(documents, **kwargs)


def documents_of(
    texts: Iterable[str],
    metadatas: Sequence[dict[str, Any]] | None = None,
    ids: Sequence[str | None] | None = None,
) -> list[Document]:
    """Return texts as documents.

    Args:
        texts: The texts.
        metadatas: The metadata of each.
        ids: The id of each.

    Raises:
        InvalidInputError: If there are metadatas or ids, but not one each.
    """
    every = list(texts)
    for what, given in (("metadatas", metadatas), ("ids", ids)):
        if given is not None and len(given) != len(every):
            raise InvalidInputError(f"{len(given)} {what} were given for {len(every)} texts; give one each.")
    return [
        Document(
            page_content=text,
            metadata=dict(metadatas[place] or {}) if metadatas is not None else {},
            id=ids[place] if ids is not None else None,
        )
        for place, text in enumerate(every)
    ]


def _as_texts(documents: Sequence[Document]) -> dict[str, Any]:
    """Return documents as the arguments of `from_texts`."""
    made: dict[str, Any] = {
        "texts": [document.page_content for document in documents],
        "metadatas": [document.metadata for document in documents],
    }
    if any(document.id for document in documents):
        made["ids"] = [document.id for document in documents]
    return made
