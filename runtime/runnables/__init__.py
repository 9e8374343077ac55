"""Runnables: the interface and its combinators."""

from .base import Runnable
from .coerce import coerce_to_runnable, is_generator_function, on_coerce
from .composed import Composed
from .config import RunnableConfig, ensure_config, merge_configs, patch_config
from .events import stream_events
from .function import RunnableLambda, chain
from .generator import RunnableGenerator
from .sequence import RunnableSequence
from .slots import Slots

__all__ = [
    "Composed",
    "Runnable",
    "RunnableConfig",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableSequence",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "merge_configs",
    "patch_config",
]

Slots.sequence = RunnableSequence
Slots.coerce = coerce_to_runnable
Slots.stream_events = stream_events
on_coerce(lambda thing: RunnableGenerator(thing) if is_generator_function(thing) else None)
on_coerce(lambda thing: RunnableLambda(thing) if callable(thing) else None)
