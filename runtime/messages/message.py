"""Messages: what goes into a chat model and what comes out.

`content` is a text or a list of texts and blocks (mappings with a `type`). Unknown keyword arguments are kept as extra
fields. `repr` always shows `additional_kwargs` and `response_metadata`, and other fields only if they are set.

Each class has its own `__init__`, because type checkers would otherwise make one up without the positional content.
"""

import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from ..serializable import Serializable
from .blocks import ContentBlock
from .tool_calls import InvalidToolCall, ToolCall, invalid_tool_call, read_raw_tool_calls, tool_call
from .translate import standard_blocks
from .usage import UsageMetadata

__all__ = [
    "AIMessage",
    "BaseMessage",
    "Blocks",
    "ChatMessage",
    "Content",
    "FunctionMessage",
    "HumanMessage",
    "RemoveMessage",
    "SystemMessage",
    "TextAccessor",
    "ToolMessage",
    "get_msg_title_repr",
    "text_of",
]

Content = str | Sequence[str | dict[Any, Any]]
"""What may be given as content: a text, or texts and blocks."""

Blocks = Sequence[Mapping[str, Any]]
"""What may be given as content blocks."""

_TITLE_WIDTH = 80


class TextAccessor(str):
    """A message's text: a plain string that may also be called, as older programs do."""

    __slots__ = ()

    def __call__(self) -> str:
        """Return the text. Deprecated: read `message.text` without calling it."""
        warnings.warn("message.text() is deprecated; read message.text instead.", DeprecationWarning, stacklevel=2)
        return str(self)


class BaseMessage(Serializable):
    """What all messages share.

    Args:
        content: A text, or a list of texts and blocks.
        content_blocks: Given instead of `content`, becomes the content as it is.
        additional_kwargs: What a provider sent beside the content.
        response_metadata: What a provider said about its answer.
        type: The kind of message; a name on the wire.
        name: Who speaks, where a provider makes use of it.
        id: The message's id; a provider's own where it gives one.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    model_config = ConfigDict(extra="allow")
    always_shown: ClassVar[frozenset[str]] = frozenset({"additional_kwargs", "response_metadata"})

    content: str | list[str | dict[Any, Any]]
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    response_metadata: dict[str, Any] = Field(default_factory=dict)
    type: str
    name: str | None = None
    id: str | None = Field(default=None, coerce_numbers_to_str=True)

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        if content_blocks is not None:
            content = [dict(block) for block in content_blocks]
        if content is not None:
            kwargs["content"] = content
        super().__init__(**kwargs)

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return True: dumps may hold messages."""
        return True

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return the documented namespace of messages."""
        return ["langchain", "schema", "messages"]

    @property
    def text(self) -> TextAccessor:
        """Return the content's texts and text blocks as one string."""
        return TextAccessor(text_of(self.content))

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """Return the content as standard blocks, whatever its provider's form; made anew at each call.

        Every piece of the content is in exactly one block, in order, as `non_standard` if it has no standard form.
        """
        return standard_blocks(self.content)

    def __add__(self, other: Any) -> Any:
        """Return a chat prompt of this message and the other: a message, a prompt, a text, or a list of such."""
        if not isinstance(other, str | list | tuple | BaseMessage) and not hasattr(other, "format_messages"):
            return NotImplemented
        prompts = import_module(f"{__name__.removesuffix('.messages.message')}.prompts")  # stands above messages
        return prompts.ChatPromptTemplate([self]) + other

    def pretty_repr(self, html: bool = False) -> str:
        """Return the message as a titled paragraph.

        Args:
            html: Set the title in bold with terminal escapes.
        """
        title = get_msg_title_repr(f"{self.type.title()} Message", bold=html)
        if self.name is not None:
            title += f"\nName: {self.name}"
        return f"{title}\n\n{self.content}"

    def pretty_print(self) -> None:
        """Print the message as a titled paragraph."""
        print(self.pretty_repr())  # noqa: T201 - printing is what was asked for


class HumanMessage(BaseMessage):
    """What a user says."""

    type: Literal["human"] = "human"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class SystemMessage(BaseMessage):
    """What a model is told about its task, usually first."""

    type: Literal["system"] = "system"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class ChatMessage(BaseMessage):
    """What a speaker of any role says."""

    role: str
    type: Literal["chat"] = "chat"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class FunctionMessage(BaseMessage):
    """A function's answer in the older form without a call id; prefer `ToolMessage`."""

    name: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    type: Literal["function"] = "function"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        super().__init__(content, content_blocks, **kwargs)


class RemoveMessage(BaseMessage):
    """A request to remove the message with this id from a history; it has no content."""

    type: Literal["remove"] = "remove"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, id: str, **kwargs: Any) -> None:
        if kwargs.pop("content", None):
            raise ValueError("RemoveMessage has no content; give only the id of the message to remove.")
        super().__init__("", id=id, **kwargs)


