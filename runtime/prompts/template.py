"""Prompts that are a text with `{name}` fields; see `prompts.formatter` for what a field may be."""

from __future__ import annotations

from abc import ABC
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from ..prompt_values import PromptValue, StringPromptValue
from .base import BasePromptTemplate
from .formatter import format_template, variables_of

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
            html: Set the names in bold with terminal escapes.
        """
        names = {name: f"\033[1m{{{name}}}\033[0m" if html else f"{{{name}}}" for name in self.input_variables}
        return str(self.format(**names))

    def pretty_print(self) -> None:
        """Print the prompt with its variables' names in their places."""
        print(self.pretty_repr())  # noqa: T201 - printing is what was asked for


class PromptTemplate(StringPromptTemplate):
    """A text with `{name}` fields.

    Args:
        template: The text. Its fields are the variables, whatever `input_variables` says.
        template_format: `f-string`, the only one.
        validate_template: Accepted and without effect: templates are always checked.

    Raises:
        pydantic.ValidationError: If the template is malformed, or a value does not fit its field.
    """

    template: str
    template_format: Literal["f-string"] = "f-string"
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
        found = variables_of(values["template"])
        partial = values.get("partial_variables") or {}
        return {**values, "input_variables": [name for name in found if name not in partial]}

    @classmethod
    def from_template(
        cls,
        template: str,
        *,
        template_format: Literal["f-string"] = "f-string",
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a prompt for the text.

        Args:
            template: The text with `{name}` fields; `{{` is a brace.
            template_format: `f-string`, the only one.
            partial_variables: Name -> value, or a function called at each use.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If the template is malformed.
            pydantic.ValidationError: If a value does not fit its field.
        """
        variables_of(template)
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

    def format(self, **kwargs: Any) -> str:
        """Return the text with its fields filled.

        Args:
            kwargs: Name -> value; those without a field are ignored.

        Raises:
            KeyError: If a field has no value.
        """
        return format_template(self.template, self._merge_partial_and_user_variables(**kwargs))

    def __add__(self, other: Any) -> PromptTemplate:
        """Return both texts as one prompt, with the partial variables of both.

        Raises:
            ValueError: If both have a partial variable of the same name.
        """
        if isinstance(other, str):
            other = PromptTemplate.from_template(other)
        if not isinstance(other, PromptTemplate):
            return NotImplemented
        both = sorted(set(self.partial_variables).intersection(other.partial_variables))
        if both:
            raise ValueError(f"Both prompts have the partial variables {both!r}; rename them in one.")
        partial = {**self.partial_variables, **other.partial_variables}
        return PromptTemplate(template=self.template + other.template, partial_variables=partial)
