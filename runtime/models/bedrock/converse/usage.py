"""Token counts of Converse, as messages report them.

Converse counts what was read from and written to a cache apart from `inputTokens`; in messages all of it is input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ....messages.usage import UsageMetadata

__all__ = ["usage_of"]


def usage_of(usage: Mapping[str, Any], additional: Any = None) -> UsageMetadata:
    """Return the token counts of an answer.

    Details are there where the service sends them: what was read from a cache and written to it, also by how long it is
    kept there (`ephemeral_5m_input_tokens`, part of `cache_creation`), and what was spent on reasoning.

    Args:
        usage: The answer's `usage`.
        additional: The answer's additional model response fields, in which models tell of their reasoning.
    """
    read, written = usage.get("cacheReadInputTokens"), usage.get("cacheWriteInputTokens")
    entered = usage.get("inputTokens", 0) + (read or 0) + (written or 0)
    output = usage.get("outputTokens", 0)
    made: dict[str, Any] = {
        "input_tokens": entered,
        "output_tokens": output,
        "total_tokens": usage.get("totalTokens", entered + output),
    }
    details = {"cache_read": read, "cache_creation": written}
    for kept in usage.get("cacheDetails") or ():
        details[f"ephemeral_{kept['ttl']}_input_tokens"] = kept["inputTokens"]
    known = {key: count for key, count in details.items() if count is not None}
    if known:
        made["input_token_details"] = known
    reasoning = _reasoning_tokens(additional)
    if reasoning is not None:
        made["output_token_details"] = {"reasoning": reasoning}
    return cast(UsageMetadata, made)


def _reasoning_tokens(additional: Any) -> int | None:
    found: Any = additional
    for key in ("usage", "output_tokens_details", "thinking_tokens"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) else None
