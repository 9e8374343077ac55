"""How many tokens a call took, and how counts of several chunks or calls add up.

All counts are tokens. Details need not sum to the total of their side, and a provider may add counts of its own.
"""

from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from ..exceptions import InvalidInputError

__all__ = ["InputTokenDetails", "OutputTokenDetails", "UsageMetadata", "add_usage", "subtract_usage"]


class InputTokenDetails(TypedDict, total=False):
    """Where input tokens came from; each count is part of `input_tokens`."""

    audio: int
    cache_creation: int
    cache_read: int


class OutputTokenDetails(TypedDict, total=False):
    """What output tokens were spent on; each count is part of `output_tokens`."""

    audio: int
    reasoning: int


class UsageMetadata(TypedDict):
    """The tokens of one call; `total_tokens` is the sum of both sides."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_token_details: NotRequired[InputTokenDetails]
    output_token_details: NotRequired[OutputTokenDetails]


def add_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Return the sum of two usages, details and foreign counts included; None counts as nothing.

    Raises:
        InvalidInputError: If one side has a count where the other has details, or a value is neither.
    """
    return cast(UsageMetadata, {**_ZERO, **_combine(_plain(left), _plain(right), sign=1)})


def subtract_usage(left: UsageMetadata | None, right: UsageMetadata | None) -> UsageMetadata:
    """Return what `left` has more than `right`; no count falls below 0, None counts as nothing.

    Raises:
        InvalidInputError: If one side has a count where the other has details, or a value is neither.
    """
    return cast(UsageMetadata, {**_ZERO, **_combine(_plain(left), _plain(right), sign=-1)})


_ZERO = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def _plain(usage: UsageMetadata | None) -> dict[str, Any]:
    return dict(usage) if usage else {}


def _combine(left: dict[str, Any], right: dict[str, Any], *, sign: int) -> dict[str, Any]:
    combined: dict[str, Any] = {}
    for key in [*left, *(key for key in right if key not in left)]:
        ours, theirs = left.get(key), right.get(key)
        if isinstance(ours, dict) or isinstance(theirs, dict):
            if not isinstance(ours, dict | None) or not isinstance(theirs, dict | None):
                raise InvalidInputError(f"Usage {key!r} is {ours!r} on one side and {theirs!r} on the other.")
            combined[key] = _combine(ours or {}, theirs or {}, sign=sign)
        elif not isinstance(ours, int | None) or not isinstance(theirs, int | None):
            raise InvalidInputError(f"Usage {key!r} must be a count or details, not {ours!r} and {theirs!r}.")
        else:
            combined[key] = max((ours or 0) + sign * (theirs or 0), 0) if sign < 0 else (ours or 0) + (theirs or 0)
    return combined
