"""A runnable with listeners: functions told of its own runs, bound to each call anew, so to each item of a batch.

The bound runnable is the run; nothing is added to the tree. Inside another run it joins that run's tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ...tracing.callbacks.listeners import Listener, tellers
from ...tracing.callbacks.manager import CallbackManager
from ...tracing.scope import CURRENT, Parent
from .base import Runnable
from .binding import RunnableBinding
from .config import RunnableConfig, merge_configs

__all__ = ["RunnableListening", "alisteners", "listeners"]

_Function = Callable[..., Any] | None


class RunnableListening(RunnableBinding):
    """Tells functions of the bound runnable's runs.

    Args:
        bound: The runnable.
        on_start: Told when its run starts.
        on_end: Told when it has ended well.
        on_error: Told when an exception has ended it.
        is_async: Whether they are coroutine functions.

    Raises:
        TypeError: If a function takes neither a run nor a run and a config.
    """

    def __init__(
        self,
        bound: Runnable[Any, Any],
        on_start: _Function = None,
        on_end: _Function = None,
        on_error: _Function = None,
        is_async: bool = False,
    ) -> None:
        super().__init__(bound=bound)
        self.tellers = tellers(start=on_start, end=on_end, error=on_error)
        self.is_async = is_async

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__  # type: ignore[assignment]  # functions have no other identity

    def _config(self, config: RunnableConfig | None) -> RunnableConfig:
        merged = merge_configs(config)
        callbacks: Any = merged.get("callbacks")
        ambient = CURRENT.get()
        if callbacks is None and ambient is not None:
            callbacks = Parent(ambient)
        manager = CallbackManager.configure(callbacks)
        seen = {"tags": [], "metadata": {}, "configurable": {}, **merged}
        manager.add_handler(Listener(self.tellers, seen, self.is_async))
        return cast(RunnableConfig, {**merged, "callbacks": manager})


def listeners(bound: Any, on_start: _Function, on_end: _Function, on_error: _Function) -> Any:
    """Return the runnable with listeners that are functions.

    Args:
        bound: The runnable.
        on_start: Told when its run starts.
        on_end: Told when it has ended well.
        on_error: Told when an exception has ended it.

    Raises:
        TypeError: If a function takes neither a run nor a run and a config.
    """
    return RunnableListening(bound, on_start, on_end, on_error)


def alisteners(bound: Any, on_start: _Function, on_end: _Function, on_error: _Function) -> Any:
    """Return the runnable with listeners that are coroutine functions.

    Args:
        bound: The runnable.
        on_start: Awaited when its run starts.
        on_end: Awaited when it has ended well.
        on_error: Awaited when an exception has ended it.

    Raises:
        TypeError: If a function takes neither a run nor a run and a config.
    """
    return RunnableListening(bound, on_start, on_end, on_error, is_async=True)
