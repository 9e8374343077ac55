"""Fixtures of the tracers' tests."""

from collections.abc import Iterator

import pytest

from spanloom.testing.recorder import SpanRecorder


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span, with journals at the level `chunks`."""
    with SpanRecorder() as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test sees its own warnings."""
    monkeypatch.setattr("spanloom.tracing.log._told", set())
