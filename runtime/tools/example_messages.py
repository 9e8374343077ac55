"""An example of calling tools, as the messages that show it to a model."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from pydantic import BaseModel

from ..exceptions import InvalidInputError
from ..messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from ..messages.tool_calls import tool_call

__all__ = ["tool_example_to_messages"]


def tool_example_to_messages(
    input: str,
    tool_calls: Sequence[BaseModel],
    tool_outputs: Sequence[str] | None = None,
    *,
    ai_response: str | None = None,
) -> list[BaseMessage]:
    """Return an example as messages: the question, the model's calls, each tool's answer, and what the model says then.

    Args:
        input: The question.
        tool_calls: The calls, as objects of the models that describe the tools. Each gets a random id.
        tool_outputs: What each tool answers; a short praise when not given or empty.
        ai_response: What the model says at last, if anything.

    Raises:
        InvalidInputError: If the outputs are not as many as the calls.
    """
    outputs = tool_outputs or ["You have correctly called this tool."] * len(tool_calls)
    if len(outputs) != len(tool_calls):
        raise InvalidInputError(
            f"{len(tool_calls)} calls have {len(outputs)} outputs; give one for each call, or none."
        )
    ids = [str(uuid4()) for _ in tool_calls]
    raw = [
        {"id": id_, "type": "function", "function": {"name": type(made).__name__, "arguments": made.model_dump_json()}}
        for id_, made in zip(ids, tool_calls, strict=True)
    ]
    calls = [
        tool_call(name=type(made).__name__, args=made.model_dump(), id=id_)
        for id_, made in zip(ids, tool_calls, strict=True)
    ]
    answers = [ToolMessage(content, tool_call_id=id_) for id_, content in zip(ids, outputs, strict=True)]
    asked = AIMessage("", tool_calls=calls, additional_kwargs={"tool_calls": raw})
    last = [AIMessage(ai_response)] if ai_response else []
    return [HumanMessage(input), asked, *answers, *last]
