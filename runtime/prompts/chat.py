"""Prompts that are conversations: messages, message templates, and places for messages given later.

What stands for a part of the conversation: a message (taken as it is, braces and all), a message template, another chat
prompt, a text (a human's template), a pair of role and template, or a mapping with "role" and "content". The roles are
human/user, ai/assistant, system, and placeholder, whose template is a variable in braces; a class of messages or of
message templates may stand for its role.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, overload

from pydantic import model_validator

from ..exceptions import InvalidInputError
from ..messages.convert import AnyMessage, get_buffer_string
from ..messages.message import AIMessage, BaseMessage, HumanMessage, SystemMessage, get_msg_title_repr
from ..prompt_values import ChatPromptValue, PromptValue
from .base import BasePromptTemplate
from .formats import TemplateFormat
from .message_templates import (
    AIMessagePromptTemplate,
    BaseMessagePromptTemplate,
    BaseStringMessagePromptTemplate,
    ChatMessagePromptTemplate,
    HumanMessagePromptTemplate,
    MessagesPlaceholder,
    SystemMessagePromptTemplate,
    on_conversation,
)

__all__ = [
    "AIMessagePromptTemplate",
    "BaseChatPromptTemplate",
    "BaseMessagePromptTemplate",
    "BaseStringMessagePromptTemplate",
    "ChatMessagePromptTemplate",
    "ChatPromptTemplate",
    "HumanMessagePromptTemplate",
    "MessageLike",
    "MessagesPlaceholder",
    "SystemMessagePromptTemplate",
]

_CLASSES: dict[type[BaseMessage], type[BaseStringMessagePromptTemplate]] = {
    HumanMessage: HumanMessagePromptTemplate,
    AIMessage: AIMessagePromptTemplate,
    SystemMessage: SystemMessagePromptTemplate,
}
_ROLES: dict[str, type[BaseStringMessagePromptTemplate]] = {
    "human": HumanMessagePromptTemplate,
    "user": HumanMessagePromptTemplate,
    "ai": AIMessagePromptTemplate,
    "assistant": AIMessagePromptTemplate,
    "system": SystemMessagePromptTemplate,
}


class BaseChatPromptTemplate(BasePromptTemplate, ABC):
    """A prompt whose value is a conversation; a subclass writes `format_messages`."""

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """Return the variables, which dumps keep beside the arguments."""
        return {"input_variables": self.input_variables}

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

    def format_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the conversation as a prompt value.

        Args:
            kwargs: Name -> value.
        """
        return ChatPromptValue(messages=self.format_messages(**kwargs))

    async def aformat_prompt(self, **kwargs: Any) -> PromptValue:
        """Return the conversation as a prompt value, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return ChatPromptValue(messages=await self.aformat_messages(**kwargs))

    def format(self, **kwargs: Any) -> str:
        """Return the conversation as text.

        Args:
            kwargs: Name -> value.
        """
        return get_buffer_string(self.format_messages(**kwargs))

    async def aformat(self, **kwargs: Any) -> str:
        """Return the conversation as text, on an event loop.

        Args:
            kwargs: Name -> value.
        """
        return get_buffer_string(await self.aformat_messages(**kwargs))

    def save(self, file_path: str | Path) -> None:
        """Refuse: a conversation has no form in files.

        Args:
            file_path: The file.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be saved as {str(file_path)!r}; use load.dumps.")

    def pretty_repr(self, html: bool = False) -> str:
        """Return the conversation as titled paragraphs; here the prompt's `repr` under its class's name.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        return f"{get_msg_title_repr(type(self).__name__, bold=html)}\n\n{self!r}"

    def pretty_print(self) -> None:
        """Print the conversation as titled paragraphs."""
        print(self.pretty_repr())  # noqa: T201 - printing is what was asked for


MessageLike = BaseMessagePromptTemplate | BaseMessage | BaseChatPromptTemplate
"""What a chat prompt is made of."""


class ChatPromptTemplate(BaseChatPromptTemplate):
    """A conversation with variables.

    Args:
        messages: The parts, see the module.
        template_format: The format of texts: `f-string`, `mustache` or `jinja2`.
        kwargs: Other fields.

    Raises:
        InvalidInputError: If something stands for no part, or a template is malformed.
        pydantic.ValidationError: If a value does not fit its field.
    """

    messages: list[MessageLike]
    validate_template: bool = False

    def __init__(self, messages: Sequence[Any], *, template_format: TemplateFormat = "f-string", **kwargs: Any) -> None:
        kwargs["messages"] = [_part(given, template_format) for given in messages]
        super().__init__(**kwargs)

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of chat prompts."""
        return ["langchain", "prompts", "chat"]

    @property
    def _prompt_type(self) -> str:
        return "chat"

    @model_validator(mode="before")
    @classmethod
    def _read_variables(cls, values: Any) -> Any:
        partial = dict(values.get("partial_variables") or {})
        needed: set[str] = set()
        optional: set[str] = set()
        types = dict(values.get("input_types") or {})
        for part in values["messages"]:
            needed.update(getattr(part, "input_variables", ()))
            types.update(getattr(part, "input_types", ()))
            if isinstance(part, MessagesPlaceholder):
                types.setdefault(part.variable_name, list[AnyMessage])
            if isinstance(part, MessagesPlaceholder) and part.optional:
                partial.setdefault(part.variable_name, [])
                optional.add(part.variable_name)
        found = {
            "input_variables": sorted(needed.difference(partial)),
            "partial_variables": partial,
            "input_types": types,
        }
        return {**values, **found, "optional_variables": sorted(optional)}

    @classmethod
    def from_messages(cls, messages: Sequence[Any], template_format: TemplateFormat = "f-string") -> Self:
        """Return a prompt made of the parts.

        Args:
            messages: The parts, see the module.
            template_format: The format of texts: `f-string`, `mustache` or `jinja2`.

        Raises:
            InvalidInputError: If something stands for no part, or a template is malformed.
        """
        return cls(messages, template_format=template_format)

    @classmethod
    def from_template(cls, template: str, **kwargs: Any) -> Self:
        """Return a prompt of one human message.

        Args:
            template: Its text with fields.
            kwargs: Passed on to `PromptTemplate.from_template`.

        Raises:
            InvalidInputError: If the template is malformed.
        """
        return cls([HumanMessagePromptTemplate.from_template(template, **kwargs)])

    def format_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages for the variables.

        Args:
            kwargs: Name -> value.

        Raises:
            InvalidInputError: If a placeholder is given something that is no list of messages.
            KeyError: If a variable is missing.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        made: list[BaseMessage] = []
        for part in self.messages:
            made.extend([part] if isinstance(part, BaseMessage) else part.format_messages(**values))
        return made

    async def aformat_messages(self, **kwargs: Any) -> list[BaseMessage]:
        """Return the messages for the variables, on an event loop.

        Args:
            kwargs: Name -> value.

        Raises:
            InvalidInputError: If a placeholder is given something that is no list of messages.
            KeyError: If a variable is missing.
        """
        values = self._merge_partial_and_user_variables(**kwargs)
        made: list[BaseMessage] = []
        for part in self.messages:
            made.extend([part] if isinstance(part, BaseMessage) else await part.aformat_messages(**values))
        return made

    def partial(self, **kwargs: Any) -> Self:
        """Return a copy in which these variables have their values; the prompt itself is not changed.

        Args:
            kwargs: Name -> value, or a function without arguments that is called at each use.
        """
        made = super().partial(**kwargs)
        made.messages = list(self.messages)
        return made

    def append(self, message: Any) -> None:
        """Add a part at the end.

        Args:
            message: The part, see the module.

        Raises:
            InvalidInputError: If it stands for no part.
        """
        self.extend([message])

    def extend(self, messages: Sequence[Any]) -> None:
        """Add parts at the end.

        Args:
            messages: The parts, see the module.

        Raises:
            InvalidInputError: If something stands for no part.
        """
        grown = ChatPromptTemplate(
            [*self.messages, *messages], partial_variables=self.partial_variables, input_types=self.input_types
        )
        self.messages = grown.messages
        self.input_variables = grown.input_variables
        self.input_types = grown.input_types
        self.optional_variables = grown.optional_variables
        self.partial_variables = grown.partial_variables

    def __len__(self) -> int:
        return len(self.messages)

    @overload
    def __getitem__(self, index: int) -> MessageLike: ...

    @overload
    def __getitem__(self, index: slice) -> ChatPromptTemplate: ...

    def __getitem__(self, index: int | slice) -> MessageLike | ChatPromptTemplate:
        if isinstance(index, slice):
            return ChatPromptTemplate(self.messages[index])
        return self.messages[index]

    def __add__(self, other: Any) -> ChatPromptTemplate:
        """Return both as one prompt, with the partial variables of both; a list or tuple adds each of its items.

        Raises:
            InvalidInputError: If something stands for no part.
        """
        partial = dict(self.partial_variables)
        if isinstance(other, ChatPromptTemplate):
            partial.update(other.partial_variables)
            added: list[Any] = list(other.messages)
        else:
            added = list(other) if isinstance(other, list | tuple) else [other]
        return ChatPromptTemplate([*self.messages, *added], partial_variables=partial)

    def pretty_repr(self, html: bool = False) -> str:
        """Return the conversation as titled paragraphs.

        Args:
            html: Set titles and names in bold with terminal escapes.
        """
        return "\n\n".join(part.pretty_repr(html=html) for part in self.messages)


