"""How tests build requests without a server."""

from collections.abc import Mapping, Sequence
from typing import Any

from spanloom.runtime.messages import convert_to_messages
from spanloom.runtime.models.bedrock.converse.capabilities import capabilities_of
from spanloom.runtime.models.bedrock.converse.request import Asked, build_request

CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
PNG = "iVBORy4uLi4="
PNG_BYTES = b"\x89PNG...."
ADD = {"toolSpec": {"name": "add", "description": "Add.", "inputSchema": {"json": {"type": "object"}}}}
CALL = {"name": "add", "args": {"a": 1}, "id": "t1"}
USE = {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}}


def asked(
    own: Mapping[str, Any] | None = None,
    call: Mapping[str, Any] | None = None,
    stop: Sequence[str] | None = None,
    model: str = CLAUDE,
) -> Asked:
    return Asked.read({"model_id": model, **(own or {})}, call or {}, stop, capabilities_of(model, model.split(".")[0]))


def sent(messages: Any, own: Mapping[str, Any] | None = None, *, model: str = CLAUDE, **call: Any) -> dict[str, Any]:
    return build_request(convert_to_messages(messages), asked(own, call, model=model))


def sent_messages(messages: Any, **call: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(messages, **call)["messages"]
    return found


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": b} if isinstance(b, str) else b for b in blocks]}


def said(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"text": b} if isinstance(b, str) else b for b in blocks]}
