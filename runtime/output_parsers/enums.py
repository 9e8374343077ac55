"""The parser of answers that are one of a few words."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import field_validator

from ..exceptions import OutputParserException
from .base import BaseOutputParser

__all__ = ["EnumOutputParser"]


class EnumOutputParser(BaseOutputParser[Enum]):
    """The member of an enum whose value is the answer, blanks and line ends around it dropped.

    Args:
        enum: The enum; its values are texts.

    Raises:
        pydantic.ValidationError: If a value of the enum is no text.
    """

    enum: type[Enum]

    @field_validator("enum")
    @classmethod
    def _check_values(cls, enum: type[Enum]) -> type[Enum]:
        for member in enum:
            if not isinstance(member.value, str):
                raise ValueError(f"{member} has the value {member.value!r}; the values of the enum must be texts.")  # noqa: TRY004 - pydantic wants ValueError
        return enum

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The enum."""
        return self.enum

    def parse(self, text: str) -> Enum:
        """Return the member that a text names.

        Args:
            text: The text.

        Raises:
            OutputParserException: If it names none; `llm_output` is the text.
        """
        try:
            return self.enum(text.strip())
        except ValueError as err:
            raise OutputParserException(
                f"The answer is {text!r}; expected one of {self._values()!r}.", llm_output=text
            ) from err

    def get_format_instructions(self) -> str:
        """Return what to tell a model: the values to choose from."""
        return f"Answer with exactly one of these, and nothing else: {', '.join(self._values())}"

    def _values(self) -> list[str]:
        return [member.value for member in self.enum]
