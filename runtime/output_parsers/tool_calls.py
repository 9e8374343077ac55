"""Parsers of the tool calls in a chat model's answer, also while their arguments arrive.

A call is given as `{"type": name, "args": {...}}`. Streaming reads every character of the arguments once, and values
share their finished parts with the ones that follow, so treat them as read-only. Streams show calls whose arguments are
a beginning of a JSON object; calls that cannot be read are left out until they can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, SkipValidation, ValidationError

from ..exceptions import OutputParserException
from ..messages import AIMessageChunk
from ..messages.tool_calls import InvalidToolCall, ToolCall, read_raw_tool_calls, read_tool_call_chunks, tool_call_chunk
from ..outputs import ChatGeneration, Generation
from ..partial_json import MISSING, PartialJson
from ..runnables.serializable import is_ours
from .refusals import raise_refusal
from .transform import BaseCumulativeTransformOutputParser, Feeder

__all__ = ["JsonOutputKeyToolsParser", "JsonOutputToolsParser", "PydanticToolsParser"]


class JsonOutputToolsParser(BaseCumulativeTransformOutputParser[Any]):
    """The tool calls of an answer, as a list.

    Args:
        strict: Refuse raw control characters in the strings of arguments that a provider gave as text.
        return_id: Give each call its `id` besides.
        first_tool_only: Give the first call alone instead of a list, or None where there is none.
        diff: Not offered by this parser; the default is False.
    """

    strict: bool = False
    return_id: bool = False
    first_tool_only: bool = False

    def feeder(self) -> Feeder:
        """Return what reads one answer, each character once."""
        if self.diff or not is_ours(type(self), "parse_result", "_diff"):
            return super().feeder()
        reader = _CallsReader()
        last: Any = None

        def feed(chunk: Any) -> Iterable[Any]:
            nonlocal last
            if not reader.feed(chunk):
                return ()
            value = self._picked(reader.calls(), partial=True)
            if value is None or value == last:
                return ()
            last = value
            return (value,)

        return feed

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the tool calls of the best candidate.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come.

        Raises:
            OutputParserException: If the candidate is no chat answer, it calls tools and no call can be read, or it
                calls none since the model refused.
        """
        return self._picked(self._calls(result, partial=partial), partial=partial)

    def parse(self, text: str) -> Any:
        """Refuse: a text holds no tool calls.

        Args:
            text: The text.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"{type(self).__name__} reads messages; use invoke with the model's answer.")

    def _calls(self, result: list[Generation], *, partial: bool) -> list[ToolCall]:
        answer = result[0]
        if not isinstance(answer, ChatGeneration):
            raise OutputParserException(
                f"{type(self).__name__} reads the answer of a chat model, but was given {answer!r}.",
                llm_output=answer.text,
            )
        calls: list[ToolCall] = list(getattr(answer.message, "tool_calls", ()))
        invalid: list[InvalidToolCall] = list(getattr(answer.message, "invalid_tool_calls", ()))
        raw = answer.message.additional_kwargs.get("tool_calls")
        if not calls and not invalid and raw:
            calls, invalid = _read_raw(raw, strict=self.strict, partial=partial)
            if partial:
                invalid = []
        elif calls or partial:
            invalid = []
        if not calls and not invalid and not partial:
            raise_refusal(answer)
        if invalid:
            told = "; ".join(f"{call['name']} with {call['args']!r}" for call in invalid)
            raise OutputParserException(f"The arguments of tool calls are no JSON objects: {told}.", llm_output=told)
        return calls

    def _picked(self, calls: list[ToolCall], *, partial: bool) -> Any:
        """Return the value for the calls."""
        return self._first_or_all([self._shown(call) for call in calls])

    def _shown(self, call: ToolCall) -> dict[str, Any]:
        shown: dict[str, Any] = {"args": call["args"], "type": call["name"]}
        if self.return_id:
            shown["id"] = call["id"]
        return shown

    def _first_or_all(self, values: list[Any]) -> Any:
        if self.first_tool_only:
            return values[0] if values else None
        return values


class JsonOutputKeyToolsParser(JsonOutputToolsParser):
    """The arguments of the calls of one tool, as a list; with `return_id` the calls themselves.

    Args:
        key_name: The tool's name.
    """

    key_name: str

    def _picked(self, calls: list[ToolCall], *, partial: bool) -> Any:
        found = [self._shown(call) for call in calls if call["name"] == self.key_name]
        return self._first_or_all(found if self.return_id else [call["args"] for call in found])


class PydanticToolsParser(JsonOutputToolsParser):
    """The tool calls of an answer as objects of the models that describe the tools.

    A call names a model by its class's name or by the title in its config. A stream leaves out calls whose arguments
    are not valid yet.

    Args:
        tools: The models.
    """

    tools: Annotated[list[type[BaseModel]], SkipValidation]

    def _picked(self, calls: list[ToolCall], *, partial: bool) -> Any:
        """Return the objects for the calls.

        Raises:
            OutputParserException: If a call names no model.
            pydantic.ValidationError: If arguments do not fit their model.
        """
        models = {name: model for model in self.tools for name in _names(model)}
        made: list[BaseModel] = []
        for call in calls:
            model = models.get(call["name"])
            if model is None:
                if partial:
                    continue
                raise OutputParserException(
                    f"The answer calls the unknown tool {call['name']!r}; known are {sorted(models)!r}.",
                    llm_output=json.dumps(self._shown(call), ensure_ascii=False, default=str),
                )
            try:
                made.append(model.model_validate(call["args"]))
            except ValidationError:
                if not partial:
                    raise
        return self._first_or_all(made)


def _names(model: type[BaseModel]) -> list[str]:
    title = model.model_config.get("title")
    return [model.__name__] if title is None else [title, model.__name__]


def _read_raw(
    raw: Sequence[Mapping[str, Any]], *, strict: bool, partial: bool
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Return the calls in OpenAI's form, and those that cannot be read."""
    if partial:
        functions = [(entry.get("id"), entry["function"]) for entry in raw if entry.get("function")]
        return read_tool_call_chunks(
            tool_call_chunk(name=told.get("name"), args=told.get("arguments"), id=id_) for id_, told in functions
        )
    calls, invalid = read_raw_tool_calls(raw)
    if strict:
        for entry in raw:
            try:
                json.loads(entry["function"]["arguments"] or "{}")
            except (KeyError, TypeError, ValueError) as err:
                told = str(entry.get("function"))
                raise OutputParserException(
                    f"The arguments of a tool call are no JSON: {told}", llm_output=told
                ) from err
    return calls, invalid


