"""JSON that is still arriving shows its value so far, however it is cut."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloom.runtime.partial_json import MISSING, PartialJson, parse_json_markdown, parse_partial_json

SKY = '{"countries": [{"name": "France", "population": 67413000}, {"name": "Spain"}]}'


def values_of(pieces: list[str], *, markdown: bool = False) -> list[Any]:
    reader, seen = PartialJson(markdown=markdown), []
    for piece in pieces:
        reader.feed(piece)
        if reader.changed:
            seen.append(reader.value())
    return seen


def naive(text: str) -> Any:
    """Return the value of a beginning of valid JSON: cut characters off until it can be closed."""
    for end in range(len(text), 0, -1):
        head, closing, in_string, escaped = text[:end], "", False, False
        for char in head:
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
            return json.loads(head + ('"' if in_string else "") + closing, strict=False)
        except ValueError:
            continue
    return MISSING


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(["😀é", 'a"b', "\\", "\n\t", "{[", "```"]),
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


def cut(text: str, data: st.DataObject) -> list[str]:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@given(documents, st.sampled_from([None, 2]), st.data())
def test_after_each_piece_the_value_is_that_of_the_text_so_far(document: Any, indent: int | None, data: st.DataObject):
    text = json.dumps(document, ensure_ascii=False, indent=indent)
    reader, so_far, last = PartialJson(), "", MISSING
    for piece in cut(text, data):
        reader.feed(piece)
        so_far += piece
        expected = naive(so_far)
        assert reader.changed == (expected is not MISSING and (last is MISSING or expected != last))
        last = reader.value()
        assert (last, type(last)) == (expected, type(expected))
    assert not reader.is_broken


@given(documents, st.data())
def test_escapes_in_any_pieces_end_in_the_same_value_and_never_show_half_a_character(
    document: Any, data: st.DataObject
):
    reader = PartialJson()
    for piece in cut(json.dumps(document, ensure_ascii=True), data):
        reader.feed(piece)
        json.dumps(reader.value() or None, ensure_ascii=False).encode()
    assert reader.value() == document


@given(documents, st.data())
def test_snapshots_do_not_change_when_more_arrives(document: Any, data: st.DataObject):
    reader, kept = PartialJson(), []
    for piece in cut(json.dumps(document), data):
        reader.feed(piece)
        snapshot = reader.value()
        kept.append((snapshot, copy.deepcopy(snapshot)))
    assert all(snapshot == at_the_time or snapshot is MISSING for snapshot, at_the_time in kept)


@given(st.text(alphabet='{}[]",:\\ `\n0123456789.eE+-truefalsnijoh', max_size=40), st.booleans(), st.data())
def test_no_text_at_all_raises_while_it_is_read(text: str, markdown: bool, data: st.DataObject):
    whole, pieces = PartialJson(markdown=markdown), PartialJson(markdown=markdown)
    whole.feed(text)
    for piece in cut(text, data):
        pieces.feed(piece)
        pieces.value()
    assert repr(pieces.value()) == repr(whole.value())
    assert (pieces.is_broken, pieces.is_complete) == (whole.is_broken, whole.is_complete)


def test_objects_grow_and_only_changes_are_reported():
    pieces = [
        '{"',
        "countries",
        '":',
        " [",
        "{",
        '"name',
        '": "',
        "Fr",
        "ance",
        '", "population": 67',
        "413",
        "000",
        "}]}",
    ]
    assert values_of(pieces) == [
        {},
        {"countries": []},
        {"countries": [{}]},
        {"countries": [{"name": ""}]},
        {"countries": [{"name": "Fr"}]},
        {"countries": [{"name": "France"}]},
        {"countries": [{"name": "France", "population": 67}]},
        {"countries": [{"name": "France", "population": 67413}]},
        {"countries": [{"name": "France", "population": 67413000}]},
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a', {}),
        ('{"a": ', {}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": tru', {}),
        ("[tru", []),
        ("[-", []),
        ("[1.", [1]),
        ("[1.5e", [1.5]),
        ("[01", [0]),
        ("[1 2", [1]),
        ("[NaN, -Inf", None),
        ("[Infinity, -Infinity", [math.inf, -math.inf]),
        ('"ab', "ab"),
        ("12", 12),
        ('{"a":"x\\', {"a": "x"}),
        ('{"a":"x\\u00', {"a": "x"}),
        ('{"a":"x\\ud83d', {"a": "x"}),
        ('{"a":"x\\ud83d\\ude00', {"a": "x😀"}),
        ('{"a":"\\ud83d!"}', {"a": "\ud83d!"}),
        ('{"a":"x\\q', {}),
        ('{"a":"x\ny\tz', {"a": "x\ny\tz"}),
        ('{"a":1,,"b":2', {"a": 1}),
        ('{"a":1} and more {', {"a": 1}),
        ('{"a":"b","a":', {"a": "b"}),
        ('{"a":"bc","a":"b', {"a": "b"}),
    ],
)
def test_what_is_cut_off_shows_what_has_come(text: str, value: Any):
    if value is None:
        assert math.isnan(parse_partial_json(text)[0])
    else:
        assert parse_partial_json(text) == value


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "", "  ", "tru", "-", "nope", '{"a":1,}', '{"a":1]', "{'a':1}", "[1,,2]"]
)
def test_text_without_a_value_or_closed_and_wrong_is_an_error(text: str):
    with pytest.raises(json.JSONDecodeError):
        parse_partial_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('Here: ```json\n{"a":1}\n```', {"a": 1}),
        ('```json\n{"a":1}\n``` done', {"a": 1}),
        ('Here `code` and ```\n{"a":1', {"a": 1}),
        ('`{"a":1}`', {"a": 1}),
        ('``{"a":1', {"a": 1}),
        ('3 items: ```json {"a":1}```', {"a": 1}),
        ('\xa0{"a":1}', {"a": 1}),
        ('{"a":"```json {"', {"a": "```json {"}),
        ('{"a":"x  ', {"a": "x"}),
        ('{"a":"x`` ', {"a": "x"}),
        ('{"a":"x\\n', {"a": "x\n"}),
        ('{"a":"x ` "}', {"a": "x ` "}),
        ("true story", True),
    ],
)
def test_what_a_model_writes_around_json_is_skipped(text: str, value: Any):
    assert parse_json_markdown(text) == value
    for size in (1, 2, 3):
        pieces = [text[i : i + size] for i in range(0, len(text), size)]
        assert values_of(pieces, markdown=True)[-1] == value


@pytest.mark.parametrize("text", ['Here {"a":1}', '```JSON\n{"a":1}', "```json\n", "no json", '{"a":1,}'])
def test_prose_without_a_fence_is_no_json(text: str):
    with pytest.raises(json.JSONDecodeError):
        parse_json_markdown(text)


def test_a_fault_freezes_the_value():
    reader = PartialJson()
    reader.feed('{"a": [1,')
    before = reader.value()
    reader.feed(', 2], "b": 3}')
    assert reader.is_broken
    assert not reader.changed
    assert reader.value() == before == {"a": [1]}


def test_a_key_that_comes_twice_changes_the_value_only_if_it_differs():
    reader = PartialJson()
    reader.feed('{"a": "xy"')
    reader.value()
    reader.feed(', "a": "xy"')
    assert not reader.changed
    reader.feed(', "a": "z"')
    assert reader.changed


def test_finished_parts_are_shared_between_snapshots():
    reader = PartialJson()
    reader.feed('{"a": [1], "b": "x')
    first = reader.value()
    reader.feed("y")
    assert reader.value()["a"] is first["a"]


@pytest.mark.parametrize("text", [SKY, "[1, 2]", '"x"', "true"])
def test_a_whole_value_is_known_to_be_whole(text: str):
    reader = PartialJson()
    reader.feed(text[:-1])
    assert not reader.is_complete
    reader.feed(text[-1])
    assert reader.is_complete
