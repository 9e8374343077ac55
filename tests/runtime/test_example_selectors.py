"""Example selectors."""

from typing import Any

import pytest

from spanloom.runtime.embeddings import Embeddings
from spanloom.runtime.example_selectors import (
    LengthBasedExampleSelector,
    MaxMarginalRelevanceExampleSelector,
    SemanticSimilarityExampleSelector,
    sorted_values,
)
from spanloom.runtime.prompts import PromptTemplate
from spanloom.runtime.vectorstores import InMemoryVectorStore

EXAMPLES = [{"i": "happy", "o": "sad"}, {"i": "tall", "o": "short"}]
PROMPT = PromptTemplate.from_template("In: {i}\nOut: {o}")


class Letters(Embeddings):
    """Counts letters."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [float(text.count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"]


async def test_as_many_first_examples_are_chosen_as_fit_beside_the_input() -> None:
    selector = LengthBasedExampleSelector(examples=list(EXAMPLES), example_prompt=PROMPT, max_length=9)
    assert selector.select_examples({"w": "a"}) == EXAMPLES
    assert await selector.aselect_examples({"w": "a b\nc"}) == EXAMPLES[:1]
    assert selector.select_examples({"w": "a b c d e f"}) == []
    selector.add_example({"i": "a", "o": "b"})
    await selector.aadd_example({"i": "a", "o": "c"})
    assert selector.example_text_lengths == [4, 4, 4, 4]


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_the_nearest_examples_are_chosen(mode: str) -> None:
    given: Any = {"k": 1, "input_keys": ["i"], "example_keys": ["o"]}
    kind = SemanticSimilarityExampleSelector
    if mode == "sync":
        selector = kind.from_examples(EXAMPLES, Letters(), InMemoryVectorStore, **given)
        assert selector.select_examples({"i": "tell", "other": "happy"}) == [{"o": "short"}]
        selector.add_example({"i": "xyz", "o": "new"})
        assert selector.select_examples({"i": "zyx"}) == [{"o": "new"}]
    else:
        selector = await kind.afrom_examples(EXAMPLES, Letters(), InMemoryVectorStore, **given)
        assert await selector.aselect_examples({"i": "tell", "other": "happy"}) == [{"o": "short"}]
        await selector.aadd_example({"i": "xyz", "o": "new"})
        assert await selector.aselect_examples({"i": "zyx"}) == [{"o": "new"}]


async def test_different_examples_are_chosen() -> None:
    examples = [{"i": "aaa"}, {"i": "aab"}, {"i": "zab"}]
    kind = MaxMarginalRelevanceExampleSelector
    selector = kind.from_examples(examples, Letters(), InMemoryVectorStore, k=2, fetch_k=3)
    near = SemanticSimilarityExampleSelector.from_examples(examples, Letters(), InMemoryVectorStore, k=2)
    assert near.select_examples({"i": "aaa"}) == examples[:2]
    selector.vectorstore_kwargs = {"lambda_mult": 0.1}
    assert selector.select_examples({"i": "aaa"}) == await selector.aselect_examples({"i": "aaa"})
    assert selector.select_examples({"i": "aaa"}) == [examples[0], examples[2]]
    assert selector.fetch_k == 3


def test_an_example_s_text_is_its_values_by_sorted_names() -> None:
    assert sorted_values({"b": 1, "a": 2}) == [2, 1]
    selector = SemanticSimilarityExampleSelector.from_examples(
        [{"o": "sad", "i": "happy"}], Letters(), InMemoryVectorStore
    )
    assert [kept["text"] for kept in selector.vectorstore.store.values()] == ["happy sad"]  # type: ignore[attr-defined]
