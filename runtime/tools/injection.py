"""Arguments that the runtime fills in for a tool's function, and that no model is told of.

They are those named `callbacks` or `run_manager`, and one annotated `RunnableConfig`, or named `config` without an
annotation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from ...tracing.callbacks.run_managers import manager_of
from ...tracing.scope import RunScope
from ..runnables.config import RunnableConfig, visible_config

__all__ = ["Injected", "hints_of", "injected_into", "injected_of"]


class Injected(NamedTuple):
    """Which arguments of a function the runtime fills in.

    Args:
        manager: Whether it takes `run_manager`.
        callbacks: Whether it takes `callbacks`.
        config: The name of the argument that gets the config, or None.
    """

    manager: bool
    callbacks: bool
    config: str | None

    @property
    def names(self) -> frozenset[str]:
        """The names of the arguments."""
        made = {"run_manager"} if self.manager else set()
        made |= {"callbacks"} if self.callbacks else set()
        return frozenset(made | ({self.config} if self.config else set()))


def injected_of(function: Callable[..., Any]) -> Injected:
    """Return which arguments of a function the runtime fills in; a function is looked at once.

    Args:
        function: The function, or a method.
    """
    return _injected(getattr(function, "__func__", function))


@lru_cache(maxsize=1024)
def _injected(function: Callable[..., Any]) -> Injected:
    hints = hints_of(function)
    config = None
    parameters = inspect.signature(function).parameters
    for name in parameters:
        if _is_config(hints.get(name)) or (name == "config" and name not in hints):
            config = name
    return Injected("run_manager" in parameters, "callbacks" in parameters, config)


def injected_into(function: Callable[..., Any], scope: RunScope, *, blocking: bool) -> dict[str, Any]:
    """Return the arguments that the runtime fills in for a function inside a tool's run.

    Args:
        function: The function, or a method.
        scope: The tool's run.
        blocking: Whether the function is blocking code.
    """
    wanted = injected_of(function)
    made: dict[str, Any] = {}
    if wanted.manager or wanted.callbacks:
        manager = manager_of(scope, blocking=blocking)
        if wanted.manager:
            made["run_manager"] = manager
        if wanted.callbacks:
            made["callbacks"] = manager.get_child()
    if wanted.config:
        made[wanted.config] = visible_config(scope, blocking=blocking)
    return made


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a function, `Annotated` kept; texts where a name cannot be resolved.

    Args:
        function: The function, or a method.
    """
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):  # names that exist for type checkers only
        return dict(getattr(function, "__annotations__", {}))


def _is_config(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return any(map(_is_config, get_args(annotation)))
    return annotation is RunnableConfig or (isinstance(annotation, str) and "RunnableConfig" in annotation)
