"""What the redactor hides leaves the process nowhere: not in a journal, not in a span's exception or status."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from spanloom.runtime.runnables import RunnableLambda
from spanloom.testing.recorder import SpanRecorder
from spanloom.tracing.encode import set_redactor

SECRET = "4242-4242"


def _hide(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(SECRET, "****")
    if isinstance(value, dict):
        return {key: _hide(item) for key, item in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def redactor() -> Iterator[None]:
    """Card numbers are hidden."""
    set_redactor(_hide)
    yield
    set_redactor(None)


def _everything(spans: SpanRecorder) -> str:
    shown = []
    for recorded in spans:
        events = [(event.name, dict(event.attributes or {})) for event in recorded.span.events]
        shown.append((recorded.attributes, events, recorded.span.status.description, recorded.journal))
    return str(shown)


def _refuse(card: str) -> str:
    raise ValueError(f"the card {card} was refused")


@pytest.mark.usefixtures("redactor")
def test_a_redacted_value_leaves_nowhere(spans: SpanRecorder) -> None:
    """Input, output, metadata, message, stack trace and status are all behind the same gate."""
    with pytest.raises(ValueError, match=SECRET):
        RunnableLambda(_refuse).invoke(SECRET, {"metadata": {"card": SECRET}})
    told = _everything(spans)
    assert SECRET not in told
    assert "the card **** was refused" in told


def test_a_failing_redactor_hides_the_whole_value(spans: SpanRecorder) -> None:
    """It fails closed, and the run is not disturbed."""

    def broken(value: Any) -> Any:
        raise RuntimeError("cannot decide")

    set_redactor(broken)
    try:
        with pytest.raises(ValueError, match=SECRET):
            RunnableLambda(_refuse).invoke(SECRET)
    finally:
        set_redactor(None)
    assert SECRET not in _everything(spans)
    assert "redacted" in _everything(spans)


def test_secret_types_are_hidden_without_a_redactor(spans: SpanRecorder) -> None:
    """A SecretStr anywhere in a value becomes a marker."""
    RunnableLambda(lambda value: value).invoke({"key": SecretStr(SECRET)})
    assert SECRET not in _everything(spans)
    assert '"reason":"redacted","type":"SecretStr"' in str(spans.one("RunnableLambda").journal)
