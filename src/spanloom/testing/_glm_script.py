"""What a test may order the ChatGLM test server to do with its next requests, and what the server noted of them."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["Behaviour", "SeenRequest"]

_KEYS = ("status", "body", "json", "hang_s", "close", "after_tokens", "tokens", "delay_ms", "crlf", "ping", "usage")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one request is answered. Unset fields leave the server's ordinary answer as it is.

    `status`, `body` and `json` replace the answer, `tokens` its text; `hang_s` waits first; `close` drops the
    connection in the middle, when streaming after `after_tokens` tokens (half of them by default). The other fields
    replace the server's settings for this request.
    """

    status: int | None = None
    body: str | None = None
    json: Any = None
    has_json: bool = False
    hang_s: float = 0.0
    close: bool = False
    after_tokens: int | None = None
    tokens: tuple[str, ...] | None = None
    delay_ms: float = 0.0
    crlf: bool = False
    ping: bool = False
    usage: bool = True

    def ordered(self, order: Any) -> "Behaviour":
        """Return this behaviour with an order laid over it.

        Args:
            order: The order's JSON object; `{}` changes nothing.

        Raises:
            ValueError: If it is not an object, has an unknown key, or a value of the wrong kind.
        """
        if not isinstance(order, Mapping):
            raise ValueError(f"a behaviour must be an object, not {order!r}")  # noqa: TRY004 - it is JSON from outside
        unknown = [key for key in order if key not in _KEYS]
        if unknown:
            raise ValueError(f"unknown behaviour {unknown[0]!r}; the known ones are {', '.join(_KEYS)}")
        values = dict(order)
        if "json" in values:
            values["has_json"] = True
        for key in ("hang_s", "delay_ms"):
            if key in values and not _is_duration(values[key]):
                raise ValueError(f"{key} must be a number of at least 0, not {values[key]!r}")
        for key in ("status", "after_tokens"):
            if key in values and (not isinstance(values[key], int) or values[key] < 0):
                raise ValueError(f"{key} must be a whole number of at least 0, not {values[key]!r}")
        if "body" in values and not isinstance(values["body"], str):
            raise ValueError(f"body must be a text, not {values['body']!r}; use json for JSON")
        if "tokens" in values:
            if not isinstance(values["tokens"], list) or not all(isinstance(t, str) for t in values["tokens"]):
                raise ValueError(f"tokens must be a list of texts, not {values['tokens']!r}")
            values["tokens"] = tuple(values["tokens"])
        return replace(self, **values)


@dataclass(slots=True)
class SeenRequest:
    """One request as the server saw it, and what became of its answer."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: str
    json: Any
    settings: dict[str, Any] = field(default_factory=dict)
    """The sampling settings that counted, after falsy ones were replaced by the server's defaults."""
    status: int | None = None
    outcome: str = "in progress"
    """in progress, answered, dropped (by order of a test) or client left."""
    tokens_sent: int = 0
    """Content tokens of a stream that were handed to the socket."""

    def to_json(self) -> dict[str, Any]:
        """Return it as the JSON object of `GET /__requests`."""
        return asdict(self)


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
