"""Runnables: the interface and its combinators."""

from collections.abc import Mapping

from .addable import AddableDict
from .base import Runnable
from .binding import RunnableBinding
from .coerce import coerce_to_runnable, is_generator_function, on_coerce
from .composed import Composed
from .config import RunnableConfig, ensure_config, merge_configs, patch_config
from .each import RunnableEach
from .events import stream_events
from .function import RunnableLambda, chain
from .generator import RunnableGenerator
from .parallel import RunnableMap, RunnableParallel
from .passthrough import RunnableAssign, RunnablePassthrough, RunnablePick
from .sequence import RunnableSequence
from .serializable import ComposedSerializable, RunnableSerializable
from .slots import Slots
from .threads import carry_context

__all__ = [
    "AddableDict",
    "Composed",
    "ComposedSerializable",
    "Runnable",
    "RunnableAssign",
    "RunnableBinding",
    "RunnableConfig",
    "RunnableEach",
    "RunnableGenerator",
    "RunnableLambda",
    "RunnableMap",
    "RunnableParallel",
    "RunnablePassthrough",
    "RunnablePick",
    "RunnableSequence",
    "RunnableSerializable",
    "carry_context",
    "chain",
    "coerce_to_runnable",
    "ensure_config",
    "merge_configs",
    "patch_config",
]

Slots.sequence = RunnableSequence
Slots.coerce = coerce_to_runnable
Slots.function = RunnableLambda
Slots.parallel = RunnableParallel
Slots.binding = RunnableBinding
Slots.each = RunnableEach
Slots.assign = lambda steps: RunnableAssign(RunnableParallel(steps))
Slots.pick = RunnablePick
Slots.stream_events = stream_events
on_coerce(lambda thing: RunnableParallel(thing) if isinstance(thing, Mapping) else None)
on_coerce(lambda thing: RunnableGenerator(thing) if is_generator_function(thing) else None)
on_coerce(lambda thing: RunnableLambda(thing) if callable(thing) else None)
