"""What a guardrail is shown of a conversation.

A guardrail looks at the whole conversation, unless some blocks are `guardContent`: then it looks at those only. To
guard the last turn alone, the texts of the user's last message are made such blocks. Where it has no text (an image,
an answer of a tool), one block says so, since without any the whole conversation would be looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["guard_last_turn"]

_NO_TEXT = "."
_TOOL_RESULT = "[tool_result]"


def guard_last_turn(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return messages with the texts of the user's last one as guarded content.

    Args:
        messages: Converse's messages.
    """
    guarded = [dict(message) for message in messages]
    last = next((message for message in reversed(guarded) if message["role"] == "user"), None)
    if last is not None:
        content = [{"guardContent": {"text": {"text": b["text"]}}} if "text" in b else b for b in last["content"]]
        if not any("guardContent" in block for block in content):
            told = _TOOL_RESULT if any("toolResult" in block for block in content) else _NO_TEXT
            content.append({"guardContent": {"text": {"text": told}}})
        last["content"] = content
    return guarded
