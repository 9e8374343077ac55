"""What a test may order the Bedrock test server to do with its next requests, and what the server noted of them."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import unquote

__all__ = [
    "FAULTS",
    "OPERATIONS",
    "STATUS_OF",
    "STREAMS",
    "Behaviour",
    "Refusal",
    "Route",
    "SeenRequest",
    "Step",
    "route_of",
]

Step = tuple[str, Any]
"""An event's name and payload, or an order of `BedrockServer.stream`, whose name begins with `!`."""

_ROUTES: Mapping[str, tuple[str, str]] = {
    "invoke_model": ("POST", r"/model/([^/]+)/invoke"),
    "invoke_model_with_response_stream": ("POST", r"/model/([^/]+)/invoke-with-response-stream"),
    "converse": ("POST", r"/model/([^/]+)/converse"),
    "converse_stream": ("POST", r"/model/([^/]+)/converse-stream"),
    "count_tokens": ("POST", r"/model/([^/]+)/count-tokens"),
    "apply_guardrail": ("POST", r"/guardrail/([^/]+)/version/([^/]+)/apply"),
    "retrieve": ("POST", r"/knowledgebases/([^/]+)/retrieve"),
    "get_inference_profile": ("GET", r"/inference-profiles/(.+)"),
    "list_inference_profiles": ("GET", r"/inference-profiles"),
    "get_foundation_model": ("GET", r"/foundation-models/(.+)"),
    "list_foundation_models": ("GET", r"/foundation-models"),
}
_PATTERNS = [(name, method, re.compile(path)) for name, (method, path) in _ROUTES.items()]

OPERATIONS = tuple(_ROUTES)
"""The operations that the server knows, by the names of boto3's methods."""

STREAMS = frozenset({"converse_stream", "invoke_model_with_response_stream"})
"""The operations that answer with an event stream."""

STATUS_OF = {
    "AccessDeniedException": 403,
    "ConflictException": 400,
    "ExpiredTokenException": 403,
    "InternalServerException": 500,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelStreamErrorException": 424,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""The HTTP status of every error that the service's model names."""

FAULTS = ("idle", "close", "reset", "truncate", "crc", "end", "error", "pause", "gate")
"""The orders that may stand among a stream's events, as `!idle`, `!close`, ..."""

_CONNECTION_FAULTS = ("close", "reset", "idle", "cut")


@dataclass(frozen=True, slots=True)
class Route:
    """The operation a request asks for, and the decoded ids in its path."""

    operation: str
    ids: tuple[str, ...]


def route_of(method: str, path: str) -> Route | None:
    """Return what a request asks for, or None when the server does not know it.

    Args:
        method: The HTTP method.
        path: The path as sent, percent-encoded.
    """
    for operation, wanted, pattern in _PATTERNS:
        if method == wanted and (match := pattern.fullmatch(path.rstrip("/"))):
            return Route(operation, tuple(unquote(part) for part in match.groups()))
    return None


class Refusal(Exception):
    """An error answer in place of an ordinary one."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = STATUS_OF.get(code, 400) if status is None else status


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a request is answered; `BedrockServer.script` tells what the fields mean. Unset ones leave it ordinary."""

    status: int | None = None
    code: str | None = None
    message: str | None = None
    retry_after_s: float | None = None
    headers: Mapping[str, str] | None = None
    json: Any = None
    has_json: bool = False
    body: str | None = None
    text: str | None = None
    blocks: list[dict[str, Any]] | None = None
    events: list[Step] | None = None
    gap_s: float | None = None
    head_s: float = 0.0
    together: int = 1
    split: int | list[int] | None = None
    fault: Step | None = None
    at: int | None = None
    connection: str | None = None

    def ordered(self, order: Mapping[str, Any]) -> "Behaviour":
        """Return this behaviour with an order laid over it.

        Args:
            order: The order's JSON object; `{}` changes nothing.

        Raises:
            ValueError: If it has an unknown key, or a value of the wrong kind.
        """
        values = dict(order)
        if unknown := [key for key in values if key not in _CHECKS]:
            raise ValueError(f"unknown behaviour {unknown[0]!r}; the known ones are {', '.join(_CHECKS)}")
        for key, value in values.items():
            is_valid, expected = _CHECKS[key]
            if not is_valid(value):
                raise ValueError(f"{key} must be {expected}, not {value!r}")
        if "json" in values:
            values["has_json"] = True
        if "events" in values:
            values["events"] = [_step(event) for event in values["events"]]
        if "fault" in values:
            values["fault"] = _fault(values["fault"])
        return replace(self, **values)


def _step(event: Any) -> Step:
    name, payload = event
    if name.startswith("!") and name[1:] not in FAULTS:
        raise ValueError(f"unknown order {name!r}; the known ones are {', '.join('!' + fault for fault in FAULTS)}")
    return name, payload


def _fault(fault: Any) -> Step:
    name, payload = (fault, None) if isinstance(fault, str) else fault
    if name.endswith("Exception"):
        return name, {"message": f"{name} ordered by a test"} if payload is None else payload
    return _step([f"!{name}", payload])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_positive(value: Any) -> bool:
    return _is_whole(value) and value > 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list) and all(_is_pair(item) for item in value)


def _is_split(value: Any) -> bool:
    return _is_positive(value) or (isinstance(value, list) and all(isinstance(item, int) for item in value))


def _is_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_blocks(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(block, dict) for block in value)


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "status": (_is_positive, "an HTTP status"),
    "code": (_is_text, "an error's name"),
    "message": (_is_text, "a text"),
    "retry_after_s": (_is_number, "a number of at least 0"),
    "headers": (_is_headers, "an object of texts"),
    "json": (lambda _: True, "JSON"),
    "body": (_is_text, "a text; use json for JSON"),
    "text": (_is_text, "a text"),
    "blocks": (_is_blocks, "a list of Converse content blocks"),
    "events": (_is_pairs, "a list of pairs of a name and a payload"),
    "gap_s": (_is_number, "a number of at least 0"),
    "head_s": (_is_number, "a number of at least 0"),
    "together": (_is_positive, "a whole number of at least 1"),
    "split": (_is_split, "a number of bytes or a list of byte positions"),
    "fault": (lambda v: _is_text(v) or _is_pair(v), f"an exception's name, one of {', '.join(FAULTS)}, or a pair"),
    "at": (_is_whole, "a whole number of at least 0"),
    "connection": (lambda v: v in _CONNECTION_FAULTS, f"one of {', '.join(_CONNECTION_FAULTS)}"),
}


@dataclass(slots=True)
class SeenRequest:
    """One request as the server saw it, and what became of its answer."""

    number: int
    operation: str
    """The name of boto3's method, such as `converse_stream`."""
    method: str
    path: str
    """As sent, percent-encoded."""
    ids: list[str]
    """The ids in the path, decoded: a model's, a guardrail's and its version's, ..."""
    headers: dict[str, str]
    """With names in lower case."""
    body: str
    json: Any
    connection: int
    """The number of the connection it came on."""
    signature: str = "none"
    """`valid`, `bearer`, `none` or `invalid: ` and the reason."""
    status: int | None = None
    outcome: str = "in progress"
    """in progress, answered, faulted (by order of a test) or client left."""
    sent_events: int = 0
    """Events of a stream that were handed to the socket."""
    client_left_after: int | None = None
    """How many events had been sent when the client's close was noticed; None when it stayed to the end."""

    def to_json(self) -> dict[str, Any]:
        """Return it as the JSON object of `GET /__requests`."""
        return asdict(self)
