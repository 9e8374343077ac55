"""The parser of answers in JSON that gives objects of a pydantic model.

A stream yields an object whenever what has come so far is valid for the model and its object differs from the one
before; a model with defaults may be valid early. An answer that is never valid gives nothing while streaming, and an
error when it is given as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, SkipValidation, ValidationError

from ..exceptions import OutputParserException
from ..outputs import Generation
from ..partial_json import MISSING, PartialJson
from ..runnables.serializable import is_ours
from .base import text_of
from .json import JsonOutputParser
from .json_patch import json_patch
from .transform import BaseCumulativeTransformOutputParser, Feeder

__all__ = ["PydanticOutputParser"]

Model = TypeVar("Model", bound=BaseModel)


class PydanticOutputParser(JsonOutputParser, Generic[Model]):
    """An object of a pydantic model, from an answer in JSON.

    Args:
        pydantic_object: The model.
    """

    pydantic_object: Annotated[type[Model], SkipValidation]  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride]  # needed here

    @property
    def _type(self) -> str:
        return "pydantic"

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The model."""
        return self.pydantic_object

    def feeder(self) -> Feeder:
        """Return what reads one answer; the JSON of each character is read once, the model checked at each change."""
        if self.diff or not is_ours(type(self), "parse_result", "_diff"):
            return BaseCumulativeTransformOutputParser.feeder(self)
        reader = PartialJson(markdown=True)
        last: Model | None = None

        def feed(chunk: Any) -> Iterable[Any]:
            nonlocal last
            reader.feed(text_of(chunk))
            value = reader.value() if reader.changed else MISSING
            if value is MISSING or value is None:
                return ()
            try:
                made = self.pydantic_object.model_validate(value)
            except ValidationError:
                return ()
            if made == last:
                return ()
            last = made
            return (made,)

        return feed

    def _diff(self, prev: Any, next: Any) -> Any:
        """Return what changed between the JSON of two objects."""
        return json_patch(None if prev is None else prev.model_dump(mode="json"), next.model_dump(mode="json"))

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the object that the best candidate's text describes.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come; then None is returned for what is not valid yet.

        Raises:
            OutputParserException: If the text holds no JSON, or JSON that does not fit; `llm_output` is the text.
        """
        value = super().parse_result(result, partial=partial)
        if partial and value is None:
            return None
        try:
            return self.pydantic_object.model_validate(value)
        except ValidationError as err:
            if partial:
                return None
            text = result[0].text
            raise OutputParserException(
                f"The answer is no {self.pydantic_object.__name__}: {text}\n{err}", llm_output=text
            ) from err
