"""BedrockBase: what text and chat models by InvokeModel share: their fields, the request, and reading the answer.

Every way to call a model (one answer or a stream, blocking or on an event loop) builds its request in one place, so
that guardrail, service tier and performance go with all of them. Arguments of a call win over `model_kwargs`; neither
is ever changed by a call. Making a model does no I/O.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from ...messages import BaseMessage
from ...runnables.config import RunnableConfig
from .calls import Call
from .errors import BedrockError
from .guardrails import GuardrailSettings
from .identity import provider_of
from .invoke.asking import Answer, Ask, Piece
from .invoke.families import Family
from .invoke.reading import Reading
from .invoke.routing import family_of
from .model import BedrockModel
from .reasons import normal_reason

__all__ = ["STOP_REASON_KEYS", "STOP_SEQUENCE_KEYS", "BedrockBase", "ServiceTier"]

ServiceTier = Literal["priority", "default", "flex", "reserved"]
"""How fast and at what price a call is served."""

STOP_REASON_KEYS: Final[Mapping[str, str]] = {
    "ai21": "finishReason",
    "amazon": "completionReason",
    "anthropic": "stop_reason",
    "cohere": "finish_reason",
    "mistral": "stop_reason",
}
"""The documented default of `provider_stop_reason_key_map`."""

STOP_SEQUENCE_KEYS: Final[Mapping[str, str]] = {
    "ai21": "stop_sequences",
    "amazon": "stopSequences",
    "anthropic": "stop_sequences",
    "cohere": "stop_sequences",
    "mistral": "stop_sequences",
}
"""The documented default of `provider_stop_sequence_key_name_map`."""

_NO_GUARDRAIL: Final[Mapping[str, Any]] = {"guardrailIdentifier": None, "guardrailVersion": None, "trace": None}
_LIFTED: Final = ("temperature", "max_tokens")
_BESIDE_THE_BODY: Final = ("service_tier", "performance_config")


class BedrockBase(BedrockModel, ABC):
    """The base of models by InvokeModel.

    Args:
        model_id: The model, also `model`: a foundation model, an inference profile such as `us.meta.llama3-...`, or an
            ARN (custom, imported or provisioned model, application inference profile).
        base_model_id: The foundation model behind an ARN, also `base_model`; it decides on the form of the body.
        provider: Who made the model; read from the id when not given, required with an ARN.
        model_kwargs: Laid over the body of every request, under the provider's own names. `temperature` and
            `max_tokens` in it become the fields of that name, where these are not given.
        max_tokens: How long an answer may be, in tokens, under whatever name the provider has for it.
        temperature: How much chance there is in an answer; 0 is sent.
        streaming: Whether `invoke` streams inside, so that handlers see tokens.
        guardrails: The guardrail of every call: `guardrailIdentifier` (or `guardrailId`), `guardrailVersion`, and
            `trace` (True, or "ENABLED_FULL") to be told what it found.
        raise_on_intervention: Raise a `GuardrailInterventionError` once an answer is complete in which the guardrail
            intervened; else its replacement is the answer.
        provider_stop_sequence_key_name_map: The body's key for stop strings, by provider. As long as it is the default,
            the keys that the providers really take are used; where none takes any, answers are cut here.
        provider_stop_reason_key_map: Where an answer tells why it ended, by provider; the default is read as above.
        service_tier: priority, default, flex or reserved.
        performance_config: Such as `{"latency": "optimized"}`.
        request_metadata: Names and values that AWS's logs of calls show.

    Raises:
        pydantic.ValidationError: If an argument does not fit; a ValueError.
    """

    takes_conversations: ClassVar[bool] = False

    provider: str | None = None
    model_kwargs: dict[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    streaming: bool = False
    guardrails: Mapping[str, Any] | None = Field(default_factory=lambda: dict(_NO_GUARDRAIL))
    provider_stop_sequence_key_name_map: Mapping[str, str] = Field(default_factory=lambda: dict(STOP_SEQUENCE_KEYS))
    provider_stop_reason_key_map: Mapping[str, str] = Field(default_factory=lambda: dict(STOP_REASON_KEYS))
    service_tier: ServiceTier | None = None
    performance_config: Mapping[str, Any] | None = None
    request_metadata: dict[str, str] | None = None

    if TYPE_CHECKING:
        # The synthesised constructor would know each parameter by one of its two names only.
        def __init__(self, **kwargs: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def lift_model_kwargs(cls, values: Any) -> Any:
        """Take temperature and max_tokens out of a copy of `model_kwargs`, for the fields where these are not given.

        Args:
            values: The constructor's arguments.
        """
        given = values.get("model_kwargs") if isinstance(values, dict) else None
        if not isinstance(given, Mapping):
            return values
        rest = {key: value for key, value in given.items() if key not in _LIFTED}
        lifted = {key: given[key] for key in _LIFTED if key in given and values.get(key) is None}
        return {**values, **lifted, "model_kwargs": rest}

    @field_validator("guardrails")
    @classmethod
    def check_guardrails(cls, value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the guardrail settings if they can be read.

        Args:
            value: The settings.

        Raises:
            ValueError: If they name half a guardrail, or something that is not known.
        """
        GuardrailSettings.read(value)
        return value

    @model_validator(mode="after")
    def check_provider(self) -> Self:
        """Return the model if its provider is known.

        Raises:
            ValueError: If the id is an ARN and neither `provider` nor `base_model_id` tells who made the model.
        """
        provider_of(self.base_model_id or self.model_id, self.provider)
        return self

    @abstractmethod
    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the model's answer to an input.

        Args:
            input: A text, messages, or a prompt value.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: `stop`, and what else the provider takes.
        """

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        guardrail = self._guardrail()
        return {
            "model_id": self.model_id,
            "base_model_id": self.base_model_id,
            "provider": self._provider(),
            "stream": self.streaming,
            "trace": guardrail.trace if guardrail else None,
            "guardrailIdentifier": guardrail.guardrail_id if guardrail else None,
            "guardrailVersion": guardrail.version if guardrail else None,
            **(self.model_kwargs or {}),
        }

    def _provider(self) -> str:
        return provider_of(self.base_model_id or self.model_id, self.provider)

    def _guardrail(self) -> GuardrailSettings | None:
        return GuardrailSettings.read(self.guardrails)

    def _family(self) -> Family:
        return family_of(self.base_model_id or self.model_id, self._provider(), for_messages=self.takes_conversations)

    # The request ----------------------------------------------------------------------------------------------------

    def _ask(
        self,
        question: str | Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        *,
        is_stream: bool = False,
    ) -> Ask:
        """Return what to ask: arguments of the call over those of the model."""
        own = {key: value for key, value in kwargs.items() if key not in _BESIDE_THE_BODY}
        extra = {**(self.model_kwargs or {}), **own}
        limits = {key: extra.pop(key, getattr(self, key)) for key in _LIFTED}
        tools = {key: extra.pop(key) for key in ("tools", "tool_choice") if self._family().takes_tools and key in extra}
        return Ask(
            model_id=self.base_model_id or self.model_id,
            prompt=question if isinstance(question, str) else None,
            messages=None if isinstance(question, str) else question,
            stop=stop,
            stop_key=self._own_key(self.provider_stop_sequence_key_name_map, STOP_SEQUENCE_KEYS),
            extra=extra,
            tools=tuple(tools.get("tools") or ()),
            tool_choice=tools.get("tool_choice"),
            is_stream=is_stream,
            **limits,
        )

    def _own_key(self, given: Mapping[str, str], default: Mapping[str, str]) -> str | None:
        """Return what a map says of this provider, or None as long as it is the documented default."""
        return None if dict(given) == dict(default) else given.get(self._provider())

    def _invocation(self, operation: str, family: Family, ask: Ask, kwargs: Mapping[str, Any]) -> Call:
        guardrail = self._guardrail()
        performance = kwargs.get("performance_config", self.performance_config) or {}
        arguments: dict[str, Any] = {
            "modelId": self.model_id,
            "body": json.dumps(family.build(ask)).encode(),
            "contentType": "application/json",
            "accept": "application/json",
            **(guardrail.invoke_arguments() if guardrail else {}),
        }
        optional = {
            "serviceTier": kwargs.get("service_tier", self.service_tier),
            "performanceConfigLatency": performance.get("latency"),
            "requestMetadata": json.dumps(self.request_metadata) if self.request_metadata else None,
        }
        return Call(operation, {**arguments, **{key: value for key, value in optional.items() if value is not None}})

    def _reading(self, family: Family, ask: Ask) -> Reading:
        reason_key = self._own_key(self.provider_stop_reason_key_map, STOP_REASON_KEYS)
        return Reading(family, ask, reason_key=reason_key, guardrail=self._guardrail())

    # One answer -----------------------------------------------------------------------------------------------------

    def _answer(
        self, question: str | Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[Answer, dict[str, Any]]:
        """Return the answer and what is known of it."""
        family, ask = self._family(), self._ask(question, stop, kwargs)
        return self._read(family, ask, self.transport.call(self._invocation("invoke_model", family, ask, kwargs)))

    async def _aanswer(
        self, question: str | Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[Answer, dict[str, Any]]:
        family, ask = self._family(), self._ask(question, stop, kwargs)
        return self._read(
            family, ask, await self.transport.acall(self._invocation("invoke_model", family, ask, kwargs))
        )

    def _read(self, family: Family, ask: Ask, response: Mapping[str, Any]) -> tuple[Answer, dict[str, Any]]:
        reading = self._reading(family, ask)
        answer = reading.whole(response["body"], _headers(response))
        self._notify(reading.taken())
        return answer, self._known(answer, response, reading)

    # A stream -------------------------------------------------------------------------------------------------------

    def _pieces(
        self, question: str | Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> Generator[tuple[Piece, Reading, dict[str, Any]]]:
        """Yield the pieces of a streamed answer; what is known of it is empty on all but the last."""
        family, ask = self._family(), self._ask(question, stop, kwargs, is_stream=True)
        reading = self._reading(family, ask)
        call = self._invocation("invoke_model_with_response_stream", family, ask, kwargs)
        stream = self.transport.open(call, reading.is_token)
        try:
            for event in stream:
                for piece in self._fed(reading, event):
                    yield piece, reading, {}
                if reading.is_done:
                    break
            for piece in reading.end():
                yield piece, reading, self._known(piece, stream.head, reading) if piece.is_last else {}
        except BedrockError as error:
            error.request_id = error.request_id or _request_id(stream.head)
            raise
        finally:
            stream.close()

    async def _apieces(
        self, question: str | Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[Piece, Reading, dict[str, Any]]]:
        family, ask = self._family(), self._ask(question, stop, kwargs, is_stream=True)
        reading = self._reading(family, ask)
        call = self._invocation("invoke_model_with_response_stream", family, ask, kwargs)
        stream = await self.transport.aopen(call, reading.is_token)
        try:
            async for event in stream:
                for piece in self._fed(reading, event):
                    yield piece, reading, {}
                if reading.is_done:
                    break
            for piece in reading.end():
                yield piece, reading, self._known(piece, stream.head, reading) if piece.is_last else {}
        except BedrockError as error:
            error.request_id = error.request_id or _request_id(stream.head)
            raise
        finally:
            await stream.aclose()

    def _fed(self, reading: Reading, event: Any) -> list[Piece]:
        pieces = reading.feed(event)
        self._notify(reading.taken())
        return pieces

    def _known(self, said: Answer | Piece, head: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
        """Return what is known of an answer, for `generation_info` and `response_metadata`."""
        told = {
            "stop_reason": said.stop_reason,
            "normal_reason": normal_reason(said.stop_reason),
            "response_id": said.response_id,
            "response_model": said.model_name,
            "latency_ms": said.latency_ms,
            "first_byte_ms": said.first_byte_ms if isinstance(said, Piece) else None,
            "request_id": _request_id(head),
            "service_tier": head.get("serviceTier"),
            "performance_latency": head.get("performanceConfigLatency"),
            **said.more,
            **reading.guarded,
        }
        known = {key: value for key, value in told.items() if value is not None}
        return {**known, "model_id": self.model_id, "model_name": self.model_id, "model_provider": "bedrock"}


def _request_id(head: Mapping[str, Any]) -> str | None:
    return (head.get("ResponseMetadata") or {}).get("RequestId")


def _headers(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
