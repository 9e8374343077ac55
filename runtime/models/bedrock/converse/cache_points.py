"""Cache points: up to where a prompt is kept by the service, and how many there may be.

Bedrock takes four in a request. Those of tools and system texts, which change least, are kept first; of the messages'
the latest are kept, since each covers all that stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

__all__ = ["MAX_CACHE_POINTS", "cache_point", "limit_cache_points"]

MAX_CACHE_POINTS = 4
"""How many cache points a request may have (Bedrock's user guide, "Prompt caching")."""


def cache_point(kind: str = "default", ttl: Literal["5m", "1h"] | None = None) -> dict[str, Any]:
    """Return a block that marks the prompt up to here for caching.

    Args:
        kind: The kind of cache; Bedrock knows `default`.
        ttl: How long it is kept; the service's default when None.
    """
    return {"cachePoint": {"type": kind, **({"ttl": ttl} if ttl else {})}}


def limit_cache_points(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request with no more cache points than the service takes; the same where there are few enough.

    Args:
        request: The arguments of a call of Converse.
    """
    excess = sum("cachePoint" in block for blocks in _lists(request) for block in blocks) - MAX_CACHE_POINTS
    if excess <= 0:
        return request
    messages = []
    for message in request["messages"]:
        kept = []
        for block in message["content"]:
            if "cachePoint" in block and excess > 0:
                excess -= 1
            else:
                kept.append(block)
        messages.append({**message, "content": kept})
    return {**request, "messages": messages}


def _lists(request: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    yield request.get("toolConfig", {}).get("tools", [])
    yield request.get("system", [])
    for message in request["messages"]:
        yield message["content"]