def _part(given: Any, template_format: TemplateFormat) -> MessageLike:
    """Return the part of a conversation that something stands for.

    Raises:
        InvalidInputError: If it stands for none.
    """
    if isinstance(given, BaseMessage | BaseMessagePromptTemplate | BaseChatPromptTemplate):
        return given
    if isinstance(given, str):
        return HumanMessagePromptTemplate.from_template(given, template_format)
    if isinstance(given, Mapping) and set(given) == {"role", "content"}:
        return _of_role(given["role"], given["content"], template_format)
    if isinstance(given, list | tuple) and len(given) == 2:
        return _of_role(given[0], given[1], template_format)
    raise InvalidInputError(
        f"{given!r} stands for no part of a conversation; give a message, a message template, a text, "
        "a pair (role, template), or a mapping with 'role' and 'content'."
    )


def _of_role(role: Any, template: Any, template_format: TemplateFormat) -> MessageLike:
    if role == "placeholder":
        return _placeholder(template)
    if isinstance(role, type) and issubclass(role, BaseStringMessagePromptTemplate):
        return role.from_template(template, template_format)
    kind = _CLASSES.get(role) if isinstance(role, type) else _ROLES.get(role) if isinstance(role, str) else None
    if kind is None:
        raise InvalidInputError(f"Unknown role {role!r}; use one of {[*_ROLES, 'placeholder']!r}.")
    return kind.from_template(template, template_format)


def _placeholder(template: Any) -> MessagesPlaceholder:
    optional = True
    if isinstance(template, list | tuple) and len(template) == 2 and isinstance(template[1], bool):
        template, optional = template
    if not (isinstance(template, str) and template[:1] == "{" and template[-1:] == "}"):
        raise InvalidInputError(
            f"The placeholder is {template!r}; give a variable's name in braces, such as '{{name}}'."
        )
    return MessagesPlaceholder(template[1:-1], optional=optional)


on_conversation(ChatPromptTemplate)
