"""BedrockModel: what all models of Bedrock are, by whichever API they are asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ConfigDict, Field

from ....tracing import names
from ....tracing.interventions import Intervention
from ....tracing.lineage import SpanFacts
from ...language_models.base import BaseLanguageModel, LangSmithParams
from ...language_models.notices import notice
from .connection import BedrockConnection
from .guardrails import GuardrailSettings

__all__ = ["BedrockModel"]


class BedrockModel(BedrockConnection, BaseLanguageModel, ABC):
    """The base of models of Bedrock: how they are named in spans, caches and dumps, and what guardrails did.

    Args:
        model_id: The model, also `model`.
        base_model_id: The foundation model behind an ARN, also `base_model`.
        raise_on_intervention: Raise a `GuardrailInterventionError` once an answer is complete in which the guardrail
            intervened; else its replacement is the answer.
    """

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, protected_namespaces=(), arbitrary_types_allowed=True
    )

    model_id: str = Field(alias="model")
    base_model_id: str | None = Field(default=None, alias="base_model")
    raise_on_intervention: bool = False

    @abstractmethod
    def _guardrail(self) -> GuardrailSettings | None:
        """Return the guardrail of every call, if there is one."""

    def _notify(self, interventions: Iterable[Intervention]) -> None:
        for intervention in interventions:
            notice(intervention, is_fatal=self.raise_on_intervention)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold this model, without its secrets."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return the environment variables that stand for secrets in dumps."""
        return dict(self.secret_names)

    def cache_fields(self) -> Mapping[str, Any]:
        """Return what decides an answer: not how and as whom the service is reached."""
        fields = super().cache_fields()
        return {name: value for name, value in fields.items() if name not in BedrockConnection.model_fields}

    def facts(self, operation: str) -> SpanFacts:
        """Return what the span of a call says; the guardrail too, where there is one.

        Args:
            operation: chat or text_completion.
        """
        made, guardrail = super().facts(operation), self._guardrail()
        if guardrail is None:
            return made
        return made._replace(attributes={**made.attributes, names.AWS_GUARDRAIL_ID: guardrail.guardrail_id})

    def provider_name(self) -> str:
        """Return `aws.bedrock`."""
        return "aws.bedrock"

    def request_model(self) -> str:
        """Return the model's id."""
        return self.model_id

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        made = super()._get_ls_params(stop, **kwargs)
        return {**made, "ls_provider": "amazon_bedrock", "ls_model_name": self.model_id}
