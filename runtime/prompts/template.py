"""Prompts that are a text with fields.

In the format f-string a field is `{name}`, see `prompts.formatter` for what else it may be; for the other formats see
`prompts.mustache` and `prompts.jinja`. An f-string needs all its variables; in the others what has no value renders as
nothing, if `format` is called directly: a run always needs all of them.
"""

from __future__ import annotations

from abc import ABC
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, model_validator

from ..exceptions import InvalidInputError
from ..prompt_values import PromptValue, StringPromptValue
from ..runnables.config import RunnableConfig
from .base import BasePromptTemplate, shown_name
from .formats import TemplateFormat, check_valid_template, fill_template, get_template_variables
from .mustache import mustache_schema

__all__ = ["PromptTemplate", "StringPromptTemplate"]


class StringPromptTemplate(BasePromptTemplate, ABC):
    """A prompt whose value is a text; a subclass writes `format`."""

    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the filled text as a prompt value.

        Args:
            kwargs: Name -> value.
        """
        return StringPromptValue(text=self.format(**kwargs))

    async def aformat_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the filled text as a prompt value, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return StringPromptValue(text=await self.aformat(**kwargs))

    def pretty_repr(self, html: bool = False) -> str:
        """Return the prompt with its variables' names in their places.

        Args:
            html: Set the names in bold yellow with terminal escapes.
        """
        names = {name: shown_name(name, html=html) for name in self.input_variables}
        return str(self.format(**names))

    def pretty_print(self) -> None:
        """Print the prompt with its variables' names in their places."""
        print(self.pretty_repr())  # noqa: T201 - printing is what was asked for


class PromptTemplate(StringPromptTemplate):
    """A text with fields.

    Args:
        template: The text. Its fields are the variables, whatever `input_variables` says.
        template_format: `f-string`, `mustache` or `jinja2`.
        validate_template: Refuse `input_variables` that lack a field of the template; not for mustache.

    Raises:
        pydantic.ValidationError: If the template is malformed, or a value does not fit its field.
    """

    template: str
    template_format: TemplateFormat = "f-string"
    validate_template: bool = False

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of text prompts."""
        return ["langchain", "prompts", "prompt"]

    @property
    def _prompt_type(self) -> str:
        return "prompt"

    @model_validator(mode="before")
    @classmethod
    def _read_variables(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not isinstance(values.get("template"), str):
            return values
        form = values.get("template_format", "f-string")
        found = get_template_variables(values["template"], form)
        partial = values.get("partial_variables") or {}
        if values.get("validate_template"):
            if form == "mustache":
                raise ValueError("Templates in mustache cannot be validated; leave out validate_template.")
            check_valid_template(values["template"], form, [*(values.get("input_variables") or ()), *partial])
        return {**values, "input_variables": [name for name in found if name not in partial]}

    @classmethod
    def from_template(
        cls,
        template: str,
        *,
        template_format: TemplateFormat = "f-string",
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a prompt for the text.

        Args:
            template: The text; in an f-string `{name}` is a field and `{{` a brace.
            template_format: `f-string`, `mustache` or `jinja2`.
            partial_variables: Name -> value, or a function called at each use.
            kwargs: Other fields.

        Raises:
            ImportError: If the package for the format is not installed.
            InvalidInputError: If the format is unknown, or the template is malformed.
            pydantic.ValidationError: If a value does not fit its field.
        """
        get_template_variables(template, template_format)
        return cls(
            template=template, template_format=template_format, partial_variables=partial_variables or {}, **kwargs
        )

    @classmethod
    def from_file(cls, template_file: str | Path, encoding: str | None = None, **kwargs: Any) -> Self:
        """Return a prompt for the text in a file.

        Args:
            template_file: The file.
            encoding: How it is encoded; UTF-8 when not given.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If the template is malformed.
            OSError: If the file cannot be read.
        """
        return cls.from_template(Path(template_file).read_text(encoding=encoding or "utf-8"), **kwargs)

    @classmethod
    def from_examples(
        cls,
        examples: list[str],
        suffix: str,
        input_variables: list[str] | None = None,
        example_separator: str = "\n\n",
        prefix: str = "",
        **kwargs: Any,
    ) -> Self:
        """Return a prompt of examples between a prefix and a suffix; all of them may hold fields.

        Args:
            examples: The examples.
            suffix: Stands after them.
            input_variables: Accepted and without effect: the fields are the variables.
            example_separator: Stands between all of these.
            prefix: Stands before the examples.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If a text is malformed.
        """
        return cls.from_template(example_separator.join([prefix, *examples, suffix]), **kwargs)

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of its variables; in mustache, of what is in them too.

        Args:
            config: Values of configurable fields, where they change it.
        """
        if self.template_format == "mustache":
            return mustache_schema(self.template)
        return super().get_input_schema(config)

    def format(self, **kwargs: Any) -> str:
        """Return the text with its fields filled.

        Args:
            kwargs: Name -> value; those without a field are ignored.

        Raises:
            KeyError: If a field of an f-string has no value.
        """
        return fill_template(self.template, self._merge_partial_and_user_variables(**kwargs), self.template_format)

    def __add__(self, other: Any) -> PromptTemplate:
        """Return both texts as one prompt, with the partial variables of both.

        Raises:
            InvalidInputError: If their formats differ.
            ValueError: If both have a partial variable of the same name.
        """
        if isinstance(other, str):
            other = PromptTemplate.from_template(other, template_format=self.template_format)
        if not isinstance(other, PromptTemplate):
            return NotImplemented
        if other.template_format != self.template_format:
            raise InvalidInputError(
                f"Cannot add templates of different formats, {self.template_format!r} and {other.template_format!r}."
            )
        both = sorted(set(self.partial_variables).intersection(other.partial_variables))
        if both:
            raise ValueError(f"Both prompts have the partial variables {both!r}; rename them in one.")
        partial = {**self.partial_variables, **other.partial_variables}
        return PromptTemplate(
            template=self.template + other.template, template_format=self.template_format, partial_variables=partial
        )
