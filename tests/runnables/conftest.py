"""Fixtures of the tests of runnables."""

from collections.abc import Iterator

import pytest

from spanloom.testing.recorder import SpanRecorder


@pytest.fixture
def spans() -> Iterator[SpanRecorder]:
    """A recorder of every span, with journals at the level `chunks`."""
    with SpanRecorder() as recorder:
        yield recorder
