"""What all parsers share: a model's answer goes in, a value comes out.

A parser of ours cannot block and runs on the event loop itself. A user's `parse` or `parse_result` may block and runs
in a worker thread there, unless the class writes `aparse_result` or `aparse`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ..exceptions import InvalidInputError
from ..messages.message import BaseMessage
from ..outputs import ChatGeneration, Generation
from ..prompt_values import PromptValue
from ..runnables.io import Io
from ..runnables.io_loop import in_thread
from ..runnables.serializable import ComposedSerializable, is_async_nearest, is_ours

__all__ = ["BaseGenerationOutputParser", "BaseLLMOutputParser", "BaseOutputParser", "generation_of", "text_of"]

T = TypeVar("T")


def text_of(answer: Any) -> str:
    """Return the text of an answer.

    Args:
        answer: A text or a message.

    Raises:
        InvalidInputError: If it is neither.
    """
    if isinstance(answer, str):
        return answer
    if isinstance(answer, BaseMessage):
        return str(answer.text)
    raise InvalidInputError(f"A parser reads a text or a message, but was given {answer!r}.")


def generation_of(answer: Any) -> Generation:
    """Return an answer as a generation.

    Args:
        answer: A text or a message.

    Raises:
        InvalidInputError: If it is neither.
    """
    return ChatGeneration(message=answer) if isinstance(answer, BaseMessage) else Generation(text=text_of(answer))


class BaseLLMOutputParser(ABC, Generic[T]):
    """What reads a model's candidate answers; a subclass writes `parse_result`."""

    @abstractmethod
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Return the value of a model's candidate answers.

        Args:
            result: The candidates, the best first.
            partial: Whether more of the answer may come.

        Raises:
            OutputParserException: If the answer cannot be read.
        """

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Return the value of a model's candidate answers, on an event loop; here in a worker thread.

        Args:
            result: The candidates, the best first.
            partial: Whether more of the answer may come.

        Raises:
            OutputParserException: If the answer cannot be read.
        """
        value: T = await in_thread(self.parse_result, result, partial=partial)
        return value


class BaseGenerationOutputParser(BaseLLMOutputParser[T], ComposedSerializable[Any, T], ABC, Generic[T]):
    """A parser of generations that can be composed; a subclass writes `parse_result`."""

    run_type: ClassVar[str] = "parser"
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "none"

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> T:
        """Return the value of an answer.

        Args:
            value: A text or a message.
            io: What the run may do.
            kwargs: Not used.

        Raises:
            InvalidInputError: If the input is neither text nor message.
            OutputParserException: If the answer cannot be read.
        """
        result = [generation_of(value)]
        kind = type(self)
        if io.blocking or self._cannot_block():
            return self.parse_result(result)
        if is_async_nearest(kind, "aparse_result", "parse_result"):
            return await self.aparse_result(result)
        parsed: T = await io.call(self.parse_result, result)
        return parsed

    @classmethod
    def _cannot_block(cls) -> bool:
        """Return whether nothing that parses was written by a user."""
        return is_ours(cls, "parse_result", "aparse_result")


class BaseOutputParser(BaseGenerationOutputParser[T], ABC, Generic[T]):
    """A parser of texts; a subclass writes `parse`."""

    @abstractmethod
    def parse(self, text: str) -> T:
        """Return the value of an answer's text.

        Args:
            text: The text.

        Raises:
            OutputParserException: If it cannot be read.
        """

    async def aparse(self, text: str) -> T:
        """Return the value of an answer's text, on an event loop; here in a worker thread.

        Args:
            text: The text.

        Raises:
            OutputParserException: If it cannot be read.
        """
        value: T = await in_thread(self.parse, text)
        return value

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Return the value of the best candidate's text.

        Args:
            result: The candidates, the best first.
            partial: Whether more of the answer may come.

        Raises:
            OutputParserException: If the text cannot be read.
        """
        return self.parse(result[0].text)

    async def aparse_result(self, result: list[Generation], *, partial: bool = False) -> T:
        """Return the value of the best candidate's text, on an event loop.

        Args:
            result: The candidates, the best first.
            partial: Whether more of the answer may come.

        Raises:
            OutputParserException: If the text cannot be read.
        """
        kind = type(self)
        if is_ours(kind, "parse_result") and is_async_nearest(kind, "aparse", "parse"):
            return await self.aparse(result[0].text)
        return await super().aparse_result(result, partial=partial)

    @classmethod
    def _cannot_block(cls) -> bool:
        return super()._cannot_block() and is_ours(cls, "parse", "aparse")

    def parse_with_prompt(self, completion: str, prompt: PromptValue) -> T:
        """Return the value of an answer, where parsing may look at what was asked; here it does not.

        Args:
            completion: The answer's text.
            prompt: What was asked.

        Raises:
            OutputParserException: If the text cannot be read.
        """
        return self.parse(completion)

    def get_format_instructions(self) -> str:
        """Return what to tell a model so that its answer can be read.

        Raises:
            NotImplementedError: If this parser has no instructions.
        """
        raise NotImplementedError(f"{type(self).__name__} has no format instructions; write them in your prompt.")

    @property
    def _type(self) -> str:
        """The kind of parser, as saved parsers name it."""
        raise NotImplementedError(f"{type(self).__name__} has no _type; write the property to save it.")
