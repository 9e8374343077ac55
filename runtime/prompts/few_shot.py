"""Prompts that show a model examples, fixed ones or such as a selector chooses for the input.

Text that examples bring is text: braces in it are no fields. An event loop asks a selector's async method.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from ..example_selectors.base import BaseExampleSelector
from ..exceptions import InvalidInputError
from ..messages.message import BaseMessage, get_msg_title_repr
from .base import BasePromptTemplate, MissingVariableError
from .chat import BaseChatPromptTemplate, ChatPromptTemplate
from .formats import TemplateFormat, fill_template, get_template_variables
from .message_templates import BaseMessagePromptTemplate
from .template import PromptTemplate, StringPromptTemplate

__all__ = ["FewShotBase", "FewShotChatMessagePromptTemplate", "FewShotPromptTemplate"]

_Example = dict[str, Any]


class FewShotBase(BasePromptTemplate):
    """A prompt with examples.

    Args:
        examples: The examples; this or `example_selector`.
        example_selector: Chooses the examples for an input.
    """

    examples: list[_Example] | None = None
    example_selector: BaseExampleSelector | None = None

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return False: a selector may hold anything."""
        return False

    def save(self, file_path: str | Path) -> None:
        """Write the prompt to a file; see `BasePromptTemplate.save`.

        Args:
            file_path: The file.

        Raises:
            InvalidInputError: If the examples are chosen by a selector, which has no form in files.
            NotImplementedError: If prompts of this kind have no form in files.
        """
        if self.example_selector is not None:
            raise InvalidInputError("Cannot save a prompt with an example_selector; save one with examples.")
        super().save(file_path)

    @model_validator(mode="after")
    def _check_examples(self) -> Self:
        if (self.examples is None) == (self.example_selector is None):
            raise ValueError("Give either examples or an example_selector, and not both.")
        return self

    @staticmethod
    def shown(prompt: StringPromptTemplate, examples: list[_Example]) -> list[str]:
        """Return the texts of the examples.

        Args:
            prompt: Makes them.
            examples: The examples.

        Raises:
            MissingVariableError: If an example lacks a part.
        """
        return [prompt.format(**_known(prompt, example)) for example in examples]

    def _examples(self, values: dict[str, Any]) -> list[_Example]:
        if self.example_selector is not None:
            return self.example_selector.select_examples(values)
        return self.examples or []

    async def _aexamples(self, values: dict[str, Any]) -> list[_Example]:
        if self.example_selector is not None:
            return await self.example_selector.aselect_examples(values)
        return self.examples or []


class FewShotPromptTemplate(FewShotBase, StringPromptTemplate):
    """A text: a prefix, the examples, a suffix.

    Args:
        example_prompt: Makes the text of an example; parts of an example that it does not name are left out.
        prefix: Stands before the examples, with fields; nothing when empty.
        suffix: Stands after them, with fields.
        example_separator: Stands between all of these.
        template_format: The format of prefix and suffix: `f-string`, `mustache` or `jinja2`.
        validate_template: Refuse `input_variables` that are not just the fields of prefix and suffix. Otherwise the
            fields are the variables, whatever is given.

    Raises:
        pydantic.ValidationError: If there are no examples and no selector, or both, or a template is malformed.
    """

    example_prompt: PromptTemplate
    suffix: str
    prefix: str = ""
    example_separator: str = "\n\n"
    template_format: TemplateFormat = "f-string"
    validate_template: bool = Field(default=False, exclude=True)

    @property
    def _prompt_type(self) -> str:
        return "few_shot"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace."""
        return ["langchain", "prompts", "few_shot"]

    @model_validator(mode="after")
    def _read_variables(self) -> Self:
        texts = (self.prefix, self.suffix)
        found = sorted({name for text in texts for name in get_template_variables(text, self.template_format)})
        needed = [name for name in found if name not in self.partial_variables]
        if self.validate_template and set(self.input_variables) != set(needed):
            raise ValueError(f"input_variables are {self.input_variables!r}, but the fields are {needed!r}.")
        self.input_variables = needed
        return self

    def format(self, **kwargs: Any) -> str:
        """Return the filled text.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value, or an example lacks a part.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        return self._text(values, self._examples(values))

    async def aformat(self, **kwargs: Any) -> str:
        """Return the filled text, on an event loop.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value, or an example lacks a part.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        return self._text(values, await self._aexamples(values))

    def _text(self, values: dict[str, Any], examples: list[_Example]) -> str:
        shown = self.shown(self.example_prompt, examples)
        prefix, suffix = (fill_template(text, values, self.template_format) for text in (self.prefix, self.suffix))
        pieces = [prefix, *shown, suffix]
        return self.example_separator.join(piece for piece in pieces if piece)


class FewShotChatMessagePromptTemplate(FewShotBase, BaseChatPromptTemplate):
    """The messages of examples, to stand alone or as a part of a chat prompt.

    Args:
        example_prompt: Makes the messages of an example; parts of an example that it does not name are left out.
        input_variables: What the selector is to see; they are then needed.

    Raises:
        pydantic.ValidationError: If there are no examples and no selector, or both.
    """

    example_prompt: BaseMessagePromptTemplate | BaseChatPromptTemplate

    @property
    def _prompt_type(self) -> str:
        return "few_shot_chat"

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace."""
        return ["langchain", "prompts", "few_shot"]

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages of the examples.

        Args:
            kwargs: Name -> value, for the selector.

        Raises:
            KeyError: If an example lacks a part.
        """
        return self._messages(self._examples(self._merge_partial_and_user_variables(**kwargs)))

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages of the examples, on an event loop.

        Args:
            kwargs: Name -> value, for the selector.

        Raises:
            KeyError: If an example lacks a part.
        """
        return self._messages(await self._aexamples(self._merge_partial_and_user_variables(**kwargs)))

    def _messages(self, examples: list[_Example]) -> list[BaseMessage]:
        made: list[BaseMessage] = []
        for example in examples:
            made.extend(self.example_prompt.format_messages(**_known(self.example_prompt, example)))
        return made

    def pretty_repr(self, html: bool = False) -> str:
        """Return the messages of fixed examples as titled paragraphs; of chosen ones the prompt that makes them.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        if self.examples is None:
            title = get_msg_title_repr("Examples", bold=html)
            return f"{title}\n\n{self.example_prompt.pretty_repr(html=html)}"
        return ChatPromptTemplate(self._messages(self.examples)).pretty_repr(html=html)


def _known(prompt: Any, example: _Example) -> _Example:
    """Return the parts of an example that a prompt names.

    Raises:
        MissingVariableError: If one is missing.
    """
    needed: list[str] = prompt.input_variables
    missing = [name for name in needed if name not in example]
    if missing:
        raise MissingVariableError(f"The example {example!r} has no {missing!r}, which its prompt needs.")
    optional = getattr(prompt, "optional_variables", ())
    return {name: example[name] for name in [*needed, *optional] if name in example}
