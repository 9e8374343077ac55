"""Parsers of the one function call in an answer, as chat models gave it before tool calls.

The call is `additional_kwargs["function_call"]`, a mapping of `name` and `arguments`, the latter as text. Streams read
every character of the arguments once, and values share their finished parts, so treat them as read-only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, SkipValidation, model_validator

from ..exceptions import OutputParserException
from ..messages import BaseMessage
from ..outputs import ChatGeneration, Generation
from ..partial_json import MISSING, PartialJson, parse_partial_json
from ..runnables.serializable import is_ours
from .base import BaseGenerationOutputParser
from .json_patch import json_patch
from .refusals import raise_refusal
from .transform import BaseCumulativeTransformOutputParser, Feeder

__all__ = [
    "JsonKeyOutputFunctionsParser",
    "JsonOutputFunctionsParser",
    "OutputFunctionsParser",
    "PydanticAttrOutputFunctionsParser",
    "PydanticOutputFunctionsParser",
]


class OutputFunctionsParser(BaseGenerationOutputParser[Any]):
    """The function call of an answer, its arguments as text.

    Args:
        args_only: Give the arguments alone instead of the call.
    """

    args_only: bool = True

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the call of the best candidate, or its arguments.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come.

        Raises:
            OutputParserException: If the candidate is no chat answer, calls no function, or refuses, or if its call is
                damaged.
        """
        call = _call_of(result[0])
        return _part_of(call, "arguments") if self.args_only else call


class JsonOutputFunctionsParser(BaseCumulativeTransformOutputParser[Any]):
    """The function call of an answer, its arguments read as JSON.

    Args:
        strict: Refuse raw control characters in the strings of the arguments.
        args_only: Give the arguments alone instead of the call.
        diff: Yield what changed as JSON Patch instead of the whole value.
    """

    strict: bool = False
    args_only: bool = True

    @property
    def _type(self) -> str:
        return "json_functions"

    def feeder(self) -> Feeder:
        """Return what reads one answer, each character once."""
        if self.strict or not is_ours(type(self), "parse_result", "_diff"):
            return super().feeder()
        arguments = PartialJson()
        name = ""
        last: Any = None

        def feed(chunk: Any) -> Iterable[Any]:
            nonlocal name, last
            call = chunk.additional_kwargs.get("function_call") if isinstance(chunk, BaseMessage) else None
            if not isinstance(call, Mapping):
                return ()
            name += call.get("name") or ""
            arguments.feed(call.get("arguments") or "")
            read = arguments.value()
            value = None if read is MISSING else self._picked({"name": name, "arguments": read}, partial=True)
            if value is None or _is_equal(value, last):
                return ()
            before, last = last, value
            return (self._diff(before, value),) if self.diff else (value,)

        return feed

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the call of the only candidate, or its arguments.

        Args:
            result: The candidate.
            partial: Whether more may come; then None is returned for what cannot be read yet.

        Raises:
            OutputParserException: If there are more candidates, the candidate is no chat answer, calls no function or
                refuses, or the arguments are no JSON or lack what is asked for.
        """
        if len(result) != 1:
            raise OutputParserException(f"Expected one candidate, but {len(result)} were given: {result!r}.")
        if partial and isinstance(result[0], ChatGeneration) and not _has_call(result[0]):
            return None
        call = _call_of(result[0])
        text = call.get("arguments") or ""
        try:
            read = parse_partial_json(text, strict=self.strict) if partial else json.loads(text, strict=self.strict)
        except (ValueError, RecursionError) as err:
            if partial:
                return None
            raise OutputParserException(
                f"The arguments of the function call are {text!r}, which is no JSON: {err}", llm_output=text
            ) from err
        return self._picked({**call, "arguments": read}, partial=partial)

    def parse(self, text: str) -> Any:
        """Refuse: a text holds no function call.

        Args:
            text: The text.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"{type(self).__name__} reads messages; use invoke with the model's answer.")

    def _picked(self, call: dict[str, Any], *, partial: bool) -> Any:
        """Return what of a call is asked for."""
        return call["arguments"] if self.args_only else call

    def _diff(self, prev: Any, next: Any) -> Any:
        return json_patch(prev, next)


