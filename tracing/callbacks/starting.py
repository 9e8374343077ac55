"""Runs begun by hand through a manager: from what a start hook is given to an open run and the call on its handlers.

Such a run is a span like any other, with a journal and events. It is not made current: its children are those started
through its own manager's `get_child`, or with that manager as their callbacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from ..ids import parse_id
from ..scope import RunScope
from .dispatch import Call, start_call
from .managing import BaseCallbackManager, open_run

__all__ = ["begin_many", "begin_run", "tool_input"]


def begin_run(
    manager: BaseCallbackManager,
    run_type: str,
    serialized: Mapping[str, Any] | None,
    shown: Any,
    start: tuple[Any, ...],
    run_id: UUID | None,
    kwargs: Mapping[str, Any],
) -> tuple[RunScope, Call]:
    """Return a run that has begun, and the call to make on its handlers.

    Args:
        manager: What it gets and hands down.
        run_type: Its type.
        serialized: What is known of its class.
        shown: Its input as records show it.
        start: The positional arguments of the start hook, `serialized` left out.
        run_id: Its id; a new one when not given.
        kwargs: What else the hook was given; `name` is the run's name, the rest is passed on.

    Raises:
        ValueError: If the run id is none.
    """
    known = serialized or {}
    name = kwargs.get("name") or known.get("name") or (known.get("id") or ["Unnamed"])[-1]
    scope = open_run(manager, str(name), run_type, given_id=None if run_id is None else parse_id(run_id))
    rest = {key: value for key, value in kwargs.items() if key not in ("name", "run_type")}
    scope.details = {"serialized": serialized, "start": start, "start_kwargs": rest}
    if run_type == "tool":
        scope.details["tool_call_id"] = rest.get("tool_call_id")
    scope.begin(shown, shown)
    return scope, start_call(scope, shown)


def begin_many(
    manager: BaseCallbackManager,
    run_type: str,
    serialized: Mapping[str, Any] | None,
    inputs: Sequence[Any],
    run_id: UUID | None,
    kwargs: Mapping[str, Any],
) -> list[tuple[RunScope, Call]]:
    """Return one begun run for each input of a model, and the calls to make.

    Args:
        manager: What they get and hand down.
        run_type: llm or chat_model.
        serialized: What is known of the model's class.
        inputs: Prompts, or lists of messages.
        run_id: The id of the first; the others get new ones.
        kwargs: What else the hook was given.

    Raises:
        ValueError: If the run id is none.
    """
    key = "messages" if run_type == "chat_model" else "prompts"
    return [
        begin_run(manager, run_type, serialized, {key: [each]}, ([each],), None if place else run_id, kwargs)
        for place, each in enumerate(inputs)
    ]


def tool_input(input_str: str, inputs: Mapping[str, Any] | None) -> Any:
    """Return what records show as a tool's input: its arguments where they are known.

    Args:
        input_str: The input as text.
        inputs: The arguments.
    """
    return input_str if inputs is None else dict(inputs)
