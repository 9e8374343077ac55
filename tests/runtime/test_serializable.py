"""What rides on the base of all values: names in dumps, fields in journals."""

import pytest

from spanloom.runtime.exceptions import OutputParserException, SpanloomError
from spanloom.runtime.messages import AIMessage
from spanloom.runtime.serializable import Serializable, wire_classes


class Stranger(Serializable):
    """A class of a program's own."""

    size: int = 3
    words: list[str] = []


def test_only_classes_of_the_package_can_be_built_from_a_journal():
    assert wire_classes["AIMessage"] is AIMessage
    assert "Stranger" not in wire_classes
    assert all(known.__module__.startswith("spanloom.") for known in wire_classes.values())


def test_only_fields_that_differ_from_their_default_are_kept():
    assert Stranger(size=3, words=[]).encode_fields() == {}
    assert Stranger(words=["a"]).encode_fields() == {"words": ["a"]}
    assert Stranger.decode_fields({"words": ["a"]}) == Stranger(words=["a"])
    assert repr(Stranger(size=4)) == "Stranger(size=4)"


def test_a_value_that_equals_its_default_but_has_another_type_is_kept():
    assert Stranger.model_construct(size=3.0).encode_fields() == {"size": 3.0}


def test_a_class_names_itself_by_its_module():
    assert Stranger.lc_id() == [*__name__.split("."), "Stranger"]
    assert not Stranger.is_lc_serializable()
    assert (Stranger().lc_secrets, Stranger().lc_attributes) == ({}, {})


def test_a_parser_error_keeps_what_a_repair_needs():
    error = OutputParserException("boo", observation="say it again", llm_output="{", send_to_llm=True)
    assert (error.args, error.observation, error.llm_output) == (("boo",), "say it again", "{")
    assert isinstance(error, ValueError)
    assert isinstance(error, SpanloomError)
    with pytest.raises(ValueError, match="observation"):
        OutputParserException("boo", send_to_llm=True)
