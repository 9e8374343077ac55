"""The three ways a call travels, as one interface for tests, and what it brought."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import boto3

from spanloom.runtime.models.bedrock.calls import Call, Event
from spanloom.runtime.models.bedrock.clients import ConnectionSettings
from spanloom.runtime.models.bedrock.errors import BedrockError
from spanloom.runtime.models.bedrock.transport import Transport
from spanloom.testing.bedrock_server import BedrockServer

Way = Literal["blocking", "loop", "threads"]
WAYS: tuple[Way, ...] = ("blocking", "loop", "threads")
MODEL = "us.anthropic.claude-3-5-sonnet-20240620-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
MESSAGES: list[Any] = [{"role": "user", "content": [{"text": "what color is the sky?"}]}]
CONVERSE = Call("converse", {"modelId": MODEL, "messages": MESSAGES})
CONVERSE_STREAM = Call("converse_stream", {"modelId": MODEL, "messages": MESSAGES})
BODY = b'{"prompt": "\\n\\nHuman: hi\\n\\nAssistant:", "max_tokens_to_sample": 5}'
INVOKE = Call("invoke_model", {"modelId": "anthropic.claude-v2", "body": BODY})
INVOKE_STREAM = Call("invoke_model_with_response_stream", dict(INVOKE.arguments))


def delta(text: str, index: int = 0) -> tuple[str, Any]:
    """A text event of Converse."""
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": text}}


EVENTS: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    delta("The"),
    delta(" sky"),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 5}}),
]


def is_token(event: Event) -> bool:
    """Text and chunks are tokens; what stands before them is not."""
    return event[0] in ("contentBlockDelta", "chunk")


def connection(server: BedrockServer, **changes: Any) -> ConnectionSettings:
    """Settings that reach the server."""
    own = server.credentials
    values: dict[str, Any] = {
        "region_name": own["region_name"],
        "access_key_id": own["aws_access_key_id"],
        "secret_access_key": own["aws_secret_access_key"],
        "endpoint_url": server.url,
    }
    return ConnectionSettings(**{**values, **changes})


@dataclass
class Traveller:
    """A transport and one way to use it; waits between attempts are noted, not waited for."""

    way: Way
    server: BedrockServer
    settings: ConnectionSettings
    waits: list[float] = field(default_factory=list)
    on_wait: Callable[[], None] = lambda: None

    def transport(self) -> Transport:
        client = None
        if self.way == "threads":
            from botocore.config import Config

            read_s = self.settings.read_timeout_s or 60
            config = Config(retries={"total_max_attempts": 1}, read_timeout=read_s)
            own = self.server.credentials
            client = boto3.client("bedrock-runtime", endpoint_url=self.settings.endpoint_url, config=config, **own)

        def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            self.on_wait()

        async def asleep(seconds: float) -> None:
            sleep(seconds)

        return Transport(self.settings, client=client, sleep=sleep, asleep=asleep, draw=lambda low, high: high)

    def call(self, call: Call) -> dict[str, Any]:
        """The answer."""
        transport = self.transport()
        return transport.call(call) if self.way == "blocking" else asyncio.run(transport.acall(call))

    def stream(self, call: Call) -> Brought:
        """Head, events and error of a stream read to its end."""
        brought = Brought()
        if self.way == "blocking":
            try:
                stream = self.transport().open(call, is_token)
                brought.head = stream.head
                try:
                    brought.events.extend(stream)
                finally:
                    stream.close()
            except BedrockError as exc:
                brought.error = exc
            return brought
        asyncio.run(self._astream(call, brought))
        return brought

    async def _astream(self, call: Call, brought: Brought) -> None:
        try:
            stream = await self.transport().aopen(call, is_token)
            brought.head = stream.head
            try:
                async for event in stream:
                    brought.events.append(event)
            finally:
                await stream.aclose()
        except BedrockError as exc:
            brought.error = exc


@dataclass
class Brought:
    """What a stream brought."""

    events: list[Event] = field(default_factory=list)
    head: Any = None
    error: BedrockError | None = None

    def told(self) -> Any:
        """All of it but what differs between two requests of the same kind."""
        error = self.error
        about = None
        if error is not None:
            originals = (getattr(error, "original_status", None), getattr(error, "original_message", None))
            about = (type(error), str(error), error.code, error.status, error.attempts, *originals)
        return self.events, _plain(self.head), about


def _plain(head: Any) -> Any:
    if head is None:
        return None
    metadata = dict(head["ResponseMetadata"])
    metadata.pop("RequestId")
    headers = {k: v for k, v in metadata.pop("HTTPHeaders").items() if k != "x-amzn-requestid"}
    return {**head, "ResponseMetadata": {**metadata, "HTTPHeaders": headers}}
