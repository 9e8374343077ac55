"""What chat models and text models share: who they are, what they take, what their spans say.

A model's run knows its input from the start and may stream its output; a stream of input is gathered first. Parameters
that belong to the program rather than to the model (handlers, tags, the cache, ...) are left out of dumps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypedDict
from warnings import warn

from pydantic import Field

from ...tracing import names
from ...tracing.callbacks.manager import Callbacks
from ...tracing.lineage import SpanFacts
from ..caches import BaseCache
from ..exceptions import InvalidInputError
from ..globals import get_verbose
from ..messages import BaseMessage, convert_to_messages, get_buffer_string
from ..prompt_values import ChatPromptValue, PromptValue, StringPromptValue
from ..runnables.base import Runnable
from ..runnables.composed import Local
from .identified import IdentifiedModel
from .tokens import estimated_token_ids

__all__ = [
    "FORMAT",
    "BaseLanguageModel",
    "LangSmithParams",
    "LanguageModelInput",
    "LanguageModelLike",
    "LanguageModelOutput",
]

FORMAT = "ls_structured_output_format"
"""The argument by which a call tells handlers what shape of answer is asked for; the provider is not given it."""

LanguageModelInput = PromptValue | str | Sequence[Any]
"""What a model takes: a prompt value, a text, or messages in any of their forms."""

LanguageModelOutput = BaseMessage | str
"""What a model gives: a message, or a text."""

LanguageModelLike = Runnable[LanguageModelInput, LanguageModelOutput]
"""A model, or a runnable that stands for one."""


class LangSmithParams(TypedDict, total=False):
    """What a model says of itself under the names that LangSmith reads."""

    ls_provider: str
    ls_model_name: str
    ls_model_type: Literal["chat", "llm"]
    ls_temperature: float | None
    ls_max_tokens: int | None
    ls_stop: list[str] | None


class BaseLanguageModel(IdentifiedModel):
    """The base of all models.

    Args:
        cache: True for the global cache, which must be set then; False for none; a cache for that one; None for the
            global cache where one is set. Streams are never cached.
        custom_get_token_ids: Counts tokens in place of the estimate.
        verbose: Whether answers are logged; the global setting when not given.
        callbacks: Handlers of every call of this instance.
        tags: Tags of its runs, not inherited.
        metadata: Metadata of its runs, not inherited.
    """

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "output"

    cache: BaseCache | bool | None = Field(default=None, exclude=True)
    custom_get_token_ids: Callable[[str], list[int]] | None = Field(default=None, exclude=True)
    verbose: bool = Field(default_factory=get_verbose, exclude=True, repr=False)
    callbacks: Callbacks = Field(default=None, exclude=True, repr=False)
    tags: list[str] | None = Field(default=None, exclude=True, repr=False)
    metadata: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    def cache_fields(self) -> Mapping[str, Any]:
        """Return what decides an answer besides the prompt and the call's arguments: every field that dumps show."""
        fields = type(self).model_fields
        return {name: getattr(self, name) for name, field in fields.items() if not field.exclude and name != "name"}

    def serialized(self) -> dict[str, Any]:
        """Return what start hooks are told of the model."""
        kind = type(self)
        known = {"lc": 1, "type": "not_implemented", "id": [*kind.__module__.split("."), kind.__name__]}
        return {**known, "repr": repr(self), "name": self.get_name()}

    def start_details(self, stop: list[str] | None, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of start hooks that only models give.

        Args:
            stop: The stop strings of the call.
            kwargs: What else the caller passed to the provider.
        """
        options = {"stop": stop, **{key: value for key, value in kwargs.items() if key == FORMAT}}
        passed = {key: value for key, value in kwargs.items() if key != FORMAT}
        parameters = {**self._identifying_params, "_type": self._llm_type, "stop": stop, **passed}
        return {"invocation_params": parameters, "options": options, "batch_size": 1}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """Return what LangSmith would be told of a call; runs' metadata is left as the caller gave it."""
        is_chat, name = self.run_type == "chat_model", type(self).__name__
        provider = (name.removeprefix("Chat") if is_chat else name.removesuffix("LLM")).lower()
        made = LangSmithParams(ls_provider=provider, ls_model_type="chat" if is_chat else "llm")
        if stop:
            made["ls_stop"] = stop
        fields = self.__dict__
        model = kwargs.get("model", fields.get("model") or fields.get("model_name"))
        if isinstance(model, str):
            made["ls_model_name"] = model
        temperature = kwargs.get("temperature", fields.get("temperature"))
        if isinstance(temperature, int | float):
            made["ls_temperature"] = temperature
        max_tokens = kwargs.get("max_tokens", fields.get("max_tokens"))
        if isinstance(max_tokens, int):
            made["ls_max_tokens"] = max_tokens
        return made

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

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Runnable[Any, Any]:
        """Return a runnable that answers in the shape of the schema, where the model can; here it cannot.

        Args:
            schema: The shape.
            kwargs: By model.

        Raises:
            NotImplementedError: Always; models that can override this.
        """
        raise NotImplementedError(f"{type(self).__name__} has no structured output; parse its answer instead.")

    def get_token_ids(self, text: str) -> list[int]:
        """Return an id for each token of a text, by `custom_get_token_ids` or else by a documented estimate.

        The estimate works offline: four characters of a word, or begun four, are a token; a character of a script
        without spaces, and a punctuation mark, is one each; white space is none.

        Args:
            text: The text.
        """
        return (self.custom_get_token_ids or estimated_token_ids)(text)

    def get_num_tokens(self, text: str) -> int:
        """Return how many tokens a text has, as `get_token_ids` counts them.

        Args:
            text: The text.
        """
        return len(self.get_token_ids(text))

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Return how many tokens messages have: each counts as its text with its speaker, such as "Human: hi".

        Args:
            messages: The messages.
            tools: Not counted; a warning says so.
        """
        if tools is not None:
            warn("Tokens of tools are not counted; only messages are.", UserWarning, stacklevel=2)
        return sum(self.get_num_tokens(get_buffer_string([message])) for message in messages)
