"""A runnable with config and arguments bound to it. It is no run of its own: only the bound one is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .base import Runnable
from .config import RunnableConfig, merge_configs

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["RunnableBinding"]


class RunnableBinding(Runnable[Any, Any]):
    """Passes every call on with its own arguments and config under those of the call.

    Args:
        bound: The runnable.
        kwargs: Arguments of every call; the call's own win.
        config: Config of every call; the call's own is merged over it.
        custom_input_type: The type of its input, where it is said.
        custom_output_type: The type of its output, where it is said.
    """

    takes_child_config = True
    _is_dumped = True

    def __init__(
        self,
        *,
        bound: Runnable[Any, Any],
        kwargs: Mapping[str, Any] | None = None,
        config: RunnableConfig | None = None,
        custom_input_type: type[Any] | None = None,
        custom_output_type: type[Any] | None = None,
    ) -> None:
        self.bound = bound
        self.kwargs: dict[str, Any] = dict(kwargs or {})
        self.config: RunnableConfig = merge_configs(config)
        self.custom_input_type = custom_input_type
        self.custom_output_type = custom_output_type

    def __repr__(self) -> str:
        return f"RunnableBinding(bound={self.bound!r}, kwargs={self.kwargs!r}, config={self.config!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunnableBinding):
            return NotImplemented
        return (self.bound, self.kwargs, self.config) == (other.bound, other.kwargs, other.config)

    __hash__ = None  # type: ignore[assignment]  # arguments need not have a hash

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "bound":
            raise AttributeError(name)
        return getattr(self.bound, name)

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of the bound runnable's runs.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead.
        """
        return self.bound.get_name(suffix, name=name or self.config.get("run_name"))

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of its input: what was said, else the bound runnable's."""
        return self.bound.InputType if self.custom_input_type is None else self.custom_input_type

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of its output: what was said, else the bound runnable's."""
        return self.bound.OutputType if self.custom_output_type is None else self.custom_output_type

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of its input: of what was said, else the bound runnable's.

        Args:
            config: Merged over the bound config.
        """
        said = self.custom_input_type is not None
        return super().get_input_schema(config) if said else self.bound.get_input_schema(self._told(config))

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of its output: of what was said, else the bound runnable's.

        Args:
            config: Merged over the bound config.
        """
        said = self.custom_output_type is not None
        return super().get_output_schema(config) if said else self.bound.get_output_schema(self._told(config))

    def _told(self, config: RunnableConfig | None) -> RunnableConfig:
        """Return the config under which the bound runnable is described."""
        return merge_configs(self.config, config)

    def _config(self, config: RunnableConfig | None) -> RunnableConfig:
        return merge_configs(self.config, config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the bound runnable's output.

        Args:
            input: The input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return self.bound.invoke(input, self._config(config), **{**self.kwargs, **kwargs})

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the bound runnable's output, on an event loop.

        Args:
            input: The input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return await self.bound.ainvoke(input, self._config(config), **{**self.kwargs, **kwargs})

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Return the bound runnable's stream.

        Args:
            input: The input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return self.bound.stream(input, self._config(config), **{**self.kwargs, **kwargs})

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Return the bound runnable's stream, on an event loop.

        Args:
            input: The input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return self.bound.astream(input, self._config(config), **{**self.kwargs, **kwargs})

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Return the bound runnable's stream for a stream of input.

        Args:
            input: The chunks of the input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return self.bound.transform(input, self._config(config), **{**self.kwargs, **kwargs})

    def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Return the bound runnable's stream for a stream of input, on an event loop.

        Args:
            input: The chunks of the input.
            config: Merged over the bound config.
            kwargs: Win over the bound arguments.
        """
        return self.bound.atransform(input, self._config(config), **{**self.kwargs, **kwargs})
