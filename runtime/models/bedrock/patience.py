"""How long the first token of a stream may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import ReadTimeoutError

__all__ = ["Patience"]

_TICK_S = 0.001
"""An event loop's timer may ring this much early."""


@dataclass(frozen=True, slots=True)
class Patience:
    """A time limit that runs from its making.

    Attributes:
        seconds: How long it is.
        now: The clock.
        until: Its end, by that clock.
    """

    seconds: float
    now: Callable[[], float]
    until: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "until", self.now() + self.seconds)

    @property
    def left_s(self) -> float:
        """How much of it is left, in seconds; below 0 when it is over."""
        return self.until - self.now()

    @property
    def is_over(self) -> bool:
        """Whether it is over."""
        return self.left_s <= _TICK_S

    def late(self) -> ReadTimeoutError:
        """Return the error of a token that did not come in time."""
        return ReadTimeoutError(
            f"No token came within first_token_timeout_s, {self.seconds:g} s. Raise it if the model needs longer."
        )
