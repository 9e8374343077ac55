"""Tracers for a block of code: runs inside it get them without a config."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...tracing.callbacks.ambient import handling, register_configure_hook
from .run_collector import RunCollectorCallbackHandler

__all__ = ["collect_runs", "handling", "register_configure_hook"]


@contextmanager
def collect_runs() -> Iterator[RunCollectorCallbackHandler]:
    """Collect the root runs that start in the block; they stand in `traced_runs` once they have ended."""
    with handling(RunCollectorCallbackHandler()) as collector:
        yield collector
