"""Branch: the first runnable whose condition holds, else the default.

Conditions run one after another, each with the whole input, as children tagged `condition:<i>`; the chosen runnable is
tagged `branch:<i>`, counted from 1, or `branch:default`. The chosen one streams; the input is gathered first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, Generic, Literal

from ...tracing.scope import RunScope
from ..exceptions import CoercionError
from .base import Input, Output, Runnable
from .coerce import coerce_to_runnable
from .composed import Composed
from .io import Io, begins_stream, fold, folded

__all__ = ["RunnableBranch"]

_Any = Runnable[Any, Any]


class RunnableBranch(Composed[Input, Output], Generic[Input, Output]):
    """Runs what belongs to the first condition that holds.

    Args:
        branches: Pairs of a condition and a runnable, then the default: runnables, mappings or functions.

    Raises:
        TypeError: If a pair is none, or a part of it or the default cannot be made a runnable.
        ValueError: If there is no pair or no default, or a pair has not two parts.
    """

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "output"

    def __init__(self, *branches: Any) -> None:
        if len(branches) < 2:
            raise ValueError(
                f"RunnableBranch was given {len(branches)} branches; give at least one (condition, runnable) pair, "
                "then the default."
            )
        *pairs, default = branches
        if isinstance(default, (tuple, list)):
            raise TypeError(f"The default of RunnableBranch is {default!r}; end with a runnable, mapping or function.")
        self.default: _Any = _coerced(default, "The default of RunnableBranch")
        self.branches: Sequence[tuple[_Any, _Any]] = [_paired(pair, place) for place, pair in enumerate(pairs, 1)]
        self.name = None

    def __repr__(self) -> str:
        return f"RunnableBranch(branches={self.branches!r}, default={self.default!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableBranch) and (self.branches, self.default) == (other.branches, other.default)

    __hash__ = None  # type: ignore[assignment]  # a list of branches has no hash

    async def _chosen(self, value: Any, io: Io) -> tuple[_Any, str]:
        for place, (condition, step) in enumerate(self.branches, 1):
            if await io.invoke(condition, value, f"condition:{place}"):
                return step, f"branch:{place}"
        return self.default, "branch:default"

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the output of the chosen runnable.

        Args:
            value: The input of the conditions and of the chosen one.
            io: What the run may do.
            kwargs: Passed on to the chosen one.
        """
        step, tag = await self._chosen(value, io)
        return await io.invoke(step, value, tag, **kwargs)

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield the chunks of the chosen runnable as they come.

        Args:
            chunks: The input, gathered.
            io: What the run may do.
            kwargs: Passed on to the chosen one.
        """
        value = fold([chunk async for chunk in chunks])
        step, tag = await self._chosen(value, io)
        told = begins_stream(io.scope)
        stream = io.stream(step, value, tag, **kwargs)
        try:
            async for chunk in stream:
                if told:
                    io.scope.chunk(chunk)
                yield chunk
        finally:
            await io.close(stream)

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        """Return the chunks added up, or the last one where they refuse.

        Args:
            chunks: What `flow` yielded.
            scope: The run.
        """
        return folded(chunks)


def _paired(pair: Any, place: int) -> tuple[_Any, _Any]:
    if not isinstance(pair, (tuple, list)):
        raise TypeError(f"Branch {place} of RunnableBranch is {pair!r}; give a (condition, runnable) pair.")
    if len(pair) != 2:
        raise ValueError(
            f"Branch {place} of RunnableBranch has {len(pair)} parts: {pair!r}; give a (condition, runnable) pair."
        )
    condition, step = pair
    return _coerced(condition, f"The condition of branch {place}"), _coerced(step, f"The runnable of branch {place}")


def _coerced(thing: Any, what: str) -> _Any:
    try:
        return coerce_to_runnable(thing)
    except CoercionError as err:
        raise CoercionError(f"{what} is {thing!r}; give a runnable, a mapping or a function.") from err
