"""Settings of the whole process: the cache of models that name none of their own, and the verbose and debug flags."""

from __future__ import annotations

from dataclasses import dataclass

from .caches import BaseCache

__all__ = ["get_debug", "get_llm_cache", "get_verbose", "set_debug", "set_llm_cache", "set_verbose"]


@dataclass
class _Settings:
    cache: BaseCache | None = None
    verbose: bool = False
    debug: bool = False


_settings = _Settings()


def set_llm_cache(value: BaseCache | None) -> None:
    """Set the cache that models use whose `cache` is None or True.

    Args:
        value: The cache; None for none.
    """
    _settings.cache = value


def get_llm_cache() -> BaseCache | None:
    """Return the cache that models use whose `cache` is None or True; None where none was set."""
    return _settings.cache


def set_verbose(value: bool) -> None:
    """Set what `verbose` is for models made from now on that do not say.

    Args:
        value: The flag.
    """
    _settings.verbose = value


def get_verbose() -> bool:
    """Return what `verbose` is for models that do not say."""
    return _settings.verbose


def set_debug(value: bool) -> None:
    """Set the debug flag. It is kept for programs that ask for it; what happened stands on the spans in any case.

    Args:
        value: The flag.
    """
    _settings.debug = value


def get_debug() -> bool:
    """Return the debug flag."""
    return _settings.debug