class _OpenCall:
    """A tool call that arrives in pieces."""

    __slots__ = ("args", "id", "is_empty", "name")

    def __init__(self) -> None:
        self.name = ""
        self.id: str | None = None
        self.args = PartialJson()
        self.is_empty = True

    def feed(self, piece: Mapping[str, Any]) -> None:
        name, id_, text = piece.get("name"), piece.get("id"), piece.get("args")
        if name:
            self.name += name
        if id_ and id_ != self.id:
            self.id = id_ if self.id is None else self.id + id_
        if text:
            self.is_empty = False
            self.args.feed(text)

    def call(self) -> ToolCall | None:
        value = {} if self.is_empty else self.args.value()
        if value is MISSING or not isinstance(value, dict):
            return None
        return ToolCall(name=self.name, args=value, id=self.id, type="tool_call")


class _CallsReader:
    """Reads the tool calls of one answer; pieces with the same index join, those without one stand alone."""

    def __init__(self) -> None:
        self._calls: list[_OpenCall | ToolCall] = []
        self._by_index: dict[Any, list[_OpenCall]] = {}
        self._begun = False

    def feed(self, chunk: Any) -> bool:
        """Return whether the calls may have changed.

        Raises:
            OutputParserException: If the chunk is no message.
        """
        if isinstance(chunk, str):
            raise OutputParserException(f"Tool calls come in messages, but a text came: {chunk!r}.", llm_output=chunk)
        first, self._begun = not self._begun, True
        if not isinstance(chunk, AIMessageChunk):
            whole = list(getattr(chunk, "tool_calls", ()))
            self._calls.extend(whole)
            return first or bool(whole)
        for piece in chunk.tool_call_chunks:
            self._place(piece).feed(piece)
        return first or bool(chunk.tool_call_chunks)

    def _place(self, piece: Mapping[str, Any]) -> _OpenCall:
        """Return the call that a piece belongs to: pieces with unequal ids never join."""
        index, id_ = piece.get("index"), piece.get("id")
        known = self._by_index.setdefault(index, []) if index is not None else []
        for call in known:
            if not id_ or call.id is None or call.id == id_:
                return call
        fresh = _OpenCall()
        known.append(fresh)
        self._calls.append(fresh)
        return fresh

    def calls(self) -> list[ToolCall]:
        """Return the calls that can be read."""
        found = [call.call() if isinstance(call, _OpenCall) else call for call in self._calls]
        return [call for call in found if call is not None]
