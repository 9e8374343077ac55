"""Runnables that are pydantic models: prompts, parsers, models, tools, retrievers, and what users derive from them."""

from __future__ import annotations

from typing import Any, ClassVar, Generic

from pydantic import ConfigDict

from ..serializable import Serializable
from .base import Input, Output, Runnable
from .composed import Composed

__all__ = ["ComposedSerializable", "RunnableSerializable"]


class RunnableSerializable(Serializable, Runnable[Input, Output], Generic[Input, Output]):
    """A runnable with fields: write `invoke`, or whichever of the six methods fits.

    Args:
        name: The name of its runs; its class's name when not given.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    name: str | None = None


class ComposedSerializable(Serializable, Composed[Input, Output], Generic[Input, Output]):
    """A runnable with fields whose every execution is a run: write `body`.

    Args:
        name: The name of its runs; its class's name when not given.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    name: str | None = None

    def __repr_args__(self) -> Any:
        """Return the fields that its `repr` shows."""
        return [(name, value) for name, value in super().__repr_args__() if name != "name"]
