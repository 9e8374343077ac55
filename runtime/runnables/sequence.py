"""Sequences: the output of each step is the input of the next.

Step `i` of a run carries the tag `seq:step:i`, counted from 1. A stream flows through all steps at once; a step that
needs its whole input holds the stream until it has it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Generic

from .base import Input, Output, Runnable
from .coerce import coerce_to_runnable
from .composed import Composed
from .config import RunnableConfig
from .io import Io

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RunnableSequence"]


class RunnableSequence(Composed[Input, Output], Generic[Input, Output]):
    """Steps run one after the other.

    Args:
        steps: Two or more runnables, mappings or functions; sequences among them are opened up.
        name: The name of its runs.
        first: The first step, instead of `steps`.
        middle: The steps between, instead of `steps`.
        last: The last step, instead of `steps`.

    Raises:
        ValueError: If there are fewer than two steps.
        CoercionError: If a step cannot be made a runnable.
    """

    _is_dumped = True

    def __init__(
        self,
        *steps: Any,
        name: str | None = None,
        first: Runnable[Any, Any] | None = None,
        middle: list[Runnable[Any, Any]] | None = None,
        last: Runnable[Any, Any] | None = None,
    ) -> None:
        given = list(steps)
        if not given and first is not None and last is not None:
            given = [first, *(middle or []), last]
        flat: list[Runnable[Any, Any]] = []
        for step in given:
            if isinstance(step, RunnableSequence):
                flat.extend(step.steps)
            else:
                flat.append(coerce_to_runnable(step))
        if len(flat) < 2:
            raise ValueError(f"A sequence was given {len(flat)} steps; it needs at least two.")
        self.steps: list[Runnable[Any, Any]] = flat
        self.name = name
        self._tags = [f"seq:step:{place}" for place in range(1, len(flat) + 1)]

    @property
    def first(self) -> Runnable[Any, Any]:
        """The first step."""
        return self.steps[0]

    @property
    def middle(self) -> list[Runnable[Any, Any]]:
        """The steps between the first and the last."""
        return self.steps[1:-1]

    @property
    def last(self) -> Runnable[Any, Any]:
        """The last step."""
        return self.steps[-1]

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of the first step's input."""
        return self.first.InputType

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of the last step's output."""
        return self.last.OutputType

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the input: the first step's, and what later steps need where the first only adds to it.

        Args:
            config: Values of configurable fields, where they change it.
        """
        return self._input_from(0, config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the output: the last step's, with what it lets pass from earlier ones.

        Args:
            config: Values of configurable fields, where they change it.
        """
        return self._output_to(len(self.steps) - 1, config)

    def _input_from(self, place: int, config: RunnableConfig | None) -> type[BaseModel]:
        step = self.steps[place]
        if place == len(self.steps) - 1:
            return step.get_input_schema(config)
        return step._input_before(lambda: self._input_from(place + 1, config), config)

    def _output_to(self, place: int, config: RunnableConfig | None) -> type[BaseModel]:
        step = self.steps[place]
        if place == 0:
            return step.get_output_schema(config)
        return step._output_after(lambda: self._output_to(place - 1, config), config)

    def __repr__(self) -> str:
        return "\n| ".join(repr(step) for step in self.steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableSequence) and (self.steps, self.name) == (other.steps, other.name)

    __hash__ = None  # type: ignore[assignment]  # a list of steps has no hash

    def __or__(self, other: Any) -> RunnableSequence[Any, Any]:
        """Return this sequence with the other appended; it keeps its name."""
        return RunnableSequence(*self.steps, coerce_to_runnable(other), name=self.name)

    def __ror__(self, other: Any) -> RunnableSequence[Any, Any]:
        """Return this sequence with the other in front; it keeps its name."""
        return RunnableSequence(coerce_to_runnable(other), *self.steps, name=self.name)

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the last step's output.

        Args:
            value: The input.
            io: What the run may do.
            kwargs: Passed on to the first step.
        """
        for step, tag in zip(self.steps, self._tags, strict=True):
            value = await io.invoke(step, value, tag, **kwargs)
            kwargs = {}
        return value

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the last step's chunks as they come.

        Args:
            chunks: The chunks of the input.
            io: What the run may do.
            kwargs: Passed on to the first step.
        """
        for step, tag in zip(self.steps, self._tags, strict=True):
            chunks = io.transform(step, chunks, tag, **kwargs)
            kwargs = {}
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await io.close(chunks)