class AIMessage(BaseMessage):
    """What a model says.

    Args:
        content: As `BaseMessage`.
        content_blocks: As `BaseMessage`; blocks of type `tool_call` also fill `tool_calls` unless those are given.
        tool_calls: The tools the model wants called.
        invalid_tool_calls: Calls whose arguments could not be read. If neither is given, raw calls in
            `additional_kwargs["tool_calls"]` (OpenAI's form) are read.
        usage_metadata: The tokens of the call, or None.

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    tool_calls: list[ToolCall] = Field(default_factory=list)
    invalid_tool_calls: list[InvalidToolCall] = Field(default_factory=list)
    usage_metadata: UsageMetadata | None = None
    type: Literal["ai"] = "ai"  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, content: Content | None = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        if content_blocks is not None and not kwargs.get("tool_calls"):
            kwargs["tool_calls"] = [block for block in content_blocks if block.get("type") == "tool_call"]
        if kwargs:
            _normalise_calls(kwargs)
        super().__init__(content, content_blocks, **kwargs)

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """Return the tool calls, which dumps keep beside the arguments."""
        return {"tool_calls": self.tool_calls, "invalid_tool_calls": self.invalid_tool_calls}

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """Return the content as standard blocks, followed by calls that are not part of it; made anew at each call.

        Reasoning and a refusal that the provider sent beside the content are shown too.
        """
        return standard_blocks(self.content, self.call_blocks(), self.additional_kwargs)

    def call_blocks(self) -> list[Mapping[str, Any]]:
        """Return the tool calls as blocks, and those that could not be read."""
        calls = [{**call, "type": "tool_call"} for call in self.tool_calls]
        return [*calls, *({**call, "type": "invalid_tool_call"} for call in self.invalid_tool_calls)]

    def pretty_repr(self, html: bool = False) -> str:
        """Return the message as a titled paragraph, followed by its tool calls.

        Args:
            html: Set the title in bold with terminal escapes.
        """
        lines: list[str] = []
        if self.tool_calls:
            lines.append("Tool Calls:")
            for call in self.tool_calls:
                lines += _call_lines(call["name"], call["id"], None)
                lines += [f"    {key}: {value}" for key, value in call["args"].items()]
        if self.invalid_tool_calls:
            lines.append("Invalid Tool Calls:")
            for broken in self.invalid_tool_calls:
                lines += _call_lines(broken["name"], broken["id"], broken.get("error"))
                lines.append(f"    {broken['args']}")
        return "\n".join([super().pretty_repr(html).strip(), *lines]).strip()


class ToolMessage(BaseMessage):
    """A tool's answer to a call.

    Args:
        content: What the model gets to see. A tuple becomes a list, any other value its `str`.
        tool_call_id: The id of the call that is answered; a number or UUID becomes its `str`.
        artifact: The full result for the program; the model never sees it.
        status: "success" or "error".

    Raises:
        pydantic.ValidationError: If a value does not fit its field.
    """

    always_shown: ClassVar[frozenset[str]] = frozenset()

    tool_call_id: str
    artifact: Any = None
    status: Literal["success", "error"] = "success"
    type: Literal["tool"] = "tool"  # pyright: ignore[reportIncompatibleVariableOverride]

    @model_validator(mode="before")
    @classmethod
    def coerce_args(cls, values: Any) -> Any:
        """Return the arguments with content and call id in the accepted forms."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        if "content" in values:
            values["content"] = _tool_content(values["content"])
        if isinstance(values.get("tool_call_id"), int | float | UUID):
            values["tool_call_id"] = str(values["tool_call_id"])
        return values

    def __init__(self, content: Any = None, content_blocks: Blocks | None = None, **kwargs: Any) -> None:
        if content_blocks is None:
            content = _tool_content(content)
        super().__init__(content, content_blocks, **kwargs)


def get_msg_title_repr(title: str, *, bold: bool = False) -> str:
    """Return a title in the middle of a line of `=`, 80 characters wide, in bold if a terminal shall show it so."""
    padded = f" {title} "
    left = "=" * ((_TITLE_WIDTH - len(padded)) // 2)
    right = left + "=" * (len(padded) % 2)
    return f"{left}\033[1m{padded}\033[0m{right}" if bold else f"{left}{padded}{right}"


def text_of(content: Content) -> str:
    """Return a content's texts and text blocks as one string.

    Args:
        content: The content.
    """
    if isinstance(content, str):
        return content
    return _text_of(content[0]) if len(content) == 1 else "".join([_text_of(entry) for entry in content])


def _text_of(entry: str | dict[Any, Any]) -> str:
    if isinstance(entry, str):
        return entry
    text = entry.get("text") if entry.get("type") == "text" else None
    return text if isinstance(text, str) else ""


def _call_lines(name: str | None, call_id: str | None, error: str | None) -> list[str]:
    lines = [f"  {name} ({call_id})", f" Call ID: {call_id}"]
    if error:
        lines.append(f"  Error: {error}")
    return [*lines, "  Args:"]


def _normalise_calls(kwargs: dict[str, Any]) -> None:
    """Give calls their type and drop keys they do not have; read raw calls if there are no others."""
    calls, invalid = kwargs.get("tool_calls"), kwargs.get("invalid_tool_calls")
    if calls:
        kwargs["tool_calls"] = [_whole(call) for call in calls]
    if invalid:
        kwargs["invalid_tool_calls"] = [_unreadable(call) for call in invalid]
    if not calls and not invalid:
        raw = (kwargs.get("additional_kwargs") or {}).get("tool_calls")
        if raw and "tool_call_chunks" not in kwargs:
            kwargs["tool_calls"], kwargs["invalid_tool_calls"] = read_raw_tool_calls(raw)


def _whole(call: Any) -> Any:
    if isinstance(call, Mapping) and {"name", "args", "id"} <= call.keys():
        return tool_call(name=call["name"], args=call["args"], id=call["id"])
    return call


def _unreadable(call: Any) -> Any:
    if not isinstance(call, Mapping):
        return call
    broken = invalid_tool_call(**{key: call.get(key) for key in ("name", "args", "id", "error")})
    return {**broken, **{key: call[key] for key in ("index", "extras") if key in call}}


def _tool_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        return [entry if isinstance(entry, str | dict) else str(entry) for entry in content]
    return str(content)
