"""A runnable mapped over a list: every item is a child run, the outputs keep their order."""

from __future__ import annotations

from functools import partial
from typing import Any

from .base import Runnable
from .composed import Composed
from .io import Io

__all__ = ["RunnableEach"]


class RunnableEach(Composed[Any, list[Any]]):
    """Runs another runnable for each item of its input.

    Args:
        bound: The runnable.
    """

    def __init__(self, bound: Runnable[Any, Any]) -> None:
        self.bound = bound

    def __repr__(self) -> str:
        return f"RunnableEach(bound={self.bound!r})"

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs, which tells the bound runnable's.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead of its own.
        """
        return super().get_name(
            suffix, name=name or getattr(self, "name", None) or f"RunnableEach<{self.bound.get_name()}>"
        )

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the outputs for all items, in order.

        Args:
            value: The items.
            io: What the run may do.
            kwargs: Passed on to the bound runnable.
        """
        jobs = [partial(_invoked, self.bound, item, kwargs) for item in value]
        return await io.gather(jobs, io.scope.config.get("max_concurrency"))


async def _invoked(bound: Runnable[Any, Any], item: Any, kwargs: dict[str, Any], io: Io) -> Any:
    return await io.invoke(bound, item, **kwargs)
