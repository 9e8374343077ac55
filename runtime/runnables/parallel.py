"""Parallel steps: every step gets the same input, the output is a mapping.

The step under a key carries the tag `map:key:<key>`. Steps run side by side, in worker threads or as tasks;
`max_concurrency` bounds how many. A stream yields one-key mappings in the order in which the steps give chunks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from .addable import AddableDict
from .base import Input, Runnable
from .coerce import coerce_to_runnable
from .composed import Composed
from .config import RunnableConfig
from .io import Io

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RunnableMap", "RunnableParallel"]


class RunnableParallel(Composed[Input, dict[str, Any]], Generic[Input]):
    """Steps under keys.

    Args:
        steps__: A mapping of keys to runnables, functions or mappings.
        kwargs: More steps, by keyword.

    Raises:
        CoercionError: If a step cannot be made a runnable.
    """

    _is_dumped = True

    def __init__(self, steps__: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = {**(steps__ or {}), **kwargs}
        self.steps__: dict[str, Runnable[Any, Any]] = {key: coerce_to_runnable(step) for key, step in given.items()}
        self.name = None

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs, which tells the keys.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead of its own.
        """
        return super().get_name(
            suffix, name=name or getattr(self, "name", None) or f"RunnableParallel<{','.join(self.steps__)}>"
        )

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of the first step's input that is known."""
        return next((kind for kind in (step.InputType for step in self.steps__.values()) if kind is not Any), Any)

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """A mapping."""
        return dict[str, Any]

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of what all steps need; of what the first one needs where they do not all take mappings.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import is_open, model_of_type, type_of_model, united

        models = [step.get_input_schema(config) for step in self.steps__.values()]
        known = [model for model in models if not is_open(model)]
        if known and all(type_of_model(model) is model for model in known):
            return united(self.get_name("Input"), known)
        return model_of_type(self.get_name("Input"), type_of_model(known[0]) if known else Any)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model with a field for each step's output.

        Args:
            config: Values of configurable fields, where they change it.
        """
        from .schemas import model_of_fields, type_of_model

        fields = {key: (type_of_model(step.get_output_schema(config)), ...) for key, step in self.steps__.items()}
        return model_of_fields(self.get_name("Output"), fields)

    def __repr__(self) -> str:
        inside = ",\n  ".join(f"{key}: {step!r}" for key, step in self.steps__.items())
        return "{\n  " + inside + "\n}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableParallel) and self.steps__ == other.steps__

    __hash__ = None  # type: ignore[assignment]  # a dict of steps has no hash

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the outputs of all steps by key.

        Args:
            value: The input of every step.
            io: What the run may do.
            kwargs: Not passed on.
        """
        jobs = [partial(_invoked, step, value, f"map:key:{key}") for key, step in self.steps__.items()]
        results = await io.gather(jobs, io.scope.config.get("max_concurrency"))
        return dict(zip(self.steps__, results, strict=True))

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        """Yield one-key mappings as the steps give chunks.

        Args:
            chunks: The chunks of the input of every step.
            io: What the run may do.
            kwargs: Not passed on.
        """
        inputs = io.tee(chunks, len(self.steps__))
        streams = {
            key: io.transform(step, own, f"map:key:{key}")
            for (key, step), own in zip(self.steps__.items(), inputs, strict=True)
        }
        merged = io.merge(streams)
        try:
            async for key, chunk in merged:
                yield AddableDict({key: chunk})
        finally:
            await io.close(merged)


async def _invoked(step: Runnable[Any, Any], value: Any, tag: str, io: Io) -> Any:
    return await io.invoke(step, value, tag)


RunnableMap = RunnableParallel
"""The same, by its other documented name."""
