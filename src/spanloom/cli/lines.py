"""A record of a run as one line for a reader: the event, the name indented by its depth, the gist of its data.

on_chain_start        RunnableSequence  input="Ann"
on_chat_model_end       ChatGLM  output=AIMessage("Hello Ann.")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .text import cut, visible

__all__ = ["event_line", "short"]

_TYPE = "$type"
_SHOWN_FIELDS = {"Document": "page_content", "StringPromptValue": "text"}
_UNSHOWN_FIELDS = ("id", "response_metadata", "usage_metadata")
_MOST_SHOWN = 5
_EVENT_WIDTH = len("on_chat_model_stream")
_COLORS = {"start": "36", "end": "32", "error": "31"}


def event_line(record: Mapping[str, Any], width: int | None = None, *, color: bool = False) -> str:
    """Return a record as a line, control characters shown.

    Args:
        record: A record as replay gives it: its data plain JSON.
        width: A longer line is cut to so many columns and ends in `…`; None means any width.
        color: Whether the event is coloured with ANSI codes.
    """
    event = visible(record["event"])
    data = record["data"]
    if isinstance(data, dict) and event != "on_custom_event":
        gist = " ".join(f"{visible(str(key))}={short(value)}" for key, value in data.items())
    else:
        gist = short(data)
    name = "  " * len(record["parent_ids"]) + visible(record["name"])
    line = cut(f"{event:<{_EVENT_WIDTH}}  {name}  {gist}".rstrip(), width)
    code = _COLORS.get(event.rpartition("_")[2])
    if code is None or not color or len(line) < len(event):
        return line
    return f"\x1b[{code}m{line[: len(event)]}\x1b[0m{line[len(event) :]}"


def short(value: Any) -> str:
    """Return a value of a record so that its gist comes first: `AIMessage("hello")`, `<str not captured>`.

    Args:
        value: Plain JSON, as replay gives it.
    """
    if isinstance(value, list):
        return "[" + ", ".join(map(short, value)) + "]"
    if not isinstance(value, dict):
        return visible(json.dumps(value, ensure_ascii=False))
    kind = value.get(_TYPE)
    if not isinstance(kind, str):
        return "{" + ", ".join(f"{visible(str(key))}: {short(item)}" for key, item in value.items()) + "}"
    if kind == "marker":
        return f"<{visible(str(value.get('type')))} {visible(str(value.get('reason')).replace('_', ' '))}>"
    fields = {key: item for key, item in value.items() if key != _TYPE}
    main = _SHOWN_FIELDS.get(kind, "content")
    shown = [short(fields.pop(main))] if main in fields else []
    shown += [f"{visible(key)}={short(item)}" for key, item in fields.items() if key not in _UNSHOWN_FIELDS][
        :_MOST_SHOWN
    ]
    return f"{visible(kind)}({', '.join(shown)})"
