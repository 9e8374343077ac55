"""Stop strings cut on this side, for providers that take none: literally, and across the borders of chunks."""

from collections.abc import Sequence

__all__ = ["StopCutter", "cut_at_stop"]


def cut_at_stop(text: str, stop: Sequence[str] | None) -> str:
    """Return the text before the first occurrence of any stop string, or all of it.

    Stop strings are literals: "." and "(" mean themselves. An empty one is never found; a bare string counts as a list
    of one.

    Args:
        text: The whole answer.
        stop: The stop strings, if any.
    """
    return text[: _first(text, _stops(stop))]


class StopCutter:
    """Cuts a streamed answer at the first stop string, also when it lies across chunk borders.

    What `feed` and `finish` return, joined, is `cut_at_stop` of all tokens joined, wherever the answer was split. Held
    back is only what may still be the start of a stop string, so always less than the longest of them.

    Args:
        stop: The stop strings, if any; without them every token passes at once.
    """

    __slots__ = ("_held", "_longest", "_stops", "is_stopped")

    def __init__(self, stop: Sequence[str] | None) -> None:
        self._stops = _stops(stop)
        self._longest = max(map(len, self._stops), default=0)
        self._held = ""
        self.is_stopped = False
        """True from the moment a stop string was found: the rest of the answer need not be read."""

    def feed(self, token: str) -> str:
        """Return what is sure to stand before any stop string; empty once stopped.

        Args:
            token: The next piece of the answer, of any length.
        """
        if self.is_stopped:
            return ""
        if not self._stops:
            return token
        text = self._held + token
        found = _first(text, self._stops)
        open_from = self._open_from(text)
        if found < len(text) and found <= open_from:
            self.is_stopped = True
            self._held = ""
            return text[:found]
        self._held = text[open_from:]
        return text[:open_from]

    def finish(self) -> str:
        """Return what was held back and turned out to be no stop string. Nothing may be fed afterwards."""
        rest = "" if self.is_stopped else cut_at_stop(self._held, self._stops)
        self._held = ""
        self.is_stopped = True
        return rest

    def _open_from(self, text: str) -> int:
        for start in range(max(0, len(text) - self._longest + 1), len(text)):
            tail = text[start:]
            if any(stop.startswith(tail) and len(stop) > len(tail) for stop in self._stops):
                return start
        return len(text)


def _stops(stop: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(s for s in ((stop,) if isinstance(stop, str) else stop or ()) if s)


def _first(text: str, stops: Sequence[str]) -> int:
    """Return where the first stop string begins, or the length of the text."""
    return min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))
