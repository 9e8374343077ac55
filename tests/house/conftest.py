import pytest

from .rows import all_rows, proved, summary
from .tree import every_python_file


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which rows of the checklist no test names yet."""
    rows = all_rows()
    done = proved(s for s in every_python_file() if s.room == "tests")
    for line in summary([row for row in rows if row not in done], len(rows)):
        terminalreporter.write_line(line)
