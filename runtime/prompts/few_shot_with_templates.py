"""Prompts that show a model examples between a prefix and a suffix which are prompts themselves."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, SerializeAsAny, model_validator

from .few_shot import FewShotBase
from .formats import TemplateFormat
from .template import PromptTemplate, StringPromptTemplate

__all__ = ["FewShotPromptWithTemplates"]


class FewShotPromptWithTemplates(FewShotBase, StringPromptTemplate):
    """A text: a prefix, the examples, a suffix.

    Args:
        example_prompt: Makes the text of an example; parts of an example that it does not name are left out.
        prefix: Stands before the examples; None for nothing.
        suffix: Stands after them.
        example_separator: Stands between all of these.
        template_format: Accepted and without effect: each prompt has its own format.
        validate_template: Refuse `input_variables` that are not just those of prefix and suffix. Otherwise these are
            the variables, whatever is given.

    Raises:
        pydantic.ValidationError: If there are no examples and no selector, or both, or a value does not fit its field.
    """

    example_prompt: PromptTemplate
    suffix: SerializeAsAny[StringPromptTemplate]
    example_separator: str = "\n\n"
    prefix: SerializeAsAny[StringPromptTemplate] | None = None
    template_format: TemplateFormat = "f-string"
    validate_template: bool = Field(default=False, exclude=True)

    @property
    def _prompt_type(self) -> str:
        return "few_shot_with_templates"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace."""
        return ["langchain", "prompts", "few_shot_with_templates"]

    @model_validator(mode="after")
    def _read_variables(self) -> Self:
        around = [prompt for prompt in (self.prefix, self.suffix) if prompt is not None]
        found = {name for prompt in around for name in prompt.input_variables}
        needed = sorted(found.difference(self.partial_variables))
        if self.validate_template and set(self.input_variables) != set(needed):
            raise ValueError(f"input_variables are {self.input_variables!r}, but the prompts need {needed!r}.")
        self.input_variables = needed
        return self

    def format(self, **kwargs: Any) -> str:
        """Return the filled text.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a variable has no value, or an example lacks a part.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        return self._around(values, self.shown(self.example_prompt, self._examples(values)))

    async def aformat(self, **kwargs: Any) -> str:
        """Return the filled text, on an event loop.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a variable has no value, or an example lacks a part.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        return self._around(values, self.shown(self.example_prompt, await self._aexamples(values)))

    def _around(self, values: dict[str, Any], shown: list[str]) -> str:
        texts = [
            "" if prompt is None else prompt.format(**{n: values[n] for n in prompt.input_variables})
            for prompt in (self.prefix, self.suffix)
        ]
        return self.example_separator.join(text for text in (texts[0], *shown, texts[1]) if text)
