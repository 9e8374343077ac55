"""How models use a cache: which one, under which key, on both sides of a call.

The key is the prompt and everything else that decides the answer: the model's class and fields, the stop strings and
the call's arguments. What is kept and what is given are copies, so nobody changes a cached answer from outside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ...tracing import names
from ..caches import BaseCache
from ..globals import get_llm_cache
from ..outputs import Generation
from ..runnables.io import Io
from .base import BaseLanguageModel

__all__ = ["CacheEntry", "cache_entry"]

_Kind = TypeVar("_Kind", bound=Generation)


class CacheEntry:
    """The place of one call in a cache.

    Args:
        cache: The cache.
        prompt: The prompt, or the messages as JSON.
        llm_string: What else decides the answer, as JSON.
    """

    def __init__(self, cache: BaseCache, prompt: str, llm_string: str) -> None:
        self.cache, self.prompt, self.llm_string = cache, prompt, llm_string

    async def found(self, io: Io, kind: type[_Kind]) -> list[_Kind] | None:
        """Return copies of the answers kept here, or None; the run then is marked as answered from a cache.

        Args:
            io: The run's.
            kind: The class that the answers must have; others are no answer of such a model.
        """
        kept: Sequence[Generation] | None = (
            self.cache.lookup(self.prompt, self.llm_string)
            if io.blocking
            else await self.cache.alookup(self.prompt, self.llm_string)
        )
        if not kept or not all(isinstance(generation, kind) for generation in kept):
            return None
        io.scope.details["is_cached"] = True
        io.scope.span.set_attribute(names.CACHE_HIT, True)
        return [generation.model_copy(deep=True) for generation in kept if isinstance(generation, kind)]

    async def keep(self, io: Io, generations: Sequence[Generation]) -> None:
        """Keep copies of the answers here.

        Args:
            io: The run's.
            generations: The answers.
        """
        copies = [generation.model_copy(deep=True) for generation in generations]
        if io.blocking:
            self.cache.update(self.prompt, self.llm_string, copies)
        else:
            await self.cache.aupdate(self.prompt, self.llm_string, copies)


def cache_entry(
    model: BaseLanguageModel, prompt: Any, stop: list[str] | None, kwargs: Mapping[str, Any]
) -> CacheEntry | None:
    """Return the place of a call in the cache that its model uses, or None where it uses none.

    Args:
        model: The model.
        prompt: The text, or the messages.
        stop: The stop strings of the call.
        kwargs: What else the caller passed to the provider.

    Raises:
        ValueError: If `cache` is True and no global cache is set.
    """
    if model.cache is False:
        return None
    cache = model.cache if isinstance(model.cache, BaseCache) else get_llm_cache()
    if cache is None:
        if model.cache is True:
            raise ValueError(
                f"{type(model).__name__} has cache=True, but no global cache is set; "
                "call spanloom.runtime.globals.set_llm_cache(...) first, or give the model a cache."
            )
        return None
    kind = type(model)
    said = {"model": f"{kind.__module__}.{kind.__qualname__}", **model.cache_fields(), "stop": stop, "kwargs": kwargs}
    text = prompt if isinstance(prompt, str) else _json([message.model_dump(exclude={"id"}) for message in prompt])
    return CacheEntry(cache, text, _json(said))


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
