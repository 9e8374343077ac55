"""The config of a call: tags, metadata, callbacks and limits, and how configs merge.

Rules, as documented: a later config wins key by key; tags are united, sorted and unique; metadata and configurable are
merged; callbacks are added to each other. Keys that are not ours go to `configurable`. Inside a runnable, what a call
does not say comes from the enclosing run. `run_name` and `run_id` belong to one run and are never handed down.

A call without a config costs nothing here: dictionaries are built when user code asks to see one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypedDict, cast
from uuid import UUID

from ...tracing.callbacks.manager import AsyncCallbackManager, CallbackManager, Callbacks
from ...tracing.scope import CURRENT, Parent, RunScope
from ..exceptions import ConfigError

__all__ = [
    "CONFIG_KEYS",
    "DEFAULT_RECURSION_LIMIT",
    "RunnableConfig",
    "checked",
    "child_config",
    "ensure_config",
    "get_async_callback_manager_for_config",
    "get_callback_manager_for_config",
    "get_config_list",
    "handed_down",
    "merge_configs",
    "patch_config",
    "resolve",
    "visible_config",
]

DEFAULT_RECURSION_LIMIT = 25
"""How deep a function may return runnables that are run in its place."""

CONFIG_KEYS = (
    "tags",
    "metadata",
    "callbacks",
    "run_name",
    "max_concurrency",
    "recursion_limit",
    "configurable",
    "run_id",
)
"""The keys of a config."""

_NOTHING: Mapping[str, Any] = {}
_OF_ONE_RUN = frozenset({"callbacks", "run_name", "run_id"})
_TRACED_CONFIGURABLE = ("model", "checkpoint_ns")


class RunnableConfig(TypedDict, total=False):
    """What a call may say."""

    tags: list[str]
    """Tags of this run and its descendants; filters match them."""
    metadata: dict[str, Any]
    """Metadata of this run and its descendants; scalars also stand on the spans."""
    callbacks: Callbacks
    """Handlers, or a manager."""
    run_name: str
    """The name of this one run."""
    max_concurrency: int | None
    """How many steps of a batch or a parallel may run at once."""
    recursion_limit: int
    """How deep functions may return runnables; 25 when not said."""
    configurable: dict[str, Any]
    """Values of configurable fields and alternatives, and every key that is not ours."""
    run_id: UUID | None
    """The id of this one run."""


def checked(config: Any) -> Mapping[str, Any]:
    """Return the config if it is a mapping.

    Args:
        config: What the caller passed.

    Raises:
        ConfigError: If it is not a mapping.
    """
    if type(config) is not dict and not isinstance(config, Mapping):
        raise ConfigError(f"The config is {config!r}; give a mapping such as {{'tags': ['mine']}}, or leave it out.")
    return config


def resolve(config: Mapping[str, Any] | None) -> tuple[Callbacks | Parent, Mapping[str, Any]]:
    """Return the callbacks that a call runs under, and the rest of its config with the enclosing run's.

    Args:
        config: The config of the call.

    Raises:
        ConfigError: If it is not a mapping.
    """
    ambient = CURRENT.get()
    if not config:
        if config is not None:
            checked(config)
        return (None, {}) if ambient is None else (Parent(ambient), ambient.config)
    callbacks = (config if type(config) is dict else checked(config)).get("callbacks")
    if type(callbacks) is Parent:  # from a step of ours: already merged with the enclosing run's config
        return callbacks, config
    merged = _with_ambient(config, ambient)
    if callbacks is None and ambient is not None:
        return Parent(ambient), merged
    return callbacks, merged


def _with_ambient(config: Mapping[str, Any], ambient: RunScope | None) -> dict[str, Any]:
    merged: dict[str, Any] = dict(ambient.config) if ambient is not None else {}
    extra: dict[str, Any] = {}
    for key, value in config.items():
        if key not in CONFIG_KEYS:
            extra[key] = value
        elif value is not None:
            merged[key] = value
    if extra:
        merged["configurable"] = {**merged.get("configurable", {}), **extra}
    configurable = merged.get("configurable")
    if configurable:
        told = {key: configurable[key] for key in _TRACED_CONFIGURABLE if isinstance(configurable.get(key), str)}
        if told:
            merged["metadata"] = {**told, **merged.get("metadata", {})}
    return merged


def handed_down(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a resolved config belongs to the run's children too."""
    if not config or (len(config) == 1 and "callbacks" in config):
        return _NOTHING
    return {key: value for key, value in config.items() if key not in _OF_ONE_RUN}


def child_config(scope: RunScope, tag: str | None = None) -> RunnableConfig:
    """Return the config for a step of a run, as our own runnables pass it on.

    Args:
        scope: The run.
        tag: The step's tag.
    """
    return cast(RunnableConfig, {**scope.config, "callbacks": Parent(scope, tag)})


def visible_config(scope: RunScope, tag: str | None = None, *, blocking: bool = True) -> RunnableConfig:
    """Return the config for a step of a run, complete, as user code may look at it.

    Args:
        scope: The run.
        tag: The step's tag.
        blocking: Whether that code is blocking code.
    """
    manager = CallbackManager if blocking else AsyncCallbackManager
    base = scope.config
    return cast(
        RunnableConfig,
        {
            **base,
            "tags": list(base.get("tags") or ()),
            "metadata": dict(base.get("metadata") or {}),
            "callbacks": manager.of(Parent(scope, tag)),
            "recursion_limit": base.get("recursion_limit", DEFAULT_RECURSION_LIMIT),
            "configurable": dict(base.get("configurable") or {}),
        },
    )


