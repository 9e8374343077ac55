"""The HTTP connections of event loops.

Each loop has connections of its own. They are spread over pools of 12, because the cost of a pool of httpx grows with
the square of its connections; a pool that falls empty is closed, all but one. A loop that shuts down, as `asyncio.run`
lets it, closes its connections first: an async generator that it knows of does that when it closes its generators. A
loop closed without that leaves idle connections to the garbage collector, and asyncio's warning about them.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import httpx

__all__ = ["POOL_CONNECTIONS", "LoopPools", "Pool"]

POOL_CONNECTIONS = 12
"""How many connections one pool holds."""

_IDLE_S = 30.0
"""How long an idle connection is kept, in seconds."""


class Pool:
    """Some connections, and how many of them are in use."""

    __slots__ = ("in_use", "key", "transport")

    def __init__(self, key: ssl.SSLContext | None) -> None:
        import httpx

        self.key = key
        self.in_use = 0
        limits = httpx.Limits(
            max_connections=None, max_keepalive_connections=POOL_CONNECTIONS, keepalive_expiry=_IDLE_S
        )
        self.transport: httpx.AsyncHTTPTransport = httpx.AsyncHTTPTransport(
            verify=False if key is None else key, trust_env=False, limits=limits
        )


class LoopPools:
    """The pools of one loop."""

    def __init__(self) -> None:
        self.pools: dict[ssl.SSLContext | None, list[Pool]] = {}
        self._closer: AsyncGenerator[None] | None = None

    @staticmethod
    async def of_this_loop() -> LoopPools:
        """Return the pools of the running loop."""
        loop = asyncio.get_running_loop()
        found = _by_loop.get(loop)
        if found is None:
            for other in [other for other in _by_loop if other.is_closed()]:
                del _by_loop[other]
            found = _by_loop[loop] = LoopPools()
            found._closer = found._until_shutdown()
            await found._closer.__anext__()
        return found

    async def _until_shutdown(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            _by_loop.pop(asyncio.get_running_loop(), None)
            await self.aclose()

    def take(self, key: ssl.SSLContext | None) -> Pool:
        """Return a pool with a free connection; give it back with `give_back`.

        Args:
            key: The TLS settings, or None for plain HTTP.
        """
        pools = self.pools.setdefault(key, [])
        pool = next((pool for pool in pools if pool.in_use < POOL_CONNECTIONS), None)
        if pool is None:
            pool = Pool(key)
            pools.append(pool)
        pool.in_use += 1
        return pool

    async def give_back(self, pool: Pool) -> None:
        """Take back a connection's place, and close the pool if it is empty and not the only one.

        Args:
            pool: The pool.
        """
        pool.in_use -= 1
        pools = self.pools.get(pool.key, [])
        if pool.in_use == 0 and len(pools) > 1 and pool in pools:
            pools.remove(pool)
            await pool.transport.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        pools = [pool for group in self.pools.values() for pool in group]
        self.pools.clear()
        for pool in pools:
            with suppress(Exception):
                await pool.transport.aclose()


_by_loop: WeakKeyDictionary[Any, LoopPools] = WeakKeyDictionary()
os.register_at_fork(after_in_child=_by_loop.clear)
