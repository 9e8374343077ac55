"""The end of the process: what is queued is delivered, for a bounded time.

All sinks finish at the same time, each on its own thread. A remote one gets up to `REMOTE_S` seconds, a local file or
store up to `LOCAL_S`: its spans are never dropped for want of patience with a network.

Children of `multiprocessing` leave by `os._exit` and run no exit functions; there its own finalizers do the same work.
"""

from __future__ import annotations

import atexit
import sys
import time
from typing import Protocol

__all__ = ["LOCAL_S", "REMOTE_S", "Closable", "forget_at_exit", "shut_down_at_exit", "shut_down_with_child"]

REMOTE_S = 5.0
"""How long the exit waits for a collector, in seconds."""

LOCAL_S = 30.0
"""How long the exit waits for a local disk, in seconds."""


class Closable(Protocol):
    """What is shut down at exit."""

    @property
    def never_drops(self) -> bool:
        """True for a local destination."""
        ...

    def begin_shutdown(self) -> None:
        """Begin to finish; returns at once."""

    def shutdown(self, timeout_s: float) -> None:
        """Finish within that time.

        Args:
            timeout_s: The longest wait, in seconds.
        """


_open: dict[Closable, None] = {}
_registered_in: set[int | None] = set()


def shut_down_at_exit(processor: Closable) -> None:
    """Shut the processor down when the process exits.

    Args:
        processor: The processor.
    """
    _open[processor] = None
    atexit.unregister(_shut_down_all)
    atexit.register(_shut_down_all)  # the last one registered runs first: before the provider's own


def forget_at_exit(processor: Closable) -> None:
    """Take a processor that is shut down off the list.

    Args:
        processor: The processor; one that is not on the list is ignored.
    """
    _open.pop(processor, None)


def shut_down_with_child() -> None:
    """In a child of `multiprocessing`, have its finalizers do what exit functions do elsewhere. Does nothing else."""
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return
    from multiprocessing import process as of_this
    from multiprocessing import util

    child = of_this.current_process().ident
    if child not in _registered_in:
        _registered_in.add(child)
        util.Finalize(None, _shut_down_all, exitpriority=0)


def _shut_down_all() -> None:
    from ..tracing import drain

    drain()
    processors = list(_open)
    for processor in processors:
        processor.begin_shutdown()
    began = time.monotonic()
    for processor in sorted(processors, key=lambda one: one.never_drops):
        allowed = LOCAL_S if processor.never_drops else REMOTE_S
        processor.shutdown(max(0.0, began + allowed - time.monotonic()))
