"""What chat models and text models share: who they are, what they take, what their spans say.

A model's run knows its input from the start and may stream its output; a stream of input is gathered first. The first
token's time is taken here, with the monotonic clock of the run, so that every provider measures alike.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

from pydantic import Field

from ...tracing import names
from ...tracing.callbacks.dispatch import aemit, emit, token_call
from ...tracing.callbacks.manager import Callbacks
from ...tracing.scope import RunScope, SpanFacts
from ..exceptions import InvalidInputError
from ..messages import BaseMessage, convert_to_messages
from ..prompt_values import ChatPromptValue, PromptValue, StringPromptValue
from ..runnables.composed import Local
from ..runnables.io import Io
from ..runnables.serializable import ComposedSerializable

__all__ = ["BaseLanguageModel", "LanguageModelInput", "aware_of_streams", "give_token", "tell_usage"]

LanguageModelInput = PromptValue | str | Sequence[Any]
"""What a model takes: a prompt value, a text, or messages in any of their forms."""


class BaseLanguageModel(ComposedSerializable):
    """The base of all models.

    Args:
        verbose: Accepted, as documented.
        callbacks: Handlers of every call of this instance.
        tags: Tags of its runs, not inherited.
        metadata: Metadata of its runs, not inherited.
    """

    streaming: ClassVar[Literal["input", "output", "none"]] = "output"

    verbose: bool = Field(default=False, exclude=True, repr=False)
    callbacks: Callbacks = Field(default=None, exclude=True, repr=False)
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    @property
    @abstractmethod
    def _llm_type(self) -> str:
        """The kind of model, in one word."""

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        """What tells one such model from another."""
        return {}

    def provider_name(self) -> str | None:
        """Return who serves the model, as `gen_ai.provider.name` says it; None where nobody does."""
        return None

    def request_model(self) -> str | None:
        """Return the model that is asked for, or None where that is not known."""
        return None

    def local(self) -> Local | None:
        """Return callbacks, tags and metadata of this instance."""
        if self.callbacks is None and self.tags is None and self.metadata is None:
            return None
        return self.callbacks, self.tags, self.metadata

    def facts(self, operation: str) -> SpanFacts:
        """Return what the span of a call says, by the GenAI conventions.

        Args:
            operation: chat or text_completion.
        """
        model, provider = self.request_model(), self.provider_name()
        attributes: dict[str, Any] = {names.OPERATION_NAME: operation}
        if provider is not None:
            attributes[names.PROVIDER_NAME] = provider
        if model is not None:
            attributes[names.REQUEST_MODEL] = model
        return SpanFacts(
            f"{operation} {model}" if model else None, attributes, "internal" if provider is None else "client"
        )

    def prompt_of(self, value: Any) -> PromptValue:
        """Return the input as a prompt value.

        Args:
            value: A prompt value, a text, or messages.

        Raises:
            InvalidInputError: If it is none of these.
        """
        if isinstance(value, PromptValue):
            return value
        if isinstance(value, str):
            return StringPromptValue(text=value)
        if isinstance(value, BaseMessage):
            return ChatPromptValue(messages=[value])
        if isinstance(value, Sequence):
            return ChatPromptValue(messages=convert_to_messages(value))
        raise InvalidInputError(
            f"{type(self).__name__} was given {value!r}; give a text, a list of messages, or a prompt value."
        )


def aware_of_streams(io: Io) -> bool:
    """Return whether somebody reads the events of this run as they come."""
    return bool(io.scope.heritage.streams)


async def give_token(io: Io, token: str, chunk: Any, shown: Any) -> None:
    """Give a token's signal and tell handlers of it.

    Args:
        io: The run's.
        token: Its text.
        chunk: The whole chunk, for handlers.
        shown: What streams of events show.
    """
    scope = io.scope
    details = cast("dict[str, Any]", scope.details)
    if "first_ns" not in details:
        details["first_ns"] = scope.timeline.now_ns()
        scope.span.set_attribute(names.TIME_TO_FIRST_CHUNK, (details["first_ns"] - scope.start_ns) / 1e9)
    scope.chunk(shown)
    if scope.handlers:
        call = token_call(scope, token, chunk)
        if io.blocking:
            emit(scope.handlers, call)
        else:
            await aemit(scope.handlers, call)


def tell_usage(scope: RunScope, usage: Mapping[str, Any] | None, metadata: Mapping[str, Any] | None) -> None:
    """Put what a model said of its answer on the span.

    Args:
        scope: The run.
        usage: Its token counts.
        metadata: Its response metadata.
    """
    span = scope.span
    if usage:
        span.set_attribute(names.USAGE_INPUT_TOKENS, int(usage.get("input_tokens", 0)))
        span.set_attribute(names.USAGE_OUTPUT_TOKENS, int(usage.get("output_tokens", 0)))
    if metadata:
        reason = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("stopReason")
        if reason:
            span.set_attribute(names.RESPONSE_FINISH_REASONS, [str(reason)])
        if metadata.get("model_name"):
            span.set_attribute(names.RESPONSE_MODEL, str(metadata["model_name"]))
