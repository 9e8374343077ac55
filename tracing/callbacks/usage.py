"""The tokens that models used, summed by model.

Counted once for each model run that ended well and told both its usage and its model's name.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .ambient import handling
from .handlers import BaseCallbackHandler

__all__ = ["UsageMetadataCallbackHandler", "get_usage_metadata_callback"]


class UsageMetadataCallbackHandler(BaseCallbackHandler):
    """Sums usage; safe to share between threads."""

    run_inline = True

    def __init__(self) -> None:
        self.usage_metadata: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return str(self.usage_metadata)

    def on_chat_model_start(self, serialized: Any, messages: list[list[Any]], **kwargs: Any) -> Any:
        """Do nothing; usage is told at the end."""

    def on_llm_end(self, response: Any, **kwargs: Any) -> Any:
        """Add the usage of a model's answer."""
        prompts = getattr(response, "generations", None)
        message = getattr(prompts[0][0], "message", None) if prompts and prompts[0] else None
        usage = getattr(message, "usage_metadata", None)
        model = (getattr(message, "response_metadata", None) or {}).get("model_name")
        if usage and model:
            with self._lock:
                self.usage_metadata[model] = _added(self.usage_metadata.get(model, {}), usage)


@contextmanager
def get_usage_metadata_callback(name: str = "usage_metadata_callback") -> Iterator[UsageMetadataCallbackHandler]:
    """Sum the usage of every model that is called in the block, also in worker threads and tasks begun there.

    Args:
        name: Accepted; one name serves.
    """
    with handling(UsageMetadataCallbackHandler()) as handler:
        yield handler


def _added(sums: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(sums)
    for key, value in more.items():
        if isinstance(value, Mapping):
            made[key] = _added(made.get(key) or {}, value)
        elif isinstance(value, (int, float)):
            made[key] = made.get(key, 0) + value
    return made
