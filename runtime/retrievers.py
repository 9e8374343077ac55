"""Retrievers: a question goes in, documents come out; and one that ranks texts in memory.

A stream of a retriever is one chunk, the whole list. Its runs carry the metadata `ls_retriever_name`: the class's name
without "Retriever", in lower case.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from ..tracing import names
from ..tracing.callbacks.run_managers import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
    manager_of,
)
from ..tracing.lineage import SpanFacts
from ..tracing.scope import RunScope
from .documents import Document
from .exceptions import InvalidInputError
from .ranking import Bm25
from .runnables.composed import Local
from .runnables.io import Io
from .runnables.io_loop import in_thread
from .runnables.serializable import ComposedSerializable, is_async_nearest

__all__ = ["BaseRetriever", "Bm25Retriever"]

_FACTS = SpanFacts(attributes={names.OPERATION_NAME: "retrieval"})


class BaseRetriever(ComposedSerializable[str, list[Document]], ABC):
    """Finds documents for a question; a subclass writes `_get_relevant_documents`.

    `_aget_relevant_documents` may be written too; without it an event loop uses the blocking one in a worker thread.

    Args:
        tags: Tags of this retriever's own runs.
        metadata: Metadata of this retriever's own runs.
    """

    run_type: ClassVar[str] = "retriever"
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "none"

    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None

    @abstractmethod
    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """Return the documents for a question."""

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        """Return the documents for a question, on an event loop; here in a worker thread."""
        found: list[Document] = await in_thread(self._found, query, run_manager.scope, {})
        return found

    def local(self) -> Local | None:
        """Return the tags and metadata of this retriever itself."""
        return None, self.tags, {"ls_retriever_name": _short_name(type(self).__name__), **(self.metadata or {})}

    def span_facts(self) -> SpanFacts:
        """Return what the span says besides: that this is a retrieval."""
        return _FACTS

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        """Return the question as records show it; hooks get the bare question.

        Args:
            value: The question.
            scope: The run.
            kwargs: What the caller passed on.
        """
        scope.details = {"start": (value,)}
        return {"query": value}

    async def body(self, value: str, io: Io, /, **kwargs: Any) -> list[Document]:
        """Return the documents for a question.

        Args:
            value: The question.
            io: What the run may do.
            kwargs: Passed on to a `_get_relevant_documents` that takes more than the question.
        """
        if io.blocking:
            return self._found(value, io.scope, kwargs)
        kind = type(self)
        if not is_async_nearest(kind, "_aget_relevant_documents", "_get_relevant_documents") or (
            kind._aget_relevant_documents is BaseRetriever._aget_relevant_documents
        ):
            found: list[Document] = await io.call(self._found, value, io.scope, kwargs)
            return found
        method = self._aget_relevant_documents
        return await method(value, **_taken(kind._aget_relevant_documents, io.manager, kwargs))

    def _found(self, query: str, scope: RunScope, kwargs: Mapping[str, Any]) -> list[Document]:
        manager = manager_of(scope, blocking=True)
        method = self._get_relevant_documents
        return method(query, **_taken(type(self)._get_relevant_documents, manager, kwargs))


class Bm25Retriever(BaseRetriever):
    """Ranks documents in memory by the words they share with the question; see `spanloom.runtime.ranking`.

    Args:
        docs: The documents; the index is built once, when the retriever is made.
        k: At most so many are returned, the best first. Documents that share no word with the question never are.

    Raises:
        pydantic.ValidationError: If `k` is negative, or a value does not fit its field.
    """

    docs: list[Document] = Field(repr=False)
    k: int = Field(default=4, ge=0)

    _index: Bm25 = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Build the index."""
        self._index = Bm25([document.page_content for document in self.docs])

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        metadatas: Sequence[dict[str, Any]] | None = None,
        ids: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a retriever over texts.

        Args:
            texts: The texts.
            metadatas: The metadata of each.
            ids: The id of each.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If there are metadatas or ids, but not one each.
        """
        every = list(texts)
        for what, given in (("metadatas", metadatas), ("ids", ids)):
            if given is not None and len(given) != len(every):
                raise InvalidInputError(f"{len(given)} {what} were given for {len(every)} texts; give one each.")
        documents = [
            Document(
                page_content=text,
                metadata=dict(metadatas[place]) if metadatas is not None else {},
                id=ids[place] if ids is not None else None,
            )
            for place, text in enumerate(every)
        ]
        return cls(docs=documents, **kwargs)

    @classmethod
    def from_documents(cls, documents: Iterable[Document], **kwargs: Any) -> Self:
        """Return a retriever over documents.

        Args:
            documents: The documents.
            kwargs: Other fields.
        """
        return cls(docs=list(documents), **kwargs)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [self.docs[place] for place, _ in self._index.top(query, self.k)]


def _short_name(class_name: str) -> str:
    return class_name.removeprefix("Retriever").removesuffix("Retriever").lower()


@cache
def _accepts(method: Any) -> tuple[frozenset[str], bool]:
    """Return the names that a method takes besides the question, and whether it takes any."""
    parameters = list(inspect.signature(method).parameters.values())[2:]
    named = frozenset(p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.kind is not p.VAR_POSITIONAL)
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def _taken(method: Any, manager: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments for a user's method: the run manager if it takes one, and what it takes of the rest."""
    accepted, takes_any = _accepts(method)
    made = {name: value for name, value in kwargs.items() if takes_any or name in accepted}
    if "run_manager" in accepted or takes_any:
        made["run_manager"] = manager
    return made
