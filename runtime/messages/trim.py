"""The part of a conversation that fits a number of tokens."""

import inspect
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from ..exceptions import InvalidInputError
from .convert import MessageLikeRepresentation, convert_to_messages
from .count import count_tokens_approximately
from .forms import HasMessages, runnable_without_messages
from .message import BaseMessage, SystemMessage
from .select import MessageKind, is_of_kind

__all__ = ["TextSplitting", "TokenCounting", "trim_messages"]


@runtime_checkable
class TokenCounting(Protocol):
    """What counts tokens by a method, such as a model."""

    def get_num_tokens_from_messages(self, messages: list[BaseMessage]) -> int:
        """Return the number of tokens."""
        ...


@runtime_checkable
class TextSplitting(Protocol):
    """What splits texts by a method."""

    def split_text(self, text: str) -> list[str]:
        """Return the parts, which joined give the text."""
        ...


_TokenCounter = Callable[[list[BaseMessage]], int] | Callable[[BaseMessage], int] | TokenCounting | str
_Count = Callable[[list[BaseMessage]], int]
_Split = Callable[[str], list[str]]


@runnable_without_messages
def trim_messages(
    messages: Iterable[MessageLikeRepresentation] | HasMessages,
    *,
    max_tokens: int,
    token_counter: _TokenCounter,
    strategy: Literal["first", "last"] = "last",
    allow_partial: bool = False,
    end_on: MessageKind | Sequence[MessageKind] | None = None,
    start_on: MessageKind | Sequence[MessageKind] | None = None,
    include_system: bool = False,
    text_splitter: _Split | TextSplitting | None = None,
) -> list[BaseMessage]:
    r"""Return the first or last messages that together have at most `max_tokens` tokens.

    Without messages, return a runnable that takes them.

    Args:
        messages: The conversation, or what stands for its messages.
        max_tokens: The most tokens to keep.
        token_counter: A function of a list of messages, or of one if its argument is annotated as a message; a model;
            `len` to count messages; or "approximate".
        strategy: Keep the "first" or the "last" messages.
        allow_partial: Also keep what fits of the message at the cut: whole blocks, or parts of its text.
        end_on: Leave out what follows the last message of these kinds: types ("human") or classes. With "last" this
            is done before counting, with "first" after.
        start_on: Leave out what precedes the first message of these kinds, after counting; only with "last".
        include_system: Keep a system message at the front as well, even if it alone has too many; only with "last".
        text_splitter: Splits a text into parts for `allow_partial`, which joined give the text; the default splits
            after each "\n".

    Raises:
        InvalidInputError: If the strategy is unknown, `start_on` or `include_system` is given with "first", the
            counter cannot count, or something stands for no message.
    """
    if strategy not in ("first", "last"):
        raise InvalidInputError(f"Unknown strategy {strategy!r}; use 'first' or 'last'.")
    if strategy == "first" and (start_on is not None or include_system):
        given = f"{start_on=}" if start_on is not None else f"{include_system=}"
        raise InvalidInputError(f"{given} goes with strategy='last' only, but the strategy is 'first'.")
    count, split = _counter(token_counter), _splitter(text_splitter)
    whole = convert_to_messages(messages)
    if strategy == "first":
        kept = _longest_start(whole, max_tokens, count, split if allow_partial else None, turn=False)
        return _cut_after(kept, end_on)
    system = whole[:1] if include_system and whole and isinstance(whole[0], SystemMessage) else []
    rest = _cut_after(whole[len(system) :], end_on)

    def count_with_system(part: list[BaseMessage]) -> int:
        return count([*system, *reversed(part)])

    turned = _longest_start(rest[::-1], max_tokens, count_with_system, split if allow_partial else None, turn=True)
    return [*system, *_cut_after(turned, start_on)[::-1]]


def _cut_after(messages: list[BaseMessage], kinds: MessageKind | Sequence[MessageKind] | None) -> list[BaseMessage]:
    """Return the messages up to the last one of these kinds."""
    end = len(messages)
    while kinds and end and not is_of_kind(messages[end - 1], kinds):
        end -= 1
    return messages[:end]


def _longest_start(
    messages: list[BaseMessage], max_tokens: int, count: _Count, split: _Split | None, *, turn: bool
) -> list[BaseMessage]:
    """Return the longest beginning that fits; more messages never have fewer tokens, so it is found by halving."""
    fits = _largest(len(messages), lambda n: count(messages[:n]) <= max_tokens)
    kept = messages[:fits]
    if split is None or fits == len(messages):
        return kept
    return kept + _part(messages[fits], split, lambda part: count([*kept, part]) <= max_tokens, turn=turn)


def _largest(top: int, fits: Callable[[int], bool]) -> int:
    """Return the largest n up to `top` that fits; 0 always does."""
    if top and fits(top):
        return top
    low, high = 0, top
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _part(message: BaseMessage, split: _Split, fits: Callable[[BaseMessage], bool], *, turn: bool) -> list[BaseMessage]:
    """Return a list of what fits of a message, from its start, or its end if `turn`; an empty one if nothing does."""

    def with_content(content: Any) -> BaseMessage:
        return message.model_copy(update={"content": content})

    def take(things: list[Any], n: int) -> list[Any]:
        return things[len(things) - n :] if turn else things[:n]

    content = message.content
    if isinstance(content, list):
        blocks = content
        n = _largest(len(blocks), lambda n: fits(with_content(take(blocks, n))))
        if n:
            return [with_content(take(blocks, n))]
        edge: Any = take(blocks, 1)[0] if blocks else None
        text = edge if isinstance(edge, str) else edge.get("text") if isinstance(edge, dict) else None
    else:
        edge, text = content, content
    if not isinstance(text, str) or not text:
        return []

    def with_text(words: str) -> BaseMessage:
        if isinstance(content, str):
            return with_content(words)
        return with_content([words if isinstance(edge, str) else {**edge, "text": words}])

    parts = split(text)
    n = _largest(len(parts), lambda n: fits(with_text("".join(take(parts, n)))))
    return [with_text("".join(take(parts, n)))] if n else []


def _counter(counter: Any) -> _Count:
    if counter == "approximate":
        return count_tokens_approximately
    if isinstance(counter, TokenCounting):
        return counter.get_num_tokens_from_messages
    if not callable(counter):
        raise InvalidInputError(
            f"{counter!r} cannot count tokens; give a function, a model with get_num_tokens_from_messages "
            "or 'approximate'."
        )
    if _counts_one(counter):
        count_one = typing.cast(Callable[[BaseMessage], int], counter)
        return lambda messages: sum(map(count_one, messages))
    return typing.cast(_Count, counter)


def _counts_one(counter: Callable[..., Any]) -> bool:
    """Return whether the function's first argument is annotated as a message."""
    try:
        first = next(iter(inspect.signature(counter).parameters.values()), None)
        hints = typing.get_type_hints(counter)
    except (TypeError, ValueError, NameError):
        return False
    kind = hints.get(first.name) if first is not None else None
    return isinstance(kind, type) and issubclass(kind, BaseMessage)


def _splitter(splitter: Any) -> _Split:
    if splitter is None:
        return lambda text: text.splitlines(keepends=True) if "\n" in text else [text]
    if isinstance(splitter, TextSplitting):
        return splitter.split_text
    if not callable(splitter):
        raise InvalidInputError(f"{splitter!r} cannot split text; give a function or an object with split_text.")
    return typing.cast(_Split, splitter)
