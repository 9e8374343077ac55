"""Stores of values by key, many at once: the base, and stores in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Generic, TypeVar

from .exceptions import SpanloomError
from .runnables.io_loop import in_thread

__all__ = ["BaseStore", "ByteStore", "InMemoryBaseStore", "InMemoryByteStore", "InMemoryStore", "InvalidKeyException"]

K = TypeVar("K")
V = TypeVar("V")


class InvalidKeyException(SpanloomError):
    """A key that a store cannot use."""


class BaseStore(ABC, Generic[K, V]):
    """Values by key; a subclass writes the four blocking methods.

    The async methods run the blocking ones in a worker thread; a store that knows better overrides them.
    """

    @abstractmethod
    def mget(self, keys: Sequence[K]) -> list[V | None]:
        """Return the value of each key in order, None where there is none.

        Args:
            keys: The keys.
        """

    @abstractmethod
    def mset(self, key_value_pairs: Sequence[tuple[K, V]]) -> None:
        """Keep the values; one that a key had before is replaced.

        Args:
            key_value_pairs: The keys with their values.
        """

    @abstractmethod
    def mdelete(self, keys: Sequence[K]) -> None:
        """Forget the values of the keys; a key without one is passed over.

        Args:
            keys: The keys.
        """

    @abstractmethod
    def yield_keys(self, *, prefix: str | None = None) -> Iterator[K] | Iterator[str]:
        """Yield the keys.

        Args:
            prefix: Only keys that begin so.
        """

    async def amget(self, keys: Sequence[K]) -> list[V | None]:
        """Return the value of each key in order, on an event loop.

        Args:
            keys: The keys.
        """
        found: list[V | None] = await self._aside("mget", keys)
        return found

    async def amset(self, key_value_pairs: Sequence[tuple[K, V]]) -> None:
        """Keep the values, on an event loop.

        Args:
            key_value_pairs: The keys with their values.
        """
        await self._aside("mset", key_value_pairs)

    async def amdelete(self, keys: Sequence[K]) -> None:
        """Forget the values of the keys, on an event loop.

        Args:
            keys: The keys.
        """
        await self._aside("mdelete", keys)

    async def ayield_keys(self, *, prefix: str | None = None) -> AsyncIterator[K] | AsyncIterator[str]:
        """Yield the keys, on an event loop; they are listed before the first is yielded.

        Args:
            prefix: Only keys that begin so.
        """
        for key in await self._aside("_list_keys", prefix):
            yield key

    def _list_keys(self, prefix: str | None) -> list[Any]:
        return list(self.yield_keys(prefix=prefix))

    async def _aside(self, method: str, *args: Any) -> Any:
        """Return what a blocking method returns, called in a worker thread."""
        return await in_thread(getattr(self, method), *args)


class InMemoryBaseStore(BaseStore[str, V], Generic[V]):
    """A store in this process; its keys are texts. Nothing in it blocks, so an event loop calls it directly."""

    def __init__(self) -> None:
        self.store: dict[str, V] = {}

    def mget(self, keys: Sequence[str]) -> list[V | None]:
        """Return the value of each key in order, None where there is none.

        Args:
            keys: The keys.
        """
        return [self.store.get(key) for key in keys]

    def mset(self, key_value_pairs: Sequence[tuple[str, V]]) -> None:
        """Keep the values; one that a key had before is replaced.

        Args:
            key_value_pairs: The keys with their values.
        """
        self.store.update(key_value_pairs)

    def mdelete(self, keys: Sequence[str]) -> None:
        """Forget the values of the keys; a key without one is passed over.

        Args:
            keys: The keys.
        """
        for key in keys:
            self.store.pop(key, None)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Yield the keys, in the order in which they were first kept; keys kept meanwhile are not among them.

        Args:
            prefix: Only keys that begin so.
        """
        yield from [key for key in self.store if prefix is None or key.startswith(prefix)]

    async def _aside(self, method: str, *args: Any) -> Any:
        return getattr(self, method)(*args)


class InMemoryStore(InMemoryBaseStore[Any]):
    """A store of any values in this process."""


class InMemoryByteStore(InMemoryBaseStore[bytes]):
    """A store of bytes in this process."""


ByteStore = BaseStore[str, bytes]
"""A store of bytes by text."""
