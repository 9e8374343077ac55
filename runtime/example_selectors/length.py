"""Examples as long as there is room."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from ..prompts.template import PromptTemplate
from .base import BaseExampleSelector

__all__ = ["LengthBasedExampleSelector"]

_BREAK = re.compile(r"[\n ]")


def _words(text: str) -> int:
    return len(_BREAK.split(text))


class LengthBasedExampleSelector(BaseExampleSelector, BaseModel):
    """The first examples, as many as fit beside the input. Nothing in it blocks.

    Args:
        examples: The examples, in the order in which they are wanted.
        example_prompt: Makes the text of an example.
        get_text_length: The length of a text: its words, between blanks and line ends, unless something else is given.
        max_length: The length of the input and all examples together, at most.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
        KeyError: If an example lacks a variable of the prompt.
    """

    examples: list[dict[str, Any]]
    example_prompt: PromptTemplate
    get_text_length: Callable[[str], int] = _words
    max_length: int = 2048
    example_text_lengths: list[int] = Field(default_factory=list)

    @model_validator(mode="after")
    def _measure(self) -> Self:
        if not self.example_text_lengths:
            self.example_text_lengths = [self._length(example) for example in self.examples]
        return self

    def _length(self, example: dict[str, Any]) -> int:
        return self.get_text_length(self.example_prompt.format(**example))

    def add_example(self, example: dict[str, str]) -> None:
        """Add an example at the end.

        Args:
            example: Its parts by name.

        Raises:
            KeyError: If it lacks a variable of the prompt.
        """
        length = self._length(example)
        self.examples.append(example)
        self.example_text_lengths.append(length)

    def select_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the first examples, up to the first that does not fit.

        Args:
            input_variables: The variables of the prompt; their values' text is the input.
        """
        left = self.max_length - self.get_text_length(" ".join(map(str, input_variables.values())))
        chosen: list[dict[str, Any]] = []
        for example, length in zip(self.examples, self.example_text_lengths, strict=True):
            left -= length
            if left < 0:
                break
            chosen.append(example)
        return chosen

    async def aadd_example(self, example: dict[str, str]) -> None:
        """Add an example at the end; no thread is needed for that.

        Args:
            example: Its parts by name.
        """
        self.add_example(example)

    async def aselect_examples(self, input_variables: dict[str, str]) -> list[dict[str, Any]]:
        """Return the first examples, up to the first that does not fit; no thread is needed for that.

        Args:
            input_variables: The variables of the prompt.
        """
        return self.select_examples(input_variables)
