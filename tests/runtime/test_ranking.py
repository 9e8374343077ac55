"""BM25 ranks texts by the words they share with a query."""

import math

import pytest

from spanloom.runtime.ranking import Bm25, words_of


def test_the_score_is_okapi_bm25_with_the_documented_constants():
    (place, score), *rest = Bm25(["cat sat", "dog"]).top("cat")
    rarity = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    assert place == 0
    assert not rest
    assert score == pytest.approx(rarity * 1 * 2.5 / (1 + 1.5 * (1 - 0.75 + 0.75 * 2 / 1.5)))


def test_rare_words_and_short_texts_come_first():
    texts = ["the cat and the dog went out", "the cat", "the dog", "the bird"]
    assert [place for place, _ in Bm25(texts).top("the cat")][:2] == [1, 0]


def test_equal_scores_keep_the_order_of_the_texts():
    assert [place for place, _ in Bm25(["a b", "b a", "a b"]).top("a")] == [0, 1, 2]


def test_texts_without_a_shared_word_are_left_out():
    assert Bm25(["a", "b"]).top("c") == []
    assert Bm25([]).top("a") == []
    assert Bm25(["", "..."]).top("a") == []


def test_at_most_k_texts_are_returned():
    index = Bm25(["a", "a", "a"])
    assert [place for place, _ in index.top("a", 2)] == [0, 1]
    assert index.top("a", 0) == []
    with pytest.raises(ValueError, match="negative"):
        index.top("a", -1)


def test_words_are_folded_and_keep_their_apostrophes():
    assert words_of("The Cat’s STRASSE, straße; e_mail x2 ２") == [
        "the", "cat's", "strasse", "strasse", "e", "mail", "x2", "2",
    ]  # fmt: skip


def test_scripts_without_blanks_are_found_by_neighbouring_characters():
    assert words_of("北京大学 ok") == ["北", "京", "大", "学", "北京", "京大", "大学", "ok"]
    texts = ["京都の北", "我在北京大学读书", "天気がいい"]
    assert [place for place, _ in Bm25(texts).top("北京")] == [1, 0]
