"""A runnable mapped over a list: every item is a child run, the outputs keep their order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .base import Runnable
from .composed import Composed
from .config import RunnableConfig
from .io import Io

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RunnableEach"]


class RunnableEach(Composed[Any, list[Any]]):
    """Runs another runnable for each item of its input.

    Args:
        bound: The runnable.
    """

    _is_dumped = True

    def __init__(self, bound: Runnable[Any, Any]) -> None:
        self.bound = bound

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """A list of what the bound runnable takes."""
        return list[self.bound.InputType]  # type: ignore[name-defined]  # a type made here

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """A list of what the bound runnable gives."""
        return list[self.bound.OutputType]  # type: ignore[name-defined]  # a type made here

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of a list of what the bound runnable takes.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import model_of_type

        return model_of_type(self.get_name("Input"), list[self.bound.get_input_schema(config)])  # type: ignore[misc]

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of a list of what the bound runnable gives.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import model_of_type

        return model_of_type(self.get_name("Output"), list[self.bound.get_output_schema(config)])  # type: ignore[misc]

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
