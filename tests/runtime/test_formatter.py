"""Templates show the values they are given and nothing else."""

import pytest

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.prompts.formatter import format_template, variables_of


def test_fields_are_replaced_and_double_braces_are_braces():
    assert format_template("{a} {{b}} {c!r:>5}", {"a": 1, "c": "x", "unused": 2}) == "1 {b}   'x'"
    assert variables_of("{b} {a}{{c}}{a!r:>5}") == ["a", "b"]


def test_values_are_never_read_as_templates():
    assert format_template("{a}", {"a": "{b}"}) == "{b}"


@pytest.mark.parametrize("template", ["{a.b}", "{a[0]}", "{}", "{0}", "{a:{w}}", "{a!z}", "{a", "a}", "{a.__class__}"])
def test_a_field_is_a_plain_name(template: str):
    with pytest.raises(InvalidInputError):
        variables_of(template)
    with pytest.raises(InvalidInputError):
        format_template(template, {"a": 1, "w": 5})


def test_a_field_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="a"):
        format_template("{a}", {})


def test_a_value_that_does_not_fit_its_format_is_an_error():
    with pytest.raises(ValueError, match="format"):
        format_template("{a:q}", {"a": 1})
