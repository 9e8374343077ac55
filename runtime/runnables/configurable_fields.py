"""Runnables of which something is chosen at run time: a field's value, or the whole runnable.

A choice stands under `configurable` in the config of the call, or of the run that encloses it. The one that chooses is
no run of its own: the chosen runnable gets the call, and only its run is seen. What can be told of a wrong declaration
is told when it is made.
"""

from __future__ import annotations

import functools
import inspect
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .base import Runnable
from .config import RunnableConfig, resolve
from .fields import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSpec,
    checked_field,
    choices,
    chosen_value,
    get_unique_config_specs,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "DynamicRunnable",
    "RunnableConfigurableFields",
    "make_configurable_fields",
]


class DynamicRunnable(Runnable[Any, Any]):
    """Passes every call on to the runnable that the config chooses.

    Args:
        default: The runnable that is chosen when nothing is said.
    """

    takes_child_config = True
    _is_dumped = True

    def __init__(self, default: Runnable[Any, Any]) -> None:
        self.default = default

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "default":
            raise AttributeError(name)
        found = getattr(self.default, name)
        if not inspect.ismethod(found) or "config" not in inspect.signature(found).parameters:
            return found

        @functools.wraps(found)
        def chosen(*args: Any, **kwargs: Any) -> Any:
            if kwargs.get("config") is None:
                return found(*args, **kwargs)
            runnable, config = self.prepare(kwargs["config"])
            return getattr(runnable, name)(*args, **{**kwargs, "config": config})

        return chosen

    @abstractmethod
    def choose(
        self, given: Mapping[str, Any], config: RunnableConfig | None
    ) -> tuple[Runnable[Any, Any], RunnableConfig | None]:
        """Return the runnable that is chosen, and the config that it gets.

        Args:
            given: What stands under `configurable`.
            config: The config of the call.
        """

    def prepare(self, config: RunnableConfig | None = None) -> tuple[Runnable[Any, Any], RunnableConfig | None]:
        """Return the runnable that is chosen in the end, and the config that it gets.

        Args:
            config: The config of the call; what it does not say comes from the enclosing run.

        Raises:
            ConfigError: If the config is not a mapping.
            ValueError: If what is chosen is not known.
        """
        runnable: Runnable[Any, Any] = self
        while isinstance(runnable, DynamicRunnable):
            given = resolve(config)[1].get("configurable") or {}
            runnable, config = runnable.choose(given, config)
        return runnable, config

    @property
    def InputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of the default's input."""
        return self.default.InputType

    @property
    def OutputType(self) -> Any:  # noqa: N802  # the documented name
        """The type of the default's output."""
        return self.default.OutputType

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the chosen one's input.

        Args:
            config: What chooses.
        """
        runnable, config = self.prepare(config)
        return runnable.get_input_schema(config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return a model of the chosen one's output.

        Args:
            config: What chooses.
        """
        runnable, config = self.prepare(config)
        return runnable.get_output_schema(config)

    def get_graph(self, config: Any = None) -> Any:
        """Return the graph of the chosen one.

        Args:
            config: What chooses.
        """
        runnable, config = self.prepare(config)
        return runnable.get_graph(config)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the chosen one's output.

        Args:
            input: The input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return runnable.invoke(input, config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """Return the chosen one's output, on an event loop.

        Args:
            input: The input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return await runnable.ainvoke(input, config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Return the chosen one's stream.

        Args:
            input: The input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return runnable.stream(input, config, **kwargs)

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """Return the chosen one's stream, on an event loop.

        Args:
            input: The input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return runnable.astream(input, config, **kwargs)

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """Return the chosen one's stream for a stream of input.

        Args:
            input: The chunks of the input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return runnable.transform(input, config, **kwargs)

    def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Return the chosen one's stream for a stream of input, on an event loop.

        Args:
            input: The chunks of the input.
            config: What chooses; passed on.
            kwargs: Passed on.
        """
        runnable, config = self.prepare(config)
        return runnable.atransform(input, config, **kwargs)


class RunnableConfigurableFields(DynamicRunnable):
    """A runnable whose fields can be chosen at run time.

    Args:
        default: The runnable.
        fields: Field name -> how it is chosen.

    Raises:
        TypeError: If a declaration is none.
        ValueError: If there is no such field, or a declaration is not whole.
    """

    def __init__(self, default: Runnable[Any, Any], fields: Mapping[str, AnyConfigurableField]) -> None:
        super().__init__(default)
        self.fields = {name: checked_field(name, spec) for name, spec in fields.items()}
        known = _field_types(default)
        for name in self.fields:
            if name not in known:
                raise ValueError(
                    f"Configuration key {name!r} not found in {default!r}: available keys are {sorted(known)!r}."
                )

    def __repr__(self) -> str:
        return f"RunnableConfigurableFields(default={self.default!r}, fields={self.fields!r})"

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """The fields that can be chosen.

        Raises:
            ValueError: If two of them claim one id for different things.
        """
        specs = [self._spec(name, field) for name, field in self.fields.items()]
        return get_unique_config_specs([*specs, *self.default.config_specs])

    def _spec(self, name: str, field: AnyConfigurableField) -> ConfigurableFieldSpec:
        if isinstance(field, ConfigurableField):
            kind = _field_types(self.default)[name] if field.annotation is None else field.annotation
            default = getattr(self.default, name)
            return ConfigurableFieldSpec(field.id, kind, field.name, field.description, default, field.is_shared)
        kind = choices(field.id, tuple(field.options))
        default = field.default
        if isinstance(field, ConfigurableFieldMultiOption):
            kind, default = list.__class_getitem__(kind), list(field.default)
        return ConfigurableFieldSpec(field.id, kind, field.name, field.description, default, field.is_shared)

    def configurable_fields(self, **kwargs: AnyConfigurableField) -> Any:
        """Return the runnable with more of its fields to choose.

        Args:
            kwargs: Field name -> how it is chosen; they win over those declared before.

        Raises:
            TypeError: If a declaration is none.
            ValueError: If there is no such field, or a declaration is not whole.
        """
        return self.default.configurable_fields(**{**self.fields, **kwargs})

    def choose(
        self, given: Mapping[str, Any], config: RunnableConfig | None
    ) -> tuple[Runnable[Any, Any], RunnableConfig | None]:
        """Return the runnable with the chosen values, and the config.

        Args:
            given: What stands under `configurable`.
            config: The config of the call.

        Raises:
            ValueError: If an option is not known.
            pydantic.ValidationError: If a value does not fit its field.
        """
        chosen = {}
        for name, field in self.fields.items():
            is_said, value = chosen_value(field, given)
            if is_said:
                chosen[name] = value
        return (_rebuilt(self.default, chosen) if chosen else self.default), config


def make_configurable_fields(runnable: Runnable[Any, Any], fields: Mapping[str, Any]) -> RunnableConfigurableFields:
    """Return a runnable whose fields can be chosen at run time.

    Args:
        runnable: The runnable.
        fields: Field name -> how it is chosen.

    Raises:
        TypeError: If a declaration is none.
        ValueError: If there is no such field, or a declaration is not whole.
    """
    return RunnableConfigurableFields(runnable, fields)


def _field_types(runnable: Runnable[Any, Any]) -> dict[str, Any]:
    fields = getattr(type(runnable), "model_fields", None)
    if fields is not None:
        return {name: field.annotation for name, field in fields.items()}
    return dict.fromkeys(runnable._parameters(), Any)


def _rebuilt(runnable: Runnable[Any, Any], chosen: Mapping[str, Any]) -> Runnable[Any, Any]:
    """Return the runnable made anew, so that its fields are checked, with other values for some of them."""
    kind = type(runnable)
    fields: Mapping[str, Any] | None = getattr(kind, "model_fields", None)
    if fields is None:
        return kind(**{**runnable._parameters(), **chosen})
    values = {**{name: vars(runnable)[name] for name in fields if name in vars(runnable)}, **chosen}
    by_name = kind.model_config.get("populate_by_name") or kind.model_config.get("validate_by_name")  # type: ignore[attr-defined]
    named = {(name if by_name else fields[name].alias or name): value for name, value in values.items()}
    return kind(**named)
