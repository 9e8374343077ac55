"""The parser of answers in JSON, which shows the value while the answer arrives.

Streaming reads every character once; with `diff` it yields what changed as JSON Patch. Values share their finished
parts with the ones that follow, so treat them as read-only. What is not JSON gives no value while streaming, and an
error when the answer is given as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, SkipValidation

from ..exceptions import OutputParserException
from ..outputs import Generation
from ..partial_json import MISSING, PartialJson, parse_and_check_json_markdown, parse_json_markdown, parse_partial_json
from ..runnables.serializable import is_ours
from .base import text_of
from .format_instructions import JSON_FORMAT_INSTRUCTIONS
from .json_patch import json_patch
from .refusals import raise_refusal
from .transform import BaseCumulativeTransformOutputParser, Feeder

__all__ = [
    "JsonOutputParser",
    "SimpleJsonOutputParser",
    "parse_and_check_json_markdown",
    "parse_json_markdown",
    "parse_partial_json",
]


class JsonOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """The value of an answer in JSON, which may stand in a code fence after some prose.

    Streaming yields each value that differs from the one before.

    Args:
        pydantic_object: A model that describes the value; used for the format instructions only.
        diff: Yield what changed, as operations of JSON Patch (RFC 6902), instead of the whole value.
    """

    always_shown: ClassVar[frozenset[str]] = frozenset()

    pydantic_object: Annotated[type[BaseModel] | None, SkipValidation] = None

    @property
    def _type(self) -> str:
        return "simple_json_output_parser"

    def feeder(self) -> Feeder:
        """Return what reads one answer, each character once."""
        if not is_ours(type(self), "parse_result", "_diff"):
            return super().feeder()
        reader = PartialJson(markdown=True)
        last: Any = None

        def feed(chunk: Any) -> Iterable[Any]:
            nonlocal last
            reader.feed(text_of(chunk))
            if not reader.changed:
                return ()
            value = reader.value()
            if value is MISSING or value is None:
                return ()
            if not self.diff:
                return (value,)
            before, last = last, value
            patch = self._diff(before, value)
            return (patch,) if patch else ()

        return feed

    def _diff(self, prev: Any, next: Any) -> Any:
        return json_patch(prev, next)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Return the value of the best candidate's text.

        Args:
            result: The candidates, the best first.
            partial: Whether more may come; then None is returned for what cannot be read yet.

        Raises:
            OutputParserException: If the text holds no JSON, and `llm_output` is the text; or the model refused, and
                `llm_output` is what it said.
        """
        text = result[0].text.strip()
        try:
            return parse_json_markdown(text)
        except json.JSONDecodeError as err:
            if partial:
                return None
            raise_refusal(result[0])
            raise OutputParserException(f"The answer is no JSON: {text}", llm_output=text) from err

    def parse(self, text: str) -> Any:
        """Return the value of a text.

        Args:
            text: The text.

        Raises:
            OutputParserException: If it holds no JSON.
        """
        return self.parse_result([Generation(text=text)])

    def get_format_instructions(self) -> str:
        """Return what to tell a model: to answer in JSON, and the schema of `pydantic_object` if there is one."""
        if self.pydantic_object is None:
            return "Return a JSON object."
        schema = {key: value for key, value in self.pydantic_object.model_json_schema().items() if key != "title"}
        schema.pop("type", None)
        return JSON_FORMAT_INSTRUCTIONS.format(schema=json.dumps(schema, ensure_ascii=False))


SimpleJsonOutputParser = JsonOutputParser
"""The same parser under its older name."""
