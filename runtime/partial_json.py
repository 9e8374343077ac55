"""JSON that a model wrote, whole or cut off: the functions; `PartialJson` reads it while it arrives.

All functions first try the text as whole JSON, raw control characters in strings allowed. Otherwise they give the
value of what can be read, as `PartialJson` does after the last piece. Text that is closed and yet not JSON is an error.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from .exceptions import OutputParserException
from .partial_reader import MISSING, Missing, PartialJson

__all__ = [
    "MISSING",
    "Missing",
    "PartialJson",
    "parse_and_check_json_markdown",
    "parse_json_markdown",
    "parse_partial_json",
]

_FENCE = re.compile(r"```(?:json)?(.*?)(?:```|$)", re.DOTALL)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def _closes_early(text: str) -> bool:
    """Return whether brackets outside strings close all that were opened, or do not match."""
    stack: list[str] = []
    for token in _TOKEN.findall(text):
        if token in "{[":
            stack.append("}" if token == "{" else "]")
        elif token in ("}", "]") and (not stack or stack.pop() != token):
            return True
    return not stack


def _load(bare: str, text: str, *, strict: bool, markdown: bool) -> Any:
    try:
        return json.loads(bare, strict=strict)
    except RecursionError as err:
        raise json.JSONDecodeError("JSON is nested too deeply", text, 0) from err
    except ValueError:
        return _read(text, markdown=markdown)


def _read(text: str, *, markdown: bool) -> Any:
    reader = PartialJson(markdown=markdown)
    reader.feed(text)
    value = reader.value()
    if value is MISSING or (reader.is_broken and _closes_early(text)):
        raise json.JSONDecodeError("Expecting JSON or a beginning of it", text, 0)
    return value


def parse_partial_json(text: str, *, strict: bool = False) -> Any:
    """Return the value of a JSON text or of a beginning of one.

    Args:
        text: Bare JSON; text after a whole value is ignored.
        strict: Refuse raw control characters inside the strings of a whole text.

    Raises:
        json.JSONDecodeError: If no value can be read, the text is closed and yet not JSON, or it is nested too deeply.
    """
    return _load(text, text, strict=strict, markdown=False)


def parse_json_markdown(text: str, *, parser: Callable[[str], Any] | None = None) -> Any:
    """Return the value of the JSON in a model's answer, which may stand in a code fence and may be cut off.

    Args:
        text: The answer. Prose before the first fence and text after the value are ignored.
        parser: Reads what stands in the first fence, or the whole answer where there is none, instead.

    Raises:
        json.JSONDecodeError: If no value can be read, the JSON is closed and yet not valid, or it is nested too deeply.
    """
    if parser is not None:
        fence = _FENCE.search(text)
        return parser((fence[1] if fence else text).strip())
    return _load(text.strip(), text, strict=False, markdown=True)


def parse_and_check_json_markdown(text: str, expected_keys: Iterable[str]) -> dict[str, Any]:
    """Return the JSON object in a model's answer, read as `parse_json_markdown` does, if it has some keys.

    Args:
        text: The answer.
        expected_keys: The keys.

    Raises:
        OutputParserException: If the answer holds no JSON object, or one without these keys; `llm_output` is the text.
    """
    try:
        value = parse_json_markdown(text)
    except json.JSONDecodeError as err:
        raise OutputParserException(f"The answer is no JSON: {text}", llm_output=text) from err
    if not isinstance(value, dict):
        raise OutputParserException(f"The answer is JSON, but no object: {value!r}", llm_output=text)
    for key in expected_keys:
        if key not in value:
            raise OutputParserException(f"The answer lacks the key {key!r}: {value!r}", llm_output=text)
    return value
