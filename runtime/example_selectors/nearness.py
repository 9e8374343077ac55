"""Examples that are near to the input, found in a vector store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from ..documents import Document
from ..embeddings import Embeddings
from ..vectorstores.base import VectorStore
from .base import BaseExampleSelector

__all__ = ["MaxMarginalRelevanceExampleSelector", "SemanticSimilarityExampleSelector", "sorted_values"]


def sorted_values(values: Mapping[str, Any]) -> list[Any]:
    """Return the values in the order of their sorted keys.

    Args:
        values: The values.
    """
    return [values[key] for key in sorted(values)]


class SemanticSimilarityExampleSelector(BaseExampleSelector, BaseModel):
    """The examples whose text is nearest to the input's.

    The text of an example is its values in the order of their sorted names, a blank between them.

    Args:
        vectorstore: Where the examples are kept, as metadata of their texts.
        k: At most so many.
        input_keys: Only these variables make a text; all when not given.
        example_keys: Only these parts of an example are shown; all when not given.
        vectorstore_kwargs: Passed on to the search.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    search_type: ClassVar[str] = "similarity"
    """How the store is searched."""

    vectorstore: VectorStore
    k: int = 4
    example_keys: list[str] | None = None
    input_keys: list[str] | None = None
    vectorstore_kwargs: dict[str, Any] | None = None

    def add_example(self, example: dict[str, str]) -> str:
        """Add an example and return its id in the store.

        Args:
            example: Its parts by name.
        """
        return self.vectorstore.add_texts([_text(example, self.input_keys)], [example])[0]

    async def aadd_example(self, example: dict[str, str]) -> str:
        """Add an example and return its id in the store, on an event loop.

        Args:
            example: Its parts by name.
        """
        return (await self.vectorstore.aadd_texts([_text(example, self.input_keys)], [example]))[0]

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the chosen examples, the first chosen first.

        Args:
            input_variables: The variables of the prompt.
        """
        query = _text(input_variables, self.input_keys)
        return self._shown(self.vectorstore.search(query, self.search_type, **self._search()))

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the chosen examples, the first chosen first, on an event loop.

        Args:
            input_variables: The variables of the prompt.
        """
        query = _text(input_variables, self.input_keys)
        return self._shown(await self.vectorstore.asearch(query, self.search_type, **self._search()))

    def _search(self) -> dict[str, Any]:
        return {"k": self.k, **(self.vectorstore_kwargs or {})}

    def _shown(self, found: Sequence[Document]) -> list[dict[str, Any]]:
        examples = [dict(document.metadata) for document in found]
        if self.example_keys is None:
            return examples
        return [{key: example[key] for key in self.example_keys} for example in examples]

    @classmethod
    def from_examples(
        cls,
        examples: list[dict[str, str]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        *,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a selector over examples, kept in a new store.

        Args:
            examples: The examples.
            embeddings: What makes the vectors.
            vectorstore_cls: The class of the store.
            k: At most so many are chosen.
            input_keys: Only these variables make a text.
            example_keys: Only these parts of an example are shown.
            vectorstore_kwargs: Passed on to the search.
            kwargs: Other fields of the selector; the rest is passed on to the store.
        """
        fields, rest = cls._parted(kwargs)
        store = vectorstore_cls.from_texts([_text(e, input_keys) for e in examples], embeddings, examples, **rest)
        told = {"input_keys": input_keys, "example_keys": example_keys, "vectorstore_kwargs": vectorstore_kwargs}
        return cls(vectorstore=store, k=k, **told, **fields)

    @classmethod
    async def afrom_examples(
        cls,
        examples: list[dict[str, str]],
        embeddings: Embeddings,
        vectorstore_cls: type[VectorStore],
        k: int = 4,
        input_keys: list[str] | None = None,
        *,
        example_keys: list[str] | None = None,
        vectorstore_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a selector over examples, kept in a new store, on an event loop; see `from_examples`."""
        fields, rest = cls._parted(kwargs)
        texts = [_text(example, input_keys) for example in examples]
        store = await vectorstore_cls.afrom_texts(texts, embeddings, examples, **rest)
        told = {"input_keys": input_keys, "example_keys": example_keys, "vectorstore_kwargs": vectorstore_kwargs}
        return cls(vectorstore=store, k=k, **told, **fields)

    @classmethod
    def _parted(cls, kwargs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields of the selector among arguments, and the others."""
        fields = {name: value for name, value in kwargs.items() if name in cls.model_fields}
        return fields, {name: value for name, value in kwargs.items() if name not in fields}


class MaxMarginalRelevanceExampleSelector(SemanticSimilarityExampleSelector):
    """Examples whose texts are near to the input's and far from each other.

    Args:
        fetch_k: They are chosen among so many nearest.
    """

    search_type: ClassVar[str] = "mmr"

    fetch_k: int = 20

    def _search(self) -> dict[str, Any]:
        return {"fetch_k": self.fetch_k, **super()._search()}


def _text(values: Mapping[str, Any], keys: Sequence[str] | None) -> str:
    used = values if keys is None else {key: values[key] for key in keys}
    return " ".join(map(str, sorted_values(used)))
