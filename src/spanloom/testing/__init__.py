"""The public test kit: a recorder of spans, and a local server that speaks ChatGLM's protocol.

Importing this loads nothing else; a name loads what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chatglm_server import ChatGlmServer
    from .recorder import RecordedSpan, SpanRecorder

__all__ = ["ChatGlmServer", "RecordedSpan", "SpanRecorder"]

_ROOM_OF = {"ChatGlmServer": "chatglm_server", "RecordedSpan": "recorder", "SpanRecorder": "recorder"}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{room}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
