"""Token counts, from wherever an answer tells them: its body, its headers, or the metrics at a stream's end.

Bedrock and Anthropic count tokens from and to the cache apart from the input, so the input is the sum of the three;
OpenAI-like bodies count cached tokens within it. A detail that the server does not send is absent, not 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ...messages import UsageMetadata
from .shapes import count, object_of, objects_of, text_of

__all__ = [
    "METRICS",
    "usage_from_anthropic",
    "usage_from_converse",
    "usage_from_headers",
    "usage_from_metrics",
    "usage_from_openai",
    "usage_of",
]

METRICS = "amazon-bedrock-invocationMetrics"
"""The key of a streamed answer's metrics, on its last chunk."""

_HEADER = "x-amzn-bedrock-"


def usage_of(
    input_tokens: Any,
    output_tokens: Any,
    *,
    cache_read: Any = None,
    cache_creation: Any = None,
    by_ttl: Mapping[str, Any] | None = None,
    reasoning: Any = None,
    is_cache_apart: bool = True,
) -> UsageMetadata | None:
    """Return the usage that these counts make, or None where neither side was counted.

    Args:
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cache_read: Tokens read from the cache.
        cache_creation: Tokens written to the cache.
        by_ttl: The same by how long they are kept, such as `ephemeral_5m_input_tokens`.
        reasoning: Tokens of reasoning, part of those written.
        is_cache_apart: Whether the tokens of the cache are not part of those read.
    """
    read, written = count(input_tokens), count(output_tokens)
    if read is None and written is None:
        return None
    cached, created = count(cache_read), count(cache_creation)
    total_read = (read or 0) + ((cached or 0) + (created or 0) if is_cache_apart else 0)
    usage: dict[str, Any] = {
        "input_tokens": total_read,
        "output_tokens": written or 0,
        "total_tokens": total_read + (written or 0),
    }
    details: dict[str, Any] = {"cache_read": cached, "cache_creation": created}
    details.update({key: count(value) for key, value in (by_ttl or {}).items()})
    told = {key: value for key, value in details.items() if value is not None}
    if told:
        usage["input_token_details"] = told
    reasoned = count(reasoning)
    if reasoned is not None:
        usage["output_token_details"] = {"reasoning": reasoned}
    return cast("UsageMetadata", usage)


def usage_from_headers(headers: Mapping[str, Any]) -> UsageMetadata | None:
    """Return the usage that an answer's headers tell.

    Args:
        headers: The headers, with names in lower case.
    """
    return usage_of(
        headers.get(f"{_HEADER}input-token-count"),
        headers.get(f"{_HEADER}output-token-count"),
        cache_read=headers.get(f"{_HEADER}cache-read-input-token-count"),
        cache_creation=headers.get(f"{_HEADER}cache-write-input-token-count"),
    )


def usage_from_metrics(metrics: Any) -> UsageMetadata | None:
    """Return the usage that a stream's metrics tell.

    Args:
        metrics: What stands under `METRICS`.
    """
    told = object_of(metrics)
    return usage_of(
        told.get("inputTokenCount"),
        told.get("outputTokenCount"),
        cache_read=told.get("cacheReadInputTokenCount"),
        cache_creation=told.get("cacheWriteInputTokenCount"),
    )


def usage_from_anthropic(usage: Any) -> UsageMetadata | None:
    """Return Anthropic's `usage`.

    Args:
        usage: The object, or what stands in its place.
    """
    told = object_of(usage)
    return usage_of(
        told.get("input_tokens"),
        told.get("output_tokens"),
        cache_read=told.get("cache_read_input_tokens"),
        cache_creation=told.get("cache_creation_input_tokens"),
        by_ttl=object_of(told.get("cache_creation")),
        reasoning=object_of(told.get("output_tokens_details")).get("thinking_tokens"),
    )


def usage_from_converse(usage: Any, additional: Any = None) -> UsageMetadata | None:
    """Return the `usage` of an answer in Converse's form, which Nova's is too.

    Args:
        usage: The object, or what stands in its place.
        additional: The answer's additional model response fields, in which models tell of their reasoning.
    """
    told, more = object_of(usage), object_of(object_of(additional).get("usage"))
    by_ttl = {
        f"ephemeral_{ttl}_input_tokens": each.get("inputTokens")
        for each in objects_of(told.get("cacheDetails"))
        if (ttl := text_of(each.get("ttl")))
    }
    made = usage_of(
        told.get("inputTokens"),
        told.get("outputTokens"),
        cache_read=told.get("cacheReadInputTokenCount", told.get("cacheReadInputTokens")),
        cache_creation=told.get("cacheWriteInputTokenCount", told.get("cacheWriteInputTokens")),
        by_ttl=by_ttl,
        reasoning=object_of(more.get("output_tokens_details")).get("thinking_tokens"),
    )
    total = count(told.get("totalTokens"))
    return made if made is None or total is None else {**made, "total_tokens": total}


def usage_from_openai(usage: Any) -> UsageMetadata | None:
    """Return the `usage` of an OpenAI-like body.

    Args:
        usage: The object, or what stands in its place.
    """
    told = object_of(usage)
    return usage_of(
        told.get("prompt_tokens"),
        told.get("completion_tokens"),
        cache_read=object_of(told.get("prompt_tokens_details")).get("cached_tokens"),
        reasoning=object_of(told.get("completion_tokens_details")).get("reasoning_tokens"),
        is_cache_apart=False,
    )
