"""How a call becomes a signed HTTP request: botocore makes it, up to the moment of sending.

All that boto3 does to a request (checks, serialisation, the endpoint, the signature, the user agent) is done by boto3:
a handler of its event `before-send` takes the finished request and nothing is sent. So both ways of sending send the
same bytes. The headers of one model travel in a context variable, since many models share one client.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .calls import Call

__all__ = ["PreparedRequest", "equip", "prepare", "with_headers"]

_HEADERS: ContextVar[Mapping[str, str]] = ContextVar("spanloom_bedrock_headers", default={})  # noqa: B039 - never changed
_TAKING: ContextVar[bool] = ContextVar("spanloom_bedrock_taking", default=False)


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A signed request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class _Taken(Exception):
    """Carries a finished request out of boto3, in place of an answer."""

    def __init__(self, request: Any) -> None:
        super().__init__("the request was taken, not sent")
        self.request = request


def equip(client: Any) -> None:
    """Let the client send the headers of `with_headers` and give its requests to `prepare`; twice does no harm.

    Args:
        client: A boto3 client.
    """
    client.meta.events.register("before-call", _add_headers, unique_id="spanloom-headers")
    client.meta.events.register_last("before-send", _take, unique_id="spanloom-take")


def _add_headers(params: dict[str, Any], **_: Any) -> None:
    params["headers"].update(_HEADERS.get())


def _take(request: Any, **_: Any) -> None:
    if _TAKING.get():
        raise _Taken(request)


@contextmanager
def with_headers(headers: Mapping[str, str]) -> Generator[None]:
    """Add headers to the calls of equipped clients inside the block; they are part of what is signed.

    Args:
        headers: The headers.
    """
    before = _HEADERS.set(headers)
    try:
        yield
    finally:
        _HEADERS.reset(before)


def prepare(client: Any, call: Call, headers: Mapping[str, str]) -> PreparedRequest:
    """Return the request of a call, signed with credentials as they are now, without sending it.

    Args:
        client: A boto3 client, equipped.
        call: The call.
        headers: Headers to add.

    Raises:
        RuntimeError: If the client answered though nothing was sent.
    """
    taking = _TAKING.set(True)
    try:
        with with_headers(headers):
            getattr(client, call.operation)(**call.arguments)
    except _Taken as taken:
        return _plain(taken.request)
    finally:
        _TAKING.reset(taking)
    raise RuntimeError(f"{call.operation!r} was answered before it was sent; a handler of this client answers it.")


def _plain(request: Any) -> PreparedRequest:
    headers = {name: _text(value) for name, value in request.headers.items()}
    headers.setdefault("Accept-Encoding", "identity")  # a packed stream would arrive in lumps
    body = request.body or b""
    return PreparedRequest(request.method, request.url, headers, body.encode() if isinstance(body, str) else body)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
