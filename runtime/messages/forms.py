"""Functions of messages that are also steps of a chain: called without messages they give a runnable.

Runnables stand above messages, so what makes one is not imported here: see `on_runnable`.
"""

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Concatenate, ParamSpec, Protocol, overload, runtime_checkable

from .convert import MessageLikeRepresentation
from .message import BaseMessage

__all__ = ["HasMessages", "MessagesFunction", "on_runnable", "runnable_without_messages"]

P = ParamSpec("P")


@runtime_checkable
class HasMessages(Protocol):
    """Something that can be read as messages, such as a prompt value."""

    def to_messages(self) -> list[BaseMessage]:
        """Return the messages."""
        ...


class MessagesFunction(Protocol[P]):
    """A function of messages that gives a runnable when called without them."""

    @overload
    def __call__(
        self, messages: Iterable[MessageLikeRepresentation] | HasMessages, *args: P.args, **kwargs: P.kwargs
    ) -> list[BaseMessage]: ...

    @overload
    def __call__(self, messages: None = None, *args: P.args, **kwargs: P.kwargs) -> Any: ...


_Maker = Callable[..., Any]
_makers: list[_Maker] = []


def on_runnable(maker: _Maker) -> None:
    """Have `maker(function, name=...)` make the runnables from now on; it is called with a function of one value."""
    _makers[:] = [maker]


def _maker() -> _Maker:
    """Return what makes a runnable: what was told, else RunnableLambda, loaded by name by the few who ask for one."""
    if not _makers:
        on_runnable(import_module(f"{__name__.removesuffix('.messages.forms')}.runnables").RunnableLambda)
    return _makers[0]


def runnable_without_messages(
    function: Callable[Concatenate[Iterable[MessageLikeRepresentation] | HasMessages, P], list[BaseMessage]],
) -> MessagesFunction[P]:
    """Return the function with a second form: without messages, a runnable that takes them.

    The runnable refuses bad arguments when it runs, not when it is made.
    """

    @functools.wraps(function)
    def either(messages: Any = None, *args: P.args, **kwargs: P.kwargs) -> Any:
        if messages is not None:
            return function(messages, *args, **kwargs)

        def step(messages: Any) -> list[BaseMessage]:
            return function(messages, *args, **kwargs)

        return _maker()(step, name=function.__name__)

    return either
