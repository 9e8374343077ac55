"""Runnables that are pydantic models: their parameters are fields, checked when they are made.

Prompts, parsers, tools and retrievers stand on these, and so do users' own. A runnable belongs to a program, not to a
journal: none of these classes is ever built from a stored span, whatever the span names.

A user's subclass may write only the blocking or only the async side of a pair of methods. On an event loop the one that
is nearest in the class's ancestry counts; a blocking one then runs in a worker thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, ClassVar, Generic, Literal

from pydantic import ConfigDict

from ..serializable import Serializable, wire_classes
from .base import Input, Output, Runnable
from .composed import Composed
from .config import RunnableConfig

__all__ = ["ComposedSerializable", "RunnableSerializable", "is_async_nearest", "is_ours"]

_PACKAGE = f"{__name__.partition('.')[0]}."


class RunnableSerializable(Serializable, Runnable[Input, Output], Generic[Input, Output]):
    """A runnable whose parameters are pydantic fields; a subclass writes `invoke`, or what it does best.

    Args:
        name: The name of its runs; its class's name when not given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    takes_child_config: ClassVar[bool] = False  # type: ignore[misc]  # pydantic must know that it is no field

    name: str | None = None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super(Serializable, cls).__pydantic_init_subclass__(**kwargs)  # not registered for replay


wire_classes.pop(RunnableSerializable.__name__, None)


class ComposedSerializable(RunnableSerializable[Input, Output], Composed[Input, Output], Generic[Input, Output]):
    """A runnable of one body whose parameters are pydantic fields.

    Where `stream_mode` is none a stream is one invocation whose output is the only chunk, on an event loop without a
    worker thread.
    """

    takes_child_config: ClassVar[bool] = True  # type: ignore[misc]  # pydantic must know that it is no field
    run_type: ClassVar[str] = "chain"
    stream_mode: ClassVar[Literal["input", "output", "none"]] = "input"

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """Return an iterator over the output for one input.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode != "none":
            return Composed.stream(self, input, config, **kwargs)
        return self._one(input, config, kwargs)

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """Return an async iterator over the output for one input.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the body.
        """
        if self.stream_mode != "none":
            return Composed.astream(self, input, config, **kwargs)
        return self._aone(input, config, kwargs)

    def _one(self, input: Any, config: RunnableConfig | None, kwargs: dict[str, Any]) -> Iterator[Any]:
        yield self.invoke(input, config, **kwargs)

    async def _aone(self, input: Any, config: RunnableConfig | None, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        yield await self.ainvoke(input, config, **kwargs)


@cache
def is_ours(kind: type, *methods: str) -> bool:
    """Return whether the class takes all these methods from this package, none from a user's class.

    Args:
        kind: The class.
        methods: The methods' names.
    """
    return all(getattr(kind, name).__module__.startswith(_PACKAGE) for name in methods)


@cache
def is_async_nearest(kind: type, asynchronous: str, blocking: str) -> bool:
    """Return whether an event loop should use the async method of a pair rather than the blocking one.

    Args:
        kind: The class.
        asynchronous: The async method's name.
        blocking: The blocking method's name.
    """
    for ancestor in kind.__mro__:
        if asynchronous in ancestor.__dict__:
            return True
        if blocking in ancestor.__dict__:
            return False
    return False