class JsonKeyOutputFunctionsParser(JsonOutputFunctionsParser):
    """One value of the arguments of the function call of an answer.

    Args:
        key_name: The argument.
    """

    key_name: str

    def _picked(self, call: dict[str, Any], *, partial: bool) -> Any:
        arguments = call["arguments"]
        if isinstance(arguments, dict) and self.key_name in arguments:
            return arguments[self.key_name]
        if partial:
            return None
        raise OutputParserException(
            f"The arguments of the function call are {arguments!r}, without {self.key_name!r}.",
            llm_output=json.dumps(arguments, ensure_ascii=False),
        )


class PydanticOutputFunctionsParser(OutputFunctionsParser):
    """The arguments of the function call of an answer as an object of a pydantic model.

    Args:
        pydantic_schema: The model, or a model for each name of a function.
        args_only: Whether the model alone decides; the default is True for one model and False for several.

    Raises:
        pydantic.ValidationError: If there are several models and `args_only` is True, or none.
    """

    pydantic_schema: Annotated[type[BaseModel] | dict[str, type[BaseModel]], SkipValidation]

    @model_validator(mode="before")
    @classmethod
    def _check_schemas(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "pydantic_schema" not in values:
            return values
        schemas = values["pydantic_schema"]
        given = list(schemas.values()) if isinstance(schemas, dict) else [schemas]
        if not given or not all(isinstance(model, type) and issubclass(model, BaseModel) for model in given):
            raise ValueError(f"pydantic_schema is {schemas!r}; give a pydantic model, or a mapping of name to model.")
        values = {"args_only": not isinstance(schemas, dict), **values}
        if values["args_only"] and isinstance(schemas, dict):
            raise ValueError(f"args_only is True, but {schemas!r} are several models; leave args_only out.")
        return values

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the object that the arguments describe.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come.

        Raises:
            OutputParserException: If the candidate is no chat answer, calls no function or one without a model,
                refuses, or its call is damaged.
            pydantic.ValidationError: If the arguments are no JSON or do not fit the model.
        """
        call = _call_of(result[0])
        model = self.pydantic_schema
        if isinstance(model, dict):
            name = _part_of(call, "name")
            if name not in model:
                raise OutputParserException(
                    f"The answer calls the unknown function {name!r}; known are {sorted(model)!r}.",
                    llm_output=json.dumps(call, ensure_ascii=False),
                )
            model = model[name]
        return model.model_validate_json(_part_of(call, "arguments"))


class PydanticAttrOutputFunctionsParser(PydanticOutputFunctionsParser):
    """One attribute of the object that the arguments of the function call describe.

    Args:
        attr_name: The attribute.
    """

    attr_name: str

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the attribute.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come.

        Raises:
            OutputParserException: If the candidate is no chat answer, calls no function or one without a model,
                refuses, or its call is damaged.
            pydantic.ValidationError: If the arguments are no JSON or do not fit the model.
            AttributeError: If the object has no such attribute.
        """
        return getattr(super().parse_result(result, partial=partial), self.attr_name)


def _has_call(answer: ChatGeneration) -> bool:
    return isinstance(answer.message.additional_kwargs.get("function_call"), Mapping)


def _call_of(answer: Generation) -> dict[str, Any]:
    if not isinstance(answer, ChatGeneration):
        raise OutputParserException(
            f"A function call comes in the answer of a chat model, but {answer!r} was given.", llm_output=answer.text
        )
    if not _has_call(answer):
        raise_refusal(answer)
        raise OutputParserException(f"The answer calls no function: {answer.message!r}.", llm_output=answer.text)
    return dict(answer.message.additional_kwargs["function_call"])


def _part_of(call: Mapping[str, Any], key: str) -> Any:
    if key not in call:
        raise OutputParserException(f"The function call {dict(call)!r} has no {key!r}.", llm_output=repr(dict(call)))
    return call[key]


def _is_equal(value: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; what is nested too deeply to compare counts as changed."""
    try:
        return bool(value == other)
    except RecursionError:
        return False
