"""Caches of model answers: what a prompt and a model's parameters gave before is given again.

A cached answer is a run like any other: its hooks fire and its span is kept; only the provider is not asked. Answers
that are streamed to the caller are never cached.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from threading import Lock
from typing import Any

from .outputs import Generation
from .runnables.io_loop import in_thread

__all__ = ["RETURN_VAL_TYPE", "BaseCache", "InMemoryCache"]

RETURN_VAL_TYPE = Sequence[Generation]
"""What a cache keeps for one prompt: its candidate answers."""


class BaseCache(ABC):
    """The base of caches: `lookup`, `update` and `clear`.

    The async methods run the blocking ones in a worker thread; a cache that knows better overrides them. A model may be
    used from many threads and tasks at once, so a cache is too.
    """

    @abstractmethod
    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """

    @abstractmethod
    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """

    @abstractmethod
    def clear(self, **kwargs: Any) -> None:
        """Forget what was kept.

        Args:
            kwargs: What a cache of another kind may want to know.
        """

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None, on an event loop.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        found: RETURN_VAL_TYPE | None = await in_thread(self.lookup, prompt, llm_string)
        return found

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model, on an event loop.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        await in_thread(self.update, prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget what was kept, on an event loop.

        Args:
            kwargs: What a cache of another kind may want to know.
        """
        await in_thread(self.clear, **kwargs)


class InMemoryCache(BaseCache):
    """A cache in this process. Where it is full, the entry that was kept first goes.

    Args:
        maxsize: How many prompts it keeps; None for any number.

    Raises:
        ValueError: If `maxsize` is not positive.
    """

    def __init__(self, *, maxsize: int | None = None) -> None:
        if maxsize is not None and maxsize <= 0:
            raise ValueError(f"maxsize is {maxsize!r}; it must be greater than 0, or None for no limit.")
        self._maxsize = maxsize
        self._kept: dict[tuple[str, str], RETURN_VAL_TYPE] = {}
        self._lock = Lock()

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        return self._kept.get((prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        key = (prompt, llm_string)
        with self._lock:
            if self._maxsize is not None and key not in self._kept and len(self._kept) >= self._maxsize:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = return_val

    def clear(self, **kwargs: Any) -> None:
        """Forget what was kept.

        Args:
            kwargs: Ignored.
        """
        with self._lock:
            self._kept.clear()

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the answers kept for a prompt and a model, or None; no thread is needed for that.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
        """
        return self.lookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep the answers for a prompt and a model; no thread is needed for that.

        Args:
            prompt: The prompt, or the messages as JSON.
            llm_string: The model with everything else that decides its answer.
            return_val: The answers.
        """
        self.update(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget what was kept; no thread is needed for that.

        Args:
            kwargs: Ignored.
        """
        self.clear()
