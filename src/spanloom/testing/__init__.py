"""The public test kit: a recorder of spans, scripted models, and local servers that speak Bedrock's and ChatGLM's API.

Importing this loads nothing else; a name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..runtime.language_models import (
        FakeChatModel,
        FakeListChatModel,
        FakeListLLM,
        FakeMessagesListChatModel,
        FakeStreamingListLLM,
        GenericFakeChatModel,
        ParrotFakeChatModel,
        ScriptedChatModel,
    )
    from .bedrock_server import BedrockServer
    from .chatglm_server import ChatGlmServer
    from .recorder import RecordedSpan, SpanRecorder

__all__ = [
    "BedrockServer",
    "ChatGlmServer",
    "FakeChatModel",
    "FakeListChatModel",
    "FakeListLLM",
    "FakeMessagesListChatModel",
    "FakeStreamingListLLM",
    "GenericFakeChatModel",
    "ParrotFakeChatModel",
    "RecordedSpan",
    "ScriptedChatModel",
    "SpanRecorder",
]

_MODELS = ".runtime.language_models"
_ROOM_OF = {
    "BedrockServer": "bedrock_server",
    "ChatGlmServer": "chatglm_server",
    "FakeChatModel": _MODELS,
    "FakeListChatModel": _MODELS,
    "FakeListLLM": _MODELS,
    "FakeMessagesListChatModel": _MODELS,
    "FakeStreamingListLLM": _MODELS,
    "GenericFakeChatModel": _MODELS,
    "ParrotFakeChatModel": _MODELS,
    "RecordedSpan": "recorder",
    "ScriptedChatModel": _MODELS,
    "SpanRecorder": "recorder",
}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{room}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
