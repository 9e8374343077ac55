"""The settings of a model that is reached through Converse: its fields, and what is checked when one is made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence, Set
from typing import Any, Self

from pydantic import AliasChoices, Field, PrivateAttr, model_validator
from pydantic.fields import FieldInfo

from ..guardrails import GuardrailSettings
from ..identity import base_id, provider_of
from ..model import BedrockModel
from .capabilities import Capabilities, ToolChoiceKind, capabilities_of
from .profiles import ProfileLookup, is_application_profile
from .request import Asked, ServiceTier

__all__ = ["ADDITIONAL_FIELDS", "ConverseSettings"]

ADDITIONAL_FIELDS = "additional_model_request_fields"
"""The parameter for what Converse has no parameter of its own for."""

_PARAMETERS = (
    "system",
    "max_tokens",
    "temperature",
    "top_p",
    "stop_sequences",
    "guardrail_config",
    "guard_last_turn_only",
    ADDITIONAL_FIELDS,
    "additional_model_response_field_paths",
    "performance_config",
    "service_tier",
    "output_config",
    "request_metadata",
    "raw_blocks",
)


class ConverseSettings(BedrockModel):
    """What a model is told once for all calls. Arguments of a call win over these.

    Args:
        model_id: The model, also `model`: an id such as `us.anthropic.claude-sonnet-4-20250514-v1:0`, or an ARN.
        base_model_id: The foundation model behind an ARN, also `base_model`; spares the look-up.
        provider: Who made the model; needed with an ARN.
        system: System texts and blocks, put before those of the messages.
        max_tokens: How many tokens the answer may have.
        temperature: How much chance there is in the answer, 0 to 1; 0 is sent.
        top_p: The share of likely tokens to choose from, 0 to 1.
        stop_sequences: Texts at which the answer ends, also `stop`.
        streaming: Whether `invoke` streams inside, so that handlers see tokens.
        guardrail_config: The guardrail, also `guardrails`: `guardrailIdentifier`, `guardrailVersion`, `trace` and
            `streamProcessingMode`, in this spelling or in snake case.
        raise_on_intervention: Raise a `GuardrailInterventionError` once an answer is complete in which the guardrail
            intervened; else its replacement is the answer.
        guard_last_turn_only: Show the guardrail only the user's last message.
        additional_model_request_fields: What the model takes besides, as it takes it, such as `thinking`. Unknown
            arguments are put here, with a warning.
        additional_model_response_field_paths: JSON pointers to more of the model's answer; it comes under
            `additionalModelResponseFields` in the message's `response_metadata`.
        supports_tool_choice_values: Which of "auto", "any" and "tool" the model takes; known for most models.
        performance_config: Such as `{"latency": "optimized"}`.
        service_tier: priority, default, flex or reserved.
        output_config: The form that the answer must have.
        request_metadata: Names and values that AWS's logs of calls show.
        raw_blocks: Converse's messages, sent as they are in place of those given.

    Raises:
        pydantic.ValidationError: If an argument does not fit; a ValueError.
    """

    provider: str = ""
    system: list[str | dict[str, Any]] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = Field(default=None, alias="stop")
    streaming: bool = False
    guardrail_config: dict[str, Any] | None = Field(default=None, alias="guardrails")
    guard_last_turn_only: bool = False
    additional_model_request_fields: dict[str, Any] | None = None
    additional_model_response_field_paths: list[str] | None = None
    supports_tool_choice_values: Sequence[ToolChoiceKind] | None = None
    performance_config: dict[str, Any] | None = None
    service_tier: ServiceTier | None = None
    output_config: dict[str, Any] | None = None
    request_metadata: dict[str, str] | None = None
    raw_blocks: list[dict[str, Any]] | None = None

    _profile: ProfileLookup = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def build_extra(cls, values: Any) -> Any:
        """Move unknown arguments to `additional_model_request_fields`, with a warning.

        Args:
            values: The constructor's arguments.
        """
        if not isinstance(values, dict):
            return values
        choices = values.get("supports_tool_choice_values")
        if isinstance(choices, _Inferred):  # made anew from another, perhaps with another model
            values = {name: value for name, value in values.items() if name not in choices.fields}
        known = {name for key, field in cls.model_fields.items() for name in (key, *_aliases(field))}
        unknown = {key: value for key, value in values.items() if key not in known}
        if not unknown:
            return values
        names = ", ".join(unknown)
        warnings.warn(
            f"{cls.__name__} has no parameter {names}; sent to the model in additional_model_request_fields. Put it "
            "there yourself to be rid of this warning.",
            UserWarning,
            stacklevel=3,
        )
        fields = {**(values.get(ADDITIONAL_FIELDS) or {}), **unknown}
        return {**{key: value for key, value in values.items() if key in known}, ADDITIONAL_FIELDS: fields}

    @model_validator(mode="after")
    def validate_environment(self) -> Self:
        """Check what belongs together.

        Raises:
            ValueError: If an ARN comes without a provider, or a guardrail is wanted and none, or half a one, is given.
        """
        provider_of(self.base_model_id or self.model_id, self.provider)
        if self._guardrail() is None and self.guard_last_turn_only:
            raise ValueError(
                "guard_last_turn_only=True was given without a guardrail; give guardrail_config="
                "{'guardrailIdentifier': ..., 'guardrailVersion': ...} too, or leave it out."
            )
        return self

    @model_validator(mode="after")
    def learn_capabilities(self) -> Self:
        """Fill in which tool choices the model takes, where the caller does not say and the model is known."""
        self._profile = ProfileLookup(self.base_model_id or self.model_id)
        if self.supports_tool_choice_values is None and not is_application_profile(self.base_model_id or self.model_id):
            fields = {"supports_tool_choice_values", "disable_streaming"} - self.model_fields_set
            inferred = _Inferred.of(self.capabilities().tool_choices, fields)
            vars(self)["supports_tool_choice_values"] = inferred
        return self

    @property
    def maker(self) -> str:
        """Who made the model, in lower case."""
        return provider_of(self.base_model_id or self.model_id, self.provider)

    def capabilities(self) -> Capabilities:
        """Return what the model can do, as far as is known by now."""
        return capabilities_of(base_id(self._profile.model or self.base_model_id or self.model_id), self.maker)

    def _guardrail(self) -> GuardrailSettings | None:
        return GuardrailSettings.read(self.guardrail_config)

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of requests that are set, by their names here."""
        own = {name: getattr(self, name) for name in _PARAMETERS}
        return {name: value for name, value in own.items() if value is not None and value is not False}

    def asked(self, call: Mapping[str, Any], stop: Sequence[str] | None = None) -> Asked:
        """Return what a call asks for.

        Args:
            call: What it adds to these settings.
            stop: Its stop strings.

        Raises:
            InvalidInputError: If it adds something unknown.
        """
        own = {"model_id": self.model_id, **self.parameters()}
        return Asked.read(own, call, stop, self.capabilities(), self.supports_tool_choice_values)


class _Inferred(tuple[ToolChoiceKind, ...]):
    """Tool choices that follow from the model, with the names of all fields that do."""

    fields: Set[str]

    @classmethod
    def of(cls, choices: Sequence[ToolChoiceKind], fields: Set[str]) -> _Inferred:
        made = cls(choices)
        made.fields = fields
        return made


def _aliases(field: FieldInfo) -> list[str]:
    chosen = field.validation_alias
    found = chosen.choices if isinstance(chosen, AliasChoices) else [chosen]
    return [name for name in (field.alias, *found) if isinstance(name, str)]
