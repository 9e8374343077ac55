"""Two thousand seeded texts, cut anywhere: what has come is read as a plain reader would, bare and in a fence."""

import json
import random
from typing import Any

import pytest

from spanloom.runtime.exceptions import OutputParserException
from spanloom.runtime.partial_json import MISSING, PartialJson, parse_json_markdown, parse_partial_json
from spanloom.runtime.utils.json import parse_and_check_json_markdown

CASES = 2_000

PIECES = ["a", "é", "😀", "\ud83d\ude00", '"', "\\", "\n", "\t", "/", "{", "]", "```", "\x00", "ſ", "  ", "true", ","]
NUMBERS = [0, -1, 12, 10**18, 0.5, -2.5e-7, 1e22, -0.0]


def made(dice: random.Random, depth: int = 4) -> Any:
    """A JSON value, nested up to `depth` deep."""
    kind = dice.randrange(9) if depth else dice.randrange(4)
    if kind >= 7:
        return {"".join(dice.choices(PIECES, k=dice.randrange(3))): made(dice, depth - 1) for _ in range(3)}
    if kind >= 4:
        return [made(dice, depth - 1) for _ in range(dice.randrange(4))]
    text = "".join(dice.choices(PIECES, k=dice.randrange(6)))
    return [text, dice.choice(NUMBERS), dice.choice([None, True, False]), dice.randrange(-(10**6), 10**6)][kind]


def naive(text: str) -> Any:
    """The value of a beginning of JSON: cut characters off until what is open can be closed."""
    for end in range(len(text), 0, -1):
        closing, in_string, escaped = "", False, False
        for char in text[:end]:
            if in_string:
                in_string = escaped or char != '"'
                escaped = not escaped and char == "\\"
            elif char == '"':
                in_string = True
            elif char in "{[":
                closing = ("}" if char == "{" else "]") + closing
            elif char in "}]":
                closing = closing[1:]
        try:
            value = json.loads(text[:end] + ('"' if in_string else "") + closing, strict=False)
        except ValueError:
            continue
        if not has_half_a_character(value):
            return value
    return MISSING


def has_half_a_character(value: Any) -> bool:
    """Whether a string in the value ends in the first half of a surrogate pair."""
    if isinstance(value, dict):
        return any(map(has_half_a_character, value)) or any(map(has_half_a_character, value.values()))
    if isinstance(value, list):
        return any(map(has_half_a_character, value))
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


def text_of(dice: random.Random) -> str:
    """A JSON text, escaped or not, on one line or several."""
    value = json.loads(json.dumps(made(dice)))  # pairs of surrogates become the character that they stand for
    return json.dumps(value, ensure_ascii=dice.random() < 0.5, indent=dice.choice([None, None, 2]))


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON, or both none."""
    if left is MISSING or right is MISSING:
        return left is right
    return json.dumps(left) == json.dumps(right)


def read_so_far(text: str) -> Any:
    """What the one function gives for a beginning."""
    try:
        return parse_partial_json(text)
    except json.JSONDecodeError:
        return MISSING


def test_a_text_cut_anywhere_is_read_as_a_plain_reader_would() -> None:
    """At once and in pieces; inside strings, escapes, surrogate pairs, numbers, words and nested arrays."""
    for seed in range(CASES):
        dice = random.Random(seed)
        text = text_of(dice)
        end = dice.randrange(len(text) + 1)
        expected = naive(text[:end])
        assert same(read_so_far(text[:end]), expected), (seed, text[:end])
        reader, place = PartialJson(), 0
        while place < end:
            step = dice.randrange(1, 5)
            reader.feed(text[place : min(place + step, end)])
            place += step
        assert same(reader.value(), expected), (seed, text[:end])


def test_a_text_in_a_fence_is_read_as_without_it() -> None:
    """Prose before it and whatever follows the closed fence do not count; the fence may arrive in pieces."""
    for seed in range(CASES):
        dice = random.Random(seed)
        value: Any = {"k": made(dice)} if seed % 2 else [made(dice)]
        text = json.dumps(json.loads(json.dumps(value)), ensure_ascii=dice.random() < 0.5)
        mark = dice.choice(["```json\n", "```\n", "```json ", "Sure, here it is:\n```json\n"])
        whole = f"{mark}{text}\n```{dice.choice(['', ' done', ' more'])}"
        assert same(parse_json_markdown(whole), json.loads(text)), (seed, whole)
        reader, place = PartialJson(markdown=True), 0
        while place < len(whole):
            step = dice.randrange(1, 9)
            reader.feed(whole[place : place + step])
            place += step
        assert same(reader.value(), json.loads(text)), (seed, whole)
        end = dice.randrange(len(text))
        head = text[:end].rstrip(" \t\n\r`")  # blanks and backticks at the end may belong to the fence: held back
        reader = PartialJson(markdown=True)
        reader.feed(mark + head)
        assert same(reader.value(), naive(head)), (seed, head)


def test_an_object_must_have_the_keys_that_are_expected() -> None:
    """Cut off or in a fence as well."""
    assert parse_and_check_json_markdown('```json\n{"a": 1}\n```', ["a"]) == {"a": 1}
    assert parse_and_check_json_markdown('{"a": 1', ["a"]) == {"a": 1}
    for text, why in (("nope", "no JSON"), ("[1]", "no object"), ('{"a": 1}', "lacks the key 'b'")):
        with pytest.raises(OutputParserException, match=why) as caught:
            parse_and_check_json_markdown(text, ["a", "b"])
        assert caught.value.llm_output == text


def test_another_reader_gets_what_stands_in_the_fence() -> None:
    """Or the whole answer where there is none."""
    assert parse_json_markdown("so\n```json\n{x}\n``` done", parser=str.upper) == "{X}"
    assert parse_json_markdown(" plain ", parser=str.upper) == "PLAIN"
