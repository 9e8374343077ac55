"""Runnables in whose place another can be chosen at run time, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from .base import Runnable
from .config import RunnableConfig
from .configurable_fields import DynamicRunnable
from .fields import (
    AnyConfigurableField,
    ConfigurableField,
    ConfigurableFieldSpec,
    checked_field,
    choices,
    get_unique_config_specs,
)

__all__ = ["RunnableConfigurableAlternatives", "make_configurable_alternatives", "prefix_config_spec"]


class RunnableConfigurableAlternatives(DynamicRunnable):
    """A runnable in whose place another can be chosen at run time.

    Args:
        which: The key under `configurable`.
        default: The runnable that is chosen when nothing is said.
        alternatives: Name -> a runnable, or a function without arguments that makes one when it is chosen.
        default_key: The default's name.
        prefix_keys: Whether the configurable fields of an alternative are named `<which>==<name>/<field>`.

    Raises:
        TypeError: If `which` is no `ConfigurableField`, or an alternative is neither runnable nor callable.
        ValueError: If an alternative has the default's name.
    """

    def __init__(
        self,
        which: ConfigurableField,
        default: Runnable[Any, Any],
        alternatives: Mapping[str, Runnable[Any, Any] | Callable[[], Runnable[Any, Any]]],
        default_key: str = "default",
        prefix_keys: bool = False,
    ) -> None:
        super().__init__(default)
        if not isinstance(which, ConfigurableField):
            raise TypeError(f"which is {which!r}; give a ConfigurableField(id=...).")
        checked_field("which", which)
        for name, alternative in alternatives.items():
            if not (isinstance(alternative, Runnable) or callable(alternative)):
                raise TypeError(
                    f"Alternative {name!r} is {alternative!r}; give a runnable, or a function that makes one."
                )
        if default_key in alternatives:
            raise ValueError(
                f"Alternative {default_key!r} has the default's name; give it another, or set default_key."
            )
        self.which = which
        self.alternatives = dict(alternatives)
        self.default_key = default_key
        self.prefix_keys = prefix_keys

    def __repr__(self) -> str:
        names = [self.default_key, *self.alternatives]
        return f"RunnableConfigurableAlternatives(which={self.which.id!r}, default={self.default!r}, names={names!r})"

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        """Which one can be chosen, and the fields of each.

        Raises:
            ValueError: If two of them claim one id for different things.
        """
        which = self.which
        kind = choices(which.id, (*self.alternatives, self.default_key))
        own = ConfigurableFieldSpec(which.id, kind, which.name, which.description, self.default_key, which.is_shared)
        named = {self.default_key: self.default, **self.alternatives}
        inner = [
            prefix_config_spec(spec, f"{which.id}=={name}") if self.prefix_keys else spec
            for name, runnable in named.items()
            if isinstance(runnable, Runnable)
            for spec in runnable.config_specs
        ]
        return get_unique_config_specs([own, *inner])

    def configurable_fields(self, **kwargs: AnyConfigurableField) -> Any:
        """Return the same choice, with fields of the default to choose as well.

        Args:
            kwargs: Field name -> how it is chosen.

        Raises:
            TypeError: If a declaration is none.
            ValueError: If there is no such field, or a declaration is not whole.
        """
        default = self.default.configurable_fields(**kwargs)
        return RunnableConfigurableAlternatives(
            self.which, default, self.alternatives, self.default_key, self.prefix_keys
        )

    def choose(
        self, given: Mapping[str, Any], config: RunnableConfig | None
    ) -> tuple[Runnable[Any, Any], RunnableConfig | None]:
        """Return the alternative that is chosen, and the config with its keys freed of their prefix.

        Args:
            given: What stands under `configurable`.
            config: The config of the call.

        Raises:
            ValueError: If there is no such alternative.
            TypeError: If a function that was to make one did not.
        """
        said = given.get(self.which.id, self.default_key)
        name = getattr(said, "value", said)
        if self.prefix_keys:
            prefix = f"{self.which.id}=={name}/"
            freed = {key.removeprefix(prefix): value for key, value in given.items()}
            config = cast(RunnableConfig, {**(config or {}), "configurable": freed})
        if name == self.default_key:
            return self.default, config
        if name not in self.alternatives:
            known = [self.default_key, *self.alternatives]
            raise ValueError(f"Unknown alternative: {name!r} for {self.which.id!r}; use one of {known!r}.")
        found = self.alternatives[name]
        made = found if isinstance(found, Runnable) else found()
        if not isinstance(made, Runnable):
            raise TypeError(f"Alternative {name!r} made {made!r}; its function must return a runnable.")
        return made, config


def prefix_config_spec(spec: ConfigurableFieldSpec, prefix: str) -> ConfigurableFieldSpec:
    """Return the spec with a prefix before its id; a shared one as it is.

    Args:
        spec: The spec.
        prefix: The prefix.
    """
    return spec if spec.is_shared else spec._replace(id=f"{prefix}/{spec.id}")


def make_configurable_alternatives(
    runnable: Runnable[Any, Any],
    which: ConfigurableField,
    default_key: str,
    prefix_keys: bool,
    alternatives: Mapping[str, Any],
) -> RunnableConfigurableAlternatives:
    """Return a runnable in whose place another can be chosen at run time.

    Args:
        runnable: The default.
        which: The key under `configurable`.
        default_key: The default's name.
        prefix_keys: Whether the configurable fields of an alternative get its name before theirs.
        alternatives: Name -> a runnable, or a function that makes one.

    Raises:
        TypeError: If a declaration is none.
        ValueError: If an alternative has the default's name.
    """
    return RunnableConfigurableAlternatives(which, runnable, alternatives, default_key, prefix_keys)