def ensure_config(config: RunnableConfig | None = None) -> RunnableConfig:
    """Return a complete config: the call's, then the enclosing run's, then defaults.

    Args:
        config: The config of the call.

    Raises:
        ConfigError: If it is not a mapping.
    """
    callbacks, merged = resolve(config)
    if isinstance(callbacks, Parent):
        callbacks = CallbackManager.of(callbacks)
    return cast(
        RunnableConfig,
        {
            **merged,
            "tags": list(merged.get("tags") or ()),
            "metadata": dict(merged.get("metadata") or {}),
            "callbacks": callbacks,
            "recursion_limit": merged.get("recursion_limit", DEFAULT_RECURSION_LIMIT),
            "configurable": dict(merged.get("configurable") or {}),
        },
    )


def patch_config(
    config: RunnableConfig | None,
    *,
    callbacks: CallbackManager | None = None,
    recursion_limit: int | None = None,
    max_concurrency: int | None = None,
    run_name: str | None = None,
    configurable: dict[str, Any] | None = None,
) -> RunnableConfig:
    """Return a copy of the config with some keys replaced.

    Args:
        config: The config.
        callbacks: New callbacks; the name and id of the old run go with the old ones.
        recursion_limit: A new limit.
        max_concurrency: A new limit.
        run_name: A new name.
        configurable: Values to merge in.
    """
    made = ensure_config(config)
    if callbacks is not None:
        made["callbacks"] = callbacks
        made.pop("run_name", None)
        made.pop("run_id", None)
    if recursion_limit is not None:
        made["recursion_limit"] = recursion_limit
    if max_concurrency is not None:
        made["max_concurrency"] = max_concurrency
    if run_name is not None:
        made["run_name"] = run_name
    if configurable is not None:
        made["configurable"] = {**made.get("configurable", {}), **configurable}
    return made


def merge_configs(*configs: RunnableConfig | None) -> RunnableConfig:
    """Return the configs as one; a later one wins, tags, metadata, configurable and callbacks are united.

    Args:
        configs: The configs, None for nothing.

    Raises:
        ConfigError: If one is not a mapping.
    """
    made: dict[str, Any] = {}
    for config in configs:
        if not config:
            continue
        for key, value in checked(config).items():
            if key == "metadata" or key == "configurable":
                made[key] = {**made.get(key, {}), **(value or {})}
            elif key == "tags":
                made[key] = sorted({*made.get(key, ()), *(value or ())})
            elif key == "callbacks":
                made[key] = _united(made.get(key), value)
            elif value is not None or key not in made:
                made[key] = value
    return cast(RunnableConfig, made)


def _united(first: Any, second: Any) -> Any:
    if not second:
        return first if second is None or first is not None else second
    if not first:
        return second
    if isinstance(first, Parent):
        first = CallbackManager.of(first)
    if isinstance(second, Parent):
        second = CallbackManager.of(second)
    if isinstance(second, CallbackManager):
        if isinstance(first, CallbackManager):
            return first.merge(second) if second.parent_scope is None else second.merge(first)
        manager, handlers = second.copy(), first
    elif isinstance(first, CallbackManager):
        manager, handlers = first.copy(), second
    else:
        return [*first, *(handler for handler in second if handler not in first)]
    for handler in handlers:
        manager.add_handler(handler, inherit=True)
    return manager


def get_config_list(config: RunnableConfig | Sequence[RunnableConfig] | None, length: int) -> list[RunnableConfig]:
    """Return one config an input of a batch.

    Args:
        config: One for all, or one each. A `run_id` in one for all goes to the first input.
        length: How many inputs there are.

    Raises:
        ConfigError: If a config is not a mapping.
        ValueError: If the number of configs is not the number of inputs, or `length` is negative.
    """
    if length < 0:
        raise ValueError(f"length is {length!r}; it must be 0 or more.")
    if isinstance(config, Sequence) and not isinstance(config, str):
        if len(config) != length:
            raise ValueError(f"{len(config)} configs were given for {length} inputs; give one each, or one for all.")
        return [ensure_config(one) for one in config]
    first = ensure_config(config)
    others = cast(RunnableConfig, {key: value for key, value in first.items() if key != "run_id"})
    return [cast(RunnableConfig, dict(first if place == 0 else others)) for place in range(length)]


def get_callback_manager_for_config(config: RunnableConfig) -> CallbackManager:
    """Return the manager that a run with this config would get.

    Args:
        config: The config.
    """
    return CallbackManager.configure(
        _public(config.get("callbacks")),
        inheritable_tags=config.get("tags"),
        inheritable_metadata=config.get("metadata"),
    )


def get_async_callback_manager_for_config(config: RunnableConfig) -> AsyncCallbackManager:
    """Return the manager that a run with this config would get on an event loop.

    Args:
        config: The config.
    """
    return AsyncCallbackManager.configure(
        _public(config.get("callbacks")),
        inheritable_tags=config.get("tags"),
        inheritable_metadata=config.get("metadata"),
    )


def _public(callbacks: Any) -> Callbacks:
    return CallbackManager.of(callbacks) if isinstance(callbacks, Parent) else callbacks


if not TYPE_CHECKING:  # checkers would take it for leave to import any name

    def __getattr__(name: str) -> Any:
        if name != "run_in_executor":  # programs import it from here; it stands above
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(".io_loop", __package__).run_in_executor
