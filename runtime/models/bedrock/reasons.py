"""Why a model stopped, in one vocabulary for all providers.

The native word stays what answers report; the normal one is for whoever compares models. The words are those of the
providers' references as they come through InvokeModel, and of Converse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["NormalReason", "normal_reason"]

NormalReason = Literal["stop", "length", "tool_call", "content_filter", "error"]
"""Why a model stopped: it was done, the limit was reached, it wants a tool called, it was kept from it, it failed."""

_WORDS: Final[Mapping[NormalReason, tuple[str, ...]]] = {
    "stop": (
        "stop",
        "end_turn",
        "stop_sequence",
        "stop_criteria_met",
        "finish",
        "finished",
        "complete",
        "endoftext",
        "eos",
        "eos_token",
        "pause_turn",
    ),
    "length": (
        "length",
        "max_tokens",
        "max_token",
        "model_length",
        "error_limit",
        "context_length",
        "model_context_window_exceeded",
    ),
    "tool_call": ("tool_use", "tool_call", "tool_calls", "function_call"),
    "content_filter": (
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "intervened",
        "refusal",
        "error_toxic",
    ),
    "error": ("error", "user_cancel", "malformed_model_output", "malformed_tool_use", "rag_query_when_rag_disabled"),
}
_NORMAL: Final[Mapping[str, NormalReason]] = {word: normal for normal, words in _WORDS.items() for word in words}


def normal_reason(native: str | None) -> NormalReason | None:
    """Return the reason in the common vocabulary, or None for none and for a word that is not known.

    Args:
        native: The provider's own word, in any case.
    """
    return _NORMAL.get(native.lower()) if native else None
