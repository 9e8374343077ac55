"""How near vectors are: the cosine of their angle, and a choice of near vectors that differ from each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul

from ..exceptions import InvalidInputError

__all__ = ["cosine", "maximal_marginal_relevance"]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors, from -1 to 1; 0 where one of them has no length.

    Args:
        one: A vector.
        other: A vector.

    Raises:
        InvalidInputError: If they have not the same number of coordinates.
    """
    if len(one) != len(other):
        raise InvalidInputError(f"Vectors of {len(one)} and {len(other)} coordinates cannot be compared.")
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(map(mul, one, other)) / lengths if lengths else 0.0


def maximal_marginal_relevance(
    query: Sequence[float], vectors: Sequence[Sequence[float]], lambda_mult: float = 0.5, k: int = 4
) -> list[int]:
    """Return the places of vectors that are near to the query and far from each other, in the order of choice.

    After J. Carbonell and J. Goldstein, "The Use of MMR, Diversity-Based Reranking" (1998): each choice has the most
    `lambda_mult * near - (1 - lambda_mult) * like`, where `like` is its likeness to the likest one chosen before. Of
    equals the first is chosen.

    Args:
        query: The vector asked for.
        vectors: The vectors to choose among.
        lambda_mult: From 0, as different as can be, to 1, as near as can be.
        k: At most so many.

    Raises:
        InvalidInputError: If vectors have not the same number of coordinates.
    """
    near = [cosine(query, vector) for vector in vectors]
    left = list(range(len(vectors)))
    like = [-math.inf] * len(vectors)
    chosen: list[int] = []
    while left and len(chosen) < k:
        if chosen:
            newest = vectors[chosen[-1]]
            for place in left:
                like[place] = max(like[place], cosine(newest, vectors[place]))
            best = max(left, key=lambda place: lambda_mult * near[place] - (1 - lambda_mult) * like[place])
        else:
            best = max(left, key=lambda place: near[place])
        chosen.append(best)
        left.remove(best)
    return chosen
