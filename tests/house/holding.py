"""How a rule fails: by its own words, with every offender that has no exception."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from .tree import Offender

Exceptions = Mapping[str, Mapping[str, str]]


def hold(rule: str, offenders: Iterable[Offender], exceptions: Exceptions) -> None:
    """Fail with the rule and all its offenders, one for each line, unless there are none.

    Args:
        rule: The rule in words.
        offenders: Who breaks it.
        exceptions: Rule -> key of an offender -> why it may stay. One that excuses nobody fails too.
    """
    excused = exceptions.get(rule, {})
    found = sorted(set(offenders))
    stale = [f"the exception for {key!r} excuses nobody" for key in excused if key not in {o.key for o in found}]
    lines = [f"{offender}   [{offender.key}]" for offender in found if offender.key not in excused]
    if lines or stale:
        pytest.fail("\n".join([f"{rule}:", *lines, *stale]), pytrace=False)
