"""What bodies of all families have in common: merging, the first choice, why it ended, the latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..shapes import count

__all__ = ["first", "latency_in", "merged", "reason_in"]

_LATENCY_HEADER = "x-amzn-bedrock-invocation-latency"
_CHOICES = ("results", "outputs", "generations", "completions", "choices")


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mapping laid over another; mappings on both sides merge, everything else is replaced.

    Args:
        base: The lower one.
        over: The upper one.
    """
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        result[key] = merged(known, value) if both else value  # type: ignore[arg-type]
    return result


def first(body: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return the first object of the first list that stands under one of the keys; an empty one for none.

    Args:
        body: The answer.
        keys: Where to look.
    """
    for key in keys:
        entries = body.get(key)
        if isinstance(entries, Sequence) and not isinstance(entries, str) and entries:
            return entries[0] if isinstance(entries[0], Mapping) else {}
    return {}


def reason_in(body: Mapping[str, Any], *keys: str | None) -> str | None:
    """Return why the model stopped: the first text under one of the keys, at the top or in the first choice.

    Args:
        body: The answer, or a document of a stream.
        keys: The keys, the preferred one first. AI21's is an object, whose `reason` counts.
    """
    for key in keys:
        for place in (body, *(first(body, choice) for choice in _CHOICES)):
            value = place.get(key) if key else None
            value = value.get("reason") if isinstance(value, Mapping) else value
            if isinstance(value, str) and value:
                return value
    return None


def latency_in(headers: Mapping[str, Any]) -> int | None:
    """Return how long the model took, in milliseconds, as an answer's headers tell.

    Args:
        headers: The headers, with names in lower case.
    """
    return count(headers.get(_LATENCY_HEADER))
