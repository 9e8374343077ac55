"""The guardrail that a user asks for, in any of the documented spellings."""

from typing import Any

import pytest

from spanloom.runtime.models.bedrock.guardrails import GuardrailSettings


@pytest.mark.row("B1.11")
@pytest.mark.parametrize(
    "given",
    [
        {"guardrailIdentifier": "g1", "guardrailVersion": "2"},
        {"guardrailId": "g1", "guardrailVersion": 2},
        {"guardrail_identifier": "g1", "guardrail_version": "2", "trace": False},
        {"guardrail_id": "g1", "guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": None},
        {"guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "disabled"},
    ],
)
def test_every_spelling_names_the_same_guardrail(given: dict[str, Any]) -> None:
    """The prose's name and the field's name, camel and snake case, all enable the guardrail without a trace."""
    assert GuardrailSettings.read(given) == GuardrailSettings("g1", "2")


@pytest.mark.row("B1.11")
@pytest.mark.parametrize(
    ("given", "told"),
    [(True, "ENABLED"), ("ENABLED", "ENABLED"), ("enabled", "ENABLED"), ("ENABLED_FULL", "ENABLED_FULL")],
)
def test_a_trace_is_asked_for_in_each_operations_words(given: Any, told: str) -> None:
    """InvokeModel wants capitals, Converse small letters."""
    read = GuardrailSettings.read({"guardrailIdentifier": "g1", "guardrailVersion": "DRAFT", "trace": given})
    assert read is not None
    asked = {"guardrailIdentifier": "g1", "guardrailVersion": "DRAFT"}
    assert read.invoke_arguments() == {**asked, "trace": told}
    assert read.converse_config() == {**asked, "trace": told.lower()}


@pytest.mark.row("B1.11")
@pytest.mark.parametrize("given", [None, {}, {"guardrailIdentifier": None, "guardrailVersion": None, "trace": None}])
def test_the_default_mapping_asks_for_none(given: Any) -> None:
    """Nothing given, or the documented default with all values None, is no guardrail."""
    assert GuardrailSettings.read(given) is None


@pytest.mark.row("B1.11")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"guardrailIdentifier": "g1"}, "guardrailVersion is missing"),
        ({"guardrailIdentifier": "g1", "guardrailVersion": None}, "guardrailVersion is missing"),
        ({"guardrailVersion": "1"}, "guardrailIdentifier is missing"),
        ({"trace": True}, "name no guardrail"),
        ({"guardrail": "g1"}, "name 'guardrail'"),
        ({"guardrailId": "g1", "guardrailIdentifier": "g2", "guardrailVersion": "1"}, "twice"),
        ({"guardrailId": "g1", "guardrailVersion": "1", "trace": "loud"}, "trace is 'loud'"),
        ({"guardrailId": "g1", "guardrailVersion": "1", "streamProcessingMode": "later"}, "stream mode is 'later'"),
        ("g1", "are 'g1'"),
    ],
)
def test_settings_that_would_leave_a_model_unguarded_are_refused(given: Any, message: str) -> None:
    """Half a guardrail, a misspelt name or an unknown value is told, never ignored."""
    with pytest.raises(ValueError, match=message):
        GuardrailSettings.read(given)


def test_only_a_stream_is_told_its_mode() -> None:
    """ConverseStream takes the mode, Converse refuses it."""
    read = GuardrailSettings.read({"guardrail_id": "g1", "guardrail_version": "1", "stream_processing_mode": "ASYNC"})
    assert read is not None
    assert read.converse_config(streaming=True)["streamProcessingMode"] == "async"
    assert "streamProcessingMode" not in read.converse_config()
