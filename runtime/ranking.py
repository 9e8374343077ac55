"""BM25: texts ranked by the words they share with a query.

Okapi BM25 as in S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with
k1 = 1.5 and b = 0.75, both inside the ranges the paper recommends (1.2 to 2, 0.5 to 0.8). The rarity of a word is
ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative, so a word that most texts have still counts for a little.

Words are runs of letters and digits, folded in case. Scripts written without blanks (Chinese, Japanese, Korean) are cut
into single characters and pairs of neighbours, so a query of two characters prefers texts that hold them side by side.
Everything is deterministic: equal scores keep the order of the texts.
"""

import heapq
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

__all__ = ["Bm25", "words_of"]

_K1 = 1.5
_B = 0.75

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+(?:['\u2019][^\\W_{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: folded words, and for CJK runs their characters and neighbouring pairs."""
    words: list[str] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text)):
        if _IS_CJK.match(token):
            words.extend(token)
            words.extend(token[i : i + 2] for i in range(len(token) - 1))
        else:
            words.append(token.casefold().replace("\u2019", "'"))
    return words


class Bm25:
    """An index over texts; building it is linear in their length, asking it in the texts that share a word.

    Args:
        texts: The texts; results name them by their place.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = {}
        self._lengths: list[int] = []
        for place, text in enumerate(texts):
            words = words_of(text)
            self._lengths.append(len(words))
            for word, count in Counter(words).items():
                self._postings.setdefault(word, []).append((place, count))
        self._mean_length = sum(self._lengths) / len(self._lengths) if any(self._lengths) else 1.0

    def scores(self, query: str) -> dict[int, float]:
        """Return place -> score for each text that shares a word with the query; a word said twice counts twice."""
        total = len(self._lengths)
        scores: dict[int, float] = {}
        for word, times in Counter(words_of(query)).items():
            postings = self._postings.get(word, [])
            rarity = math.log(1 + (total - len(postings) + 0.5) / (len(postings) + 0.5))
            for place, count in postings:
                length = 1 - _B + _B * self._lengths[place] / self._mean_length
                gain = rarity * count * (_K1 + 1) / (count + _K1 * length)
                scores[place] = scores.get(place, 0.0) + times * gain
        return scores

    def top(self, query: str, k: int = 4) -> list[tuple[int, float]]:
        """Return the best texts as (place, score), best first; equal scores in the order of the texts.

        Args:
            query: What is asked for.
            k: At most so many. Texts that share no word with the query are never returned.

        Raises:
            ValueError: If `k` is negative.
        """
        if k < 0:
            raise ValueError(f"k must not be negative, but is {k!r}.")
        return heapq.nsmallest(k, self.scores(query).items(), key=lambda found: (-found[1], found[0]))
