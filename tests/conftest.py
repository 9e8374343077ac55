"""What holds for every test: it leaves the process as it found it."""

from collections.abc import Iterator

import pytest

from spanloom.tracing import journal
from spanloom.tracing.scope import CURRENT


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No test leaves journals asked for, or a run current."""
    before = journal.current_level()
    yield
    assert journal.current_level() == before, "somebody still asks for journals: a handle was not shut down"
    assert CURRENT.get() is None, "a run is still current"
