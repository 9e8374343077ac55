"""What a model's run tells while it lasts: tokens to handlers and streams, usage and reasons to its span.

The first token's time is taken with the monotonic clock of the run, so that every provider measures alike. An answer
from a cache tells no usage: nothing was used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from ...tracing import log, names
from ...tracing.callbacks.dispatch import aemit, emit, token_call
from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ...tracing.scope import RunScope
from ..runnables.io import Io

__all__ = [
    "AsyncMutedManager",
    "MutedManager",
    "aware_of_streams",
    "give_token",
    "log_answer",
    "tell_answer",
    "tell_streaming",
]

_REASONS: Final = ("finish_reason", "stop_reason", "stopReason")
_COUNTS: Final = {
    names.USAGE_INPUT_TOKENS: ("input_tokens", "prompt_tokens"),
    names.USAGE_OUTPUT_TOKENS: ("output_tokens", "completion_tokens"),
}


class MutedManager(CallbackManagerForLLMRun):
    """The manager that a text model's `_stream` gets: tokens it reports itself are not told twice."""

    def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Do nothing: the token is told when it is yielded.

        Args:
            token: Its text.
            chunk: The whole chunk.
            kwargs: More.
        """


class AsyncMutedManager(AsyncCallbackManagerForLLMRun):
    """The same on an event loop."""

    async def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
        """Do nothing: the token is told when it is yielded.

        Args:
            token: Its text.
            chunk: The whole chunk.
            kwargs: More.
        """


def aware_of_streams(io: Io) -> bool:
    """Return whether somebody reads the events of this run as they come.

    Args:
        io: The run's.
    """
    return bool(io.scope.heritage.streams)


def tell_streaming(scope: RunScope) -> None:
    """Say on the span that the model was asked to stream.

    Args:
        scope: The run.
    """
    scope.span.set_attribute(names.REQUEST_STREAM, True)


async def give_token(io: Io, token: str, chunk: Any, shown: Any) -> None:
    """Give a token's signal and tell handlers of it.

    Args:
        io: The run's.
        token: Its text.
        chunk: The whole chunk, for handlers.
        shown: What streams of events show.
    """
    scope = io.scope
    details = cast("dict[str, Any]", scope.details)
    if "first_ns" not in details:
        details["first_ns"] = scope.timeline.now_ns()
        scope.span.set_attribute(names.TIME_TO_FIRST_CHUNK, (details["first_ns"] - scope.start_ns) / 1e9)
    scope.chunk(shown)
    if scope.handlers:
        call = token_call(scope, token, chunk)
        if io.blocking:
            emit(scope.handlers, call)
        else:
            await aemit(scope.handlers, call)


def tell_answer(
    scope: RunScope, metadata: Mapping[str, Any], usage: Mapping[str, Any] | None = None, own_id: str | None = None
) -> None:
    """Put what a model said of its answer on the span.

    Args:
        scope: The run.
        metadata: What it said, under the names of any provider.
        usage: Its token counts; looked for in the metadata when not given.
        own_id: The provider's id of the answer.
    """
    if scope.ended or scope.details.get("is_cached"):
        return
    span = scope.span
    counts = usage or _first_mapping(metadata, "usage_metadata", "token_usage", "usage")
    for name, keys in _COUNTS.items():
        count = next((counts[key] for key in keys if isinstance(counts.get(key), int)), None)
        if count is not None:
            span.set_attribute(name, count)
    reason = next((metadata[key] for key in _REASONS if metadata.get(key)), None)
    if reason:
        span.set_attribute(names.RESPONSE_FINISH_REASONS, [str(reason)])
    if metadata.get("model_name"):
        span.set_attribute(names.RESPONSE_MODEL, str(metadata["model_name"]))
    if own_id and not own_id.startswith("run-"):
        span.set_attribute(names.RESPONSE_ID, own_id)


def _first_mapping(metadata: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        if isinstance(metadata.get(key), Mapping):
            return cast("Mapping[str, Any]", metadata[key])
    return {}


def log_answer(name: str, text: str) -> None:
    """Log an answer, for models with `verbose`.

    Args:
        name: The model's name.
        text: The answer.
    """
    log.get("models").info("a model answered", model=name, answer=text)
