"""Ways of searching a vector store, blocking and on an event loop.

On an event loop the blocking search runs in a worker thread, unless a store knows better and overrides the async one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ..documents import Document
from ..exceptions import InvalidInputError
from ..runnables.io_loop import in_thread

__all__ = ["SEARCH_TYPES", "Scored", "Searchable"]

Scored = list[tuple[Document, float]]
"""Documents with their scores, the best first."""

SEARCH_TYPES: dict[str, str] = {
    "similarity": "similarity_search",
    "similarity_score_threshold": "similarity_search_with_relevance_scores",
    "mmr": "max_marginal_relevance_search",
}
"""Search type -> the method that searches so."""


class Searchable(ABC):
    """What can be searched for documents near a question; a subclass writes `similarity_search`, and what else it can.

    `k` is how many documents are returned at most. What a score means is the store's own matter; a relevance is between
    0 and 1, which is the nearest.
    """

    @abstractmethod
    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question, the nearest first."""

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(_cannot(self, "similarity_search_with_score"))

    def similarity_search_with_relevance_scores(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their relevance.

        Args:
            query: The question.
            k: At most so many.
            kwargs: `score_threshold` leaves out documents of less relevance; the rest is passed on.

        Raises:
            NotImplementedError: If the store cannot.
        """
        least = kwargs.pop("score_threshold", None)
        return self._relevant(self.similarity_search_with_score(query, k, **kwargs), least)

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a vector.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(_cannot(self, "similarity_search_by_vector"))

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a question and far from each other.

        Args:
            query: The question.
            k: At most so many.
            fetch_k: They are chosen among so many nearest.
            lambda_mult: From 0, as different as can be, to 1, as near as can be.
            kwargs: What the store knows besides.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(_cannot(self, "max_marginal_relevance_search"))

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a vector and far from each other.

        Raises:
            NotImplementedError: If the store cannot.
        """
        raise NotImplementedError(_cannot(self, "max_marginal_relevance_search_by_vector"))

    def search(self, query: str, search_type: str, **kwargs: Any) -> list[Document]:
        """Return documents for a question.

        Args:
            query: The question.
            search_type: One of `SEARCH_TYPES`.
            kwargs: Passed on to the method that searches so.

        Raises:
            InvalidInputError: If the search type is unknown.
        """
        return _bare(getattr(self, _method(search_type))(query, **kwargs))

    async def asearch(self, query: str, search_type: str, **kwargs: Any) -> list[Document]:
        """Return documents for a question, on an event loop; see `search`.

        Raises:
            InvalidInputError: If the search type is unknown.
        """
        return _bare(await getattr(self, f"a{_method(search_type)}")(query, **kwargs))

    async def asimilarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a question, on an event loop."""
        found: list[Document] = await in_thread(self.similarity_search, query, k, **kwargs)
        return found

    async def asimilarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their scores, on an event loop."""
        found: Scored = await in_thread(self.similarity_search_with_score, query, k, **kwargs)
        return found

    async def asimilarity_search_with_relevance_scores(self, query: str, k: int = 4, **kwargs: Any) -> Scored:
        """Return the documents nearest to a question with their relevance, on an event loop."""
        least = kwargs.pop("score_threshold", None)
        return self._relevant(await self.asimilarity_search_with_score(query, k, **kwargs), least)

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the documents nearest to a vector, on an event loop."""
        found: list[Document] = await in_thread(self.similarity_search_by_vector, embedding, k, **kwargs)
        return found

    async def amax_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a question and far from each other, on an event loop."""
        search = self.max_marginal_relevance_search
        found: list[Document] = await in_thread(search, query, k, fetch_k, lambda_mult, **kwargs)
        return found

    async def amax_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return documents that are near to a vector and far from each other, on an event loop."""
        search = self.max_marginal_relevance_search_by_vector
        found: list[Document] = await in_thread(search, embedding, k, fetch_k, lambda_mult, **kwargs)
        return found

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Return what makes a relevance of a score."""
        raise NotImplementedError(_cannot(self, "_select_relevance_score_fn"))

    def _relevant(self, scored: Scored, least: float | None) -> Scored:
        relevance = self._select_relevance_score_fn()
        found = [(document, relevance(score)) for document, score in scored]
        return [(document, score) for document, score in found if least is None or score >= least]


def _cannot(store: object, method: str) -> str:
    return f"{type(store).__name__} has no {method}; write it in the class, or search in another way."


def _method(search_type: str) -> str:
    if search_type not in SEARCH_TYPES:
        raise InvalidInputError(f"Unknown search type {search_type!r}; use one of {list(SEARCH_TYPES)!r}.")
    return SEARCH_TYPES[search_type]


def _bare(found: list[Any]) -> list[Document]:
    return [entry[0] if isinstance(entry, tuple) else entry for entry in found]
