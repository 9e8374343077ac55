"""What of a runnable may be chosen at run time, as programs declare it and as `config_specs` lists it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = [
    "AnyConfigurableField",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "checked_field",
    "choices",
    "chosen_value",
    "get_unique_config_specs",
]


class ConfigurableField(NamedTuple):
    """A field whose value is given under `configurable` in the config.

    Args:
        id: The key under `configurable`.
        name: What people are shown.
        description: What people are told.
        annotation: The type of the value; the field's own when not given.
        is_shared: Whether the key keeps its name when alternatives prefix theirs.
    """

    id: str
    name: str | None = None
    description: str | None = None
    annotation: Any = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, self.annotation))


class ConfigurableFieldSingleOption(NamedTuple):
    """A field whose value is one of some named options.

    Args:
        id: The key under `configurable`; the value there is an option's name.
        options: Name -> value.
        default: The name of the option that holds when nothing is said.
        name: What people are shown.
        description: What people are told.
        is_shared: Whether the key keeps its name when alternatives prefix theirs.
    """

    id: str
    options: Mapping[str, Any]
    default: str
    name: str | None = None
    description: str | None = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, tuple(self.options), self.default))


class ConfigurableFieldMultiOption(NamedTuple):
    """A field whose value is a list of some named options.

    Args:
        id: The key under `configurable`; the value there is a list of names.
        options: Name -> value.
        default: The names of the options that hold when nothing is said.
        name: What people are shown.
        description: What people are told.
        is_shared: Whether the key keeps its name when alternatives prefix theirs.
    """

    id: str
    options: Mapping[str, Any]
    default: Sequence[str]
    name: str | None = None
    description: str | None = None
    is_shared: bool = False

    def __hash__(self) -> int:
        return hash((self.id, tuple(self.options), tuple(self.default)))


AnyConfigurableField = ConfigurableField | ConfigurableFieldSingleOption | ConfigurableFieldMultiOption
"""Any way to declare a field."""


class ConfigurableFieldSpec(NamedTuple):
    """A key under `configurable` that a runnable looks at.

    Args:
        id: The key.
        annotation: The type of its value.
        name: What people are shown.
        description: What people are told.
        default: The value that holds when nothing is said.
        is_shared: Whether the key keeps its name when alternatives prefix theirs.
        dependencies: Keys that must be given too.
    """

    id: str
    annotation: Any
    name: str | None = None
    description: str | None = None
    default: Any = None
    is_shared: bool = False
    dependencies: list[str] | None = None


def checked_field(name: str, spec: Any) -> AnyConfigurableField:
    """Return the declaration if it is a whole one.

    Args:
        name: The field's name.
        spec: The declaration.

    Raises:
        TypeError: If it is no declaration.
        ValueError: If its id is empty, or its default is none of its options.
    """
    if not isinstance(spec, AnyConfigurableField):
        raise TypeError(f"{name} was declared as {spec!r}; give ConfigurableField(id=...) or one with options.")
    if not isinstance(spec.id, str) or not spec.id:
        raise ValueError(f"{name} was declared with the id {spec.id!r}; give a text that is not empty.")
    if not isinstance(spec, ConfigurableField):
        wanted = [spec.default] if isinstance(spec, ConfigurableFieldSingleOption) else list(spec.default)
        unknown = [option for option in wanted if option not in spec.options]
        if unknown:
            raise ValueError(
                f"The default {unknown[0]!r} of {spec.id!r} is none of its options {list(spec.options)!r}."
            )
    return spec


def chosen_value(spec: AnyConfigurableField, given: Mapping[str, Any]) -> tuple[bool, Any]:
    """Return whether the config or a default chooses a value, and which.

    Args:
        spec: The declaration.
        given: What stands under `configurable`.

    Raises:
        ValueError: If an option is not known.
    """
    if isinstance(spec, ConfigurableField):
        return spec.id in given, given.get(spec.id)
    value = given.get(spec.id, spec.default)
    if isinstance(spec, ConfigurableFieldSingleOption):
        return True, _option(spec, value)
    return True, [_option(spec, one) for one in value]


def _option(spec: ConfigurableFieldSingleOption | ConfigurableFieldMultiOption, name: Any) -> Any:
    key = name.value if isinstance(name, Enum) else name
    if key not in spec.options:
        raise ValueError(f"Unknown option {name!r} for {spec.id!r}; use one of {list(spec.options)!r}.")
    return spec.options[key]


@lru_cache(maxsize=512)
def choices(name: str, options: tuple[str, ...]) -> Any:
    """Return an enum of texts; the same one for the same name and options, so that specs compare equal.

    Args:
        name: The enum's name.
        options: Its values.
    """
    return Enum(name, [(option, option) for option in options], type=str)


def get_unique_config_specs(specs: Iterable[ConfigurableFieldSpec]) -> list[ConfigurableFieldSpec]:
    """Return the specs sorted by id, each once.

    Args:
        specs: The specs.

    Raises:
        ValueError: If two specs of one id differ.
    """
    found: dict[str, ConfigurableFieldSpec] = {}
    for spec in specs:
        known = found.setdefault(spec.id, spec)
        if known != spec:
            raise ValueError(f"Conflicting config specs for {spec.id!r}: {known!r} and {spec!r}; give one another id.")
    return [found[key] for key in sorted(found)]
