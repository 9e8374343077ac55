"""Templates for the messages of a chat prompt: one message with fields, or a place for messages given later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from ..exceptions import InvalidInputError
from ..messages.convert import convert_to_messages
from ..messages.message import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    get_msg_title_repr,
)
from ..serializable import Serializable
from .base import shown_name
from .block_templates import BlockPrompt, BlockTemplate, block_prompts, block_variables, format_blocks
from .formats import TemplateFormat
from .template import PromptTemplate, StringPromptTemplate

__all__ = [
    "AIMessagePromptTemplate",
    "BaseMessagePromptTemplate",
    "BaseStringMessagePromptTemplate",
    "ChatMessagePromptTemplate",
    "HumanMessagePromptTemplate",
    "MessagesPlaceholder",
    "SystemMessagePromptTemplate",
    "on_conversation",
]

_conversations: list[Callable[[list[Any]], Any]] = []


def on_conversation(maker: Callable[[list[Any]], Any]) -> None:
    """Register what makes a chat prompt of parts, so that parts can be added to each other.

    Args:
        maker: Returns the prompt; it can be added to.
    """
    _conversations[:] = [maker]


class BaseMessagePromptTemplate(Serializable, ABC):
    """What stands in a chat prompt and becomes messages."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold prompts."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of chat prompts."""
        return ["langchain", "prompts", "chat"]

    @property
    @abstractmethod
    def input_variables(self) -> list[str]:
        """The names that must be given."""

    @abstractmethod
    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages for the variables.

        Args:
            kwargs: Name -> value.
        """

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages for the variables, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return self.format_messages(**kwargs)

    def __add__(self, other: Any) -> Any:
        """Return a chat prompt of this and the other."""
        return _conversations[0]([self]) + other

    def pretty_repr(self, html: bool = False) -> str:
        """Return it as a titled paragraph; here its `repr` under its class's name.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        return f"{get_msg_title_repr(type(self).__name__, bold=html)}\n\n{self!r}"

    def pretty_print(self) -> None:
        """Print it as a titled paragraph."""
        print(self.pretty_repr())  # noqa: T201 - printing is what was asked for


class MessagesPlaceholder(BaseMessagePromptTemplate):
    """The place of messages given later, as one variable that holds a list of things that stand for messages.

    Args:
        variable_name: The variable.
        optional: Whether the variable may be left out.
        n_messages: Only so many are used, the last ones; None for all.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    always_shown: ClassVar[frozenset[str]] = frozenset({"variable_name"})

    variable_name: str
    optional: bool = False
    n_messages: int | None = Field(default=None, gt=0)

    def __init__(self, variable_name: str, *, optional: bool = False, **kwargs: Any) -> None:
        kwargs.update(variable_name=variable_name, optional=optional)
        super().__init__(**kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The variable, unless it may be left out."""
        return [] if self.optional else [self.variable_name]

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages given.

        Args:
            kwargs: Name -> value.

        Raises:
            InvalidInputError: If the value is no list, or something in it stands for no message.
            KeyError: If the variable is needed and missing.
        """
        given = kwargs.get(self.variable_name, []) if self.optional else kwargs[self.variable_name]
        if not isinstance(given, list):
            raise InvalidInputError(f"The variable {self.variable_name!r} is {given!r}; give a list of messages.")
        messages = convert_to_messages(given)
        return messages[-self.n_messages :] if self.n_messages else messages

    def pretty_repr(self, html: bool = False) -> str:
        """Return the variable's name under a title.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        title = get_msg_title_repr("Messages Placeholder", bold=html)
        return f"{title}\n\n{shown_name(self.variable_name, html=html)}"


class BaseStringMessagePromptTemplate(BaseMessagePromptTemplate, ABC):
    """A message with fields in its content.

    Args:
        prompt: The content: a text prompt, or a list of prompts that make its blocks.
        additional_kwargs: Passed on to the message.
    """

    message_class: ClassVar[type[BaseMessage]]
    """The class of the message that is made."""

    always_shown: ClassVar[frozenset[str]] = frozenset({"additional_kwargs"})

    prompt: StringPromptTemplate | list[BlockPrompt]
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def from_template(
        cls,
        template: str | Sequence[BlockTemplate | BlockPrompt],
        template_format: TemplateFormat = "f-string",
        *,
        partial_variables: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a message template for the content.

        Args:
            template: A text with fields, or a list of texts and blocks; of a block, every text may hold fields.
            template_format: `f-string`, `mustache` or `jinja2`.
            partial_variables: Values known already; for a text only.
            kwargs: Other fields.

        Raises:
            ImportError: If the package for the format is not installed.
            InvalidInputError: If a text is malformed, the format is unknown, the content is neither text nor list, or a
                list is given partial variables.
        """
        if isinstance(template, str):
            text = PromptTemplate.from_template(
                template, template_format=template_format, partial_variables=partial_variables
            )
            return cls(prompt=text, **kwargs)
        if not isinstance(template, list | tuple):
            raise InvalidInputError(f"The template is {template!r}; give a text or a list of texts and blocks.")
        if partial_variables:
            raise InvalidInputError("Partial variables go with a text; for blocks use ChatPromptTemplate.partial.")
        return cls(prompt=block_prompts(template, template_format), **kwargs)

    @classmethod
    def from_template_file(
        cls, template_file: str | Path, input_variables: list[str] | None = None, **kwargs: Any
    ) -> Self:
        """Return a message template for the text in a file, encoded in UTF-8.

        Args:
            template_file: The file.
            input_variables: Accepted and without effect: the fields are the variables.
            kwargs: Other fields.

        Raises:
            InvalidInputError: If the text is malformed.
            OSError: If the file cannot be read.
        """
        return cls(prompt=PromptTemplate.from_file(template_file), **kwargs)

    @property
    def input_variables(self) -> list[str]:
        """The names of the fields."""
        if isinstance(self.prompt, list):
            return block_variables(self.prompt)
        return self.prompt.input_variables

    def format(self, **kwargs: Any) -> BaseMessage:
        """Return the message for the variables.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value.
        """
        return self._message(self._content(kwargs))

    async def aformat(self, **kwargs: Any) -> BaseMessage:
        """Return the message for the variables, on an event loop.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value.
        """
        return self.format(**kwargs)

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return a list of the one message.

        Args:
            kwargs: Name -> value.

        Raises:
            KeyError: If a field has no value.
        """
        return [self.format(**kwargs)]

    def pretty_repr(self, html: bool = False) -> str:
        """Return the content under the message's title.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        kind = self.message_class.__name__.removesuffix("Message")
        title = get_msg_title_repr(f"{kind.title()} Message", bold=html)
        prompts = self.prompt if isinstance(self.prompt, list) else [self.prompt]
        return "\n\n".join([title, *(prompt.pretty_repr(html) for prompt in prompts)])

    def _content(self, values: Mapping[str, Any]) -> Any:
        if isinstance(self.prompt, list):
            return format_blocks(self.prompt, values)
        return self.prompt.format(**values)

    def _message(self, content: Any) -> BaseMessage:
        return self.message_class(content=content, additional_kwargs=dict(self.additional_kwargs))


class HumanMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """A human's message with fields."""

    message_class: ClassVar[type[BaseMessage]] = HumanMessage


class AIMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """An AI's message with fields."""

    message_class: ClassVar[type[BaseMessage]] = AIMessage


class SystemMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """A system message with fields."""

    message_class: ClassVar[type[BaseMessage]] = SystemMessage


class ChatMessagePromptTemplate(BaseStringMessagePromptTemplate):
    """A message of any role, with fields.

    Args:
        role: The role.
    """

    message_class: ClassVar[type[BaseMessage]] = ChatMessage

    role: str

    def _message(self, content: Any) -> BaseMessage:
        return ChatMessage(content=content, role=self.role, additional_kwargs=dict(self.additional_kwargs))
