"""Refusals: a model that will not answer says so beside its text or in a content block, not as an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import OutputParserException
from ..messages.message import BaseMessage
from ..outputs import Generation

__all__ = ["raise_refusal", "refusal_of"]


def refusal_of(answer: Generation) -> str | None:
    """Return the words with which a model refused to answer, or None.

    Args:
        answer: The model's answer.
    """
    message = getattr(answer, "message", None)
    if not isinstance(message, BaseMessage):
        return None
    beside = message.additional_kwargs.get("refusal")
    if isinstance(beside, str) and beside:
        return beside
    content: Any = message.content
    blocks = [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []
    for block in blocks:
        inner = block.get("value") if block.get("type") == "non_standard" else block
        if isinstance(inner, Mapping) and inner.get("type") == "refusal":
            return str(inner.get("refusal", ""))
    return None


def raise_refusal(answer: Generation) -> None:
    """Raise the refusal that an answer holds; return when there is none.

    Args:
        answer: The model's answer, in which nothing else was found.

    Raises:
        OutputParserException: If the model refused; `llm_output` is what it said.
    """
    refusal = refusal_of(answer)
    if refusal is not None:
        raise OutputParserException(f"The model refused to answer: {refusal}", llm_output=refusal)
