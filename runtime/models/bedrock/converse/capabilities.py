"""What each model can do through Converse, as far as a request depends on it.

Sources: Bedrock's user guide, "Supported models and model features", and the API reference of `ToolChoice`. The first
row whose provider and beginning fit decides. A model of a known provider that has no row of its own (a custom or
imported one, or a newer one) is taken for the provider's current models; of an unknown provider nothing is assumed,
not even that it streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Capabilities", "DisableStreaming", "ToolChoiceKind", "capabilities_of"]

ToolChoiceKind = Literal["auto", "any", "tool"]
"""A way to say which tools a model may, or has to, ask for."""

DisableStreaming = bool | Literal["tool_calling"]
"""True: it cannot stream; "tool_calling": not with tools; False: it can."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do.

    Attributes:
        tool_choices: What it takes as a tool choice.
        disable_streaming: Whether it streams.
        keeps_unsigned_reasoning: Whether it takes back its own reasoning without a signature; others refuse it.
        counts_tokens: Whether CountTokens knows it.
        thinks_with_auto_only: Whether no tool can be forced on it while it thinks.
    """

    tool_choices: tuple[ToolChoiceKind, ...] = ()
    disable_streaming: DisableStreaming = False
    keeps_unsigned_reasoning: bool = False
    counts_tokens: bool = False
    thinks_with_auto_only: bool = False


_ALL: tuple[ToolChoiceKind, ...] = ("auto", "any", "tool")
_CLAUDE = Capabilities(_ALL, counts_tokens=True, thinks_with_auto_only=True)
_OLD_CLAUDE = Capabilities(_ALL, "tool_calling")
_CHAT = Capabilities()
_NO_TOOL_STREAM = Capabilities((), "tool_calling")
_AUTO_OR_ANY = Capabilities(("auto", "any"))

_TABLE: tuple[tuple[str, tuple[str, ...], Capabilities], ...] = (
    ("anthropic", ("claude-v", "claude-instant"), _OLD_CLAUDE),
    ("anthropic", ("claude-3-haiku", "claude-3-opus", "claude-3-sonnet"), Capabilities(_ALL)),
    ("anthropic", ("",), _CLAUDE),
    ("amazon", ("nova-2",), Capabilities(_ALL, keeps_unsigned_reasoning=True)),
    ("amazon", ("titan",), _NO_TOOL_STREAM),
    ("amazon", ("",), Capabilities(_ALL)),
    ("mistral", ("mistral-large",), Capabilities(("auto", "any"), "tool_calling")),
    ("mistral", ("",), _NO_TOOL_STREAM),
    ("meta", ("llama2", "llama3-8b", "llama3-70b"), _NO_TOOL_STREAM),
    ("meta", ("",), Capabilities(("auto",), "tool_calling")),
    ("cohere", ("command-text", "command-light"), _NO_TOOL_STREAM),
    ("cohere", ("",), _CHAT),
    ("ai21", ("j2",), Capabilities((), disable_streaming=True)),
    ("ai21", ("",), _CHAT),
    ("deepseek", ("r1",), _NO_TOOL_STREAM),
    ("deepseek", ("",), Capabilities(("auto", "any"), keeps_unsigned_reasoning=True)),
    ("openai", ("gpt-oss",), Capabilities((), keeps_unsigned_reasoning=True)),
    ("openai", ("",), Capabilities(_ALL)),
    ("qwen", ("",), _CHAT),
    ("zai", ("",), _AUTO_OR_ANY),
    ("moonshot", ("",), Capabilities((), keeps_unsigned_reasoning=True)),
    ("moonshotai", ("",), Capabilities((), keeps_unsigned_reasoning=True)),
    ("minimax", ("",), Capabilities((), disable_streaming=True, keeps_unsigned_reasoning=True)),
    ("writer", ("",), _NO_TOOL_STREAM),
)
_UNKNOWN = Capabilities((), disable_streaming=True)


def capabilities_of(model: str, provider: str) -> Capabilities:
    """Return what a model can do.

    Args:
        model: Its id without geography, such as `anthropic.claude-v2`; anything else counts as a model of the provider.
        provider: Who made it, in lower case.
    """
    name = model.partition(".")[2] if model.startswith(f"{provider}.") else ""
    for maker, beginnings, found in _TABLE:
        if maker == provider and name.startswith(beginnings):
            return found
    return _UNKNOWN
