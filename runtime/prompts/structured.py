"""Prompts that know what their answer looks like: piped into a model, they have it answer in that form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

from pydantic import Field

from ..exceptions import InvalidInputError
from ..runnables.base import Runnable
from .chat import ChatPromptTemplate
from .formats import TemplateFormat

__all__ = ["StructuredPrompt"]


class StructuredPrompt(ChatPromptTemplate):
    """A conversation with variables and a schema of the answer.

    `prompt | model` is `prompt | model.with_structured_output(schema_, **structured_output_kwargs)`.

    Args:
        messages: The parts, see `prompts.chat`.
        schema_: A JSON schema or a class; may be given as `schema`.
        structured_output_kwargs: Passed on to the model's `with_structured_output`.
        template_format: The format of texts: `f-string`, `mustache` or `jinja2`.
        kwargs: Other fields; what is no field joins `structured_output_kwargs`.

    Raises:
        InvalidInputError: If there is no schema, something stands for no part, or a template is malformed.
        pydantic.ValidationError: If a value does not fit its field.
    """

    always_shown: ClassVar[frozenset[str]] = ChatPromptTemplate.always_shown | {"structured_output_kwargs"}

    schema_: dict[str, Any] | type
    structured_output_kwargs: dict[str, Any] = Field(default_factory=dict)

    def __init__(
        self,
        messages: Sequence[Any],
        schema_: dict[str, Any] | type | None = None,
        *,
        structured_output_kwargs: dict[str, Any] | None = None,
        template_format: TemplateFormat = "f-string",
        **kwargs: Any,
    ) -> None:
        schema_ = schema_ or kwargs.pop("schema", None)
        if not schema_:
            raise InvalidInputError(f"The schema is {schema_!r}; give a JSON schema that is not empty, or a class.")
        known = {name: kwargs[name] for name in kwargs if name in type(self).model_fields}
        unknown = {name: kwargs[name] for name in kwargs if name not in known}
        super().__init__(
            messages,
            template_format=template_format,
            schema_=schema_,
            structured_output_kwargs={**(structured_output_kwargs or {}), **unknown},
            **known,
        )

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of structured prompts."""
        return ["langchain_core", "prompts", "structured"]

    @classmethod
    def from_messages_and_schema(cls, messages: Sequence[Any], schema: dict[str, Any] | type, **kwargs: Any) -> Self:
        """Return a prompt made of the parts, with a schema of the answer.

        Args:
            messages: The parts, see `prompts.chat`.
            schema: A JSON schema or a class.
            kwargs: As the class takes them.

        Raises:
            InvalidInputError: If there is no schema, something stands for no part, or a template is malformed.
        """
        return cls(messages, schema, **kwargs)

    def __or__(self, other: Any) -> Runnable[Any, Any]:
        """Return a sequence of this and the model, which answers in the form of the schema.

        Raises:
            NotImplementedError: If the other is no model that can answer in a form.
        """
        return self.pipe(other)

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[Any, Any]:
        """Return a sequence of this, the model, which answers in the form of the schema, and what follows it.

        Args:
            others: The model first.
            name: The name of the sequence.

        Raises:
            NotImplementedError: If the first is no model that can answer in a form.
        """
        model: Any = others[0] if others else None
        if not hasattr(model, "with_structured_output"):
            raise NotImplementedError(
                f"A StructuredPrompt is piped into a language model, not into {model!r}; use ChatPromptTemplate."
            )
        answers = model.with_structured_output(self.schema_, **self.structured_output_kwargs)
        return super().pipe(answers, *others[1:], name=name)
