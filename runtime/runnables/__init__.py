"""Runnables: the interface and its combinators.

What needs pydantic or messages is loaded when it is first asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .addable import AddableDict
from .base import Runnable
from .binding import RunnableBinding
from .branch import RunnableBranch
from .coerce import coerce_to_runnable, is_generator_function, on_coerce
from .composed import Composed
from .config import RunnableConfig, ensure_config, merge_configs, patch_config
from .configurable_alternatives import RunnableConfigurableAlternatives, make_configurable_alternatives
from .configurable_fields import DynamicRunnable, RunnableConfigurableFields, make_configurable_fields
from .each import RunnableEach
from .events import stream_events, stream_log
from .fallbacks import RunnableWithFallbacks
from .fields import (
    ConfigurableField,
    ConfigurableFieldMultiOption,
    ConfigurableFieldSingleOption,
    ConfigurableFieldSpec,
)
from .function import RunnableLambda, chain
from .generator import RunnableGenerator
from .listening import RunnableListening, alisteners, listeners
from .parallel import RunnableMap, RunnableParallel
from .passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from .retry import RunnableRetry
from .router import RouterInput, RouterRunnable
from .sequence import RunnableSequence
from .slots import Slots
from .threads import carry_context

if TYPE_CHECKING:
    from .history import RunnableWithMessageHistory
    from .io_loop import run_in_executor
    from .serializable import ComposedSerializable, RunnableSerializable

__all__ = [
    "AddableDict",
    "Composed",
    "ComposedSerializable",
    "ConfigurableField",
    "ConfigurableFieldMultiOption",
    "ConfigurableFieldSingleOption",
    "ConfigurableFieldSpec",
    "DynamicRunnable",
    "RouterInput",
    "RouterRunnable",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableBranch",
    "RunnableConfig",
    "RunnableConfigurableAlternatives",
    "RunnableConfigurableFields",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableListening",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableRetry",
    "RunnableSequence",
    "RunnableSerializable",
    "RunnableWithFallbacks",
    "RunnableWithMessageHistory",
    "carry_context",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "merge_configs",
    "patch_config",
    "run_in_executor",
]


def _retried(*, bound: Runnable[Any, Any], **rules: Any) -> Runnable[Any, Any]:
    """Return a retry; of a binding, what it binds is tried again, so its config is that of the retry as a whole."""
    if type(bound) is not RunnableBinding:
        return RunnableRetry(bound=bound, **rules)
    return RunnableBinding(
        bound=_retried(bound=bound.bound, **rules),
        kwargs=bound.kwargs,
        config=bound.config,
        custom_input_type=bound.custom_input_type,
        custom_output_type=bound.custom_output_type,
    )


Slots.sequence = RunnableSequence
Slots.coerce = coerce_to_runnable
Slots.function = RunnableLambda
Slots.parallel = RunnableParallel
Slots.binding = RunnableBinding
Slots.each = RunnableEach
Slots.assign = lambda steps: RunnableAssign(RunnableParallel(steps))
Slots.pick = RunnablePick
Slots.stream_events = stream_events
Slots.stream_log = stream_log
Slots.listeners = listeners
Slots.alisteners = alisteners
Slots.retry = _retried
Slots.fallbacks = RunnableWithFallbacks
on_coerce(lambda thing: RunnableParallel(thing) if isinstance(thing, Mapping) else None)
on_coerce(lambda thing: RunnableGenerator(thing) if is_generator_function(thing) else None)
on_coerce(lambda thing: RunnableLambda(thing) if callable(thing) else None)
Slots.configurable_fields = make_configurable_fields
Slots.configurable_alternatives = make_configurable_alternatives


def _graph(runnable: Runnable[Any, Any], config: Any) -> Any:
    from .graph_building import graph_of

    return graph_of(runnable, config)


def _tool(runnable: Runnable[Any, Any], *args: Any, **kwargs: Any) -> Any:
    from ..tools.as_tool import convert_runnable_to_tool  # stands above; needed by the few who ask for a tool

    return convert_runnable_to_tool(runnable, *args, **kwargs)


Slots.graph = _graph
Slots.tool = _tool

_LATER = {
    "ComposedSerializable": "serializable",
    "RunnableSerializable": "serializable",
    "RunnableWithMessageHistory": "history",
    "run_in_executor": "io_loop",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_LATER[name]}", __name__), name)
    globals()[name] = value
    return value
