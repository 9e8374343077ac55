"""What a model's run tells while it lasts: tokens to handlers and streams, usage and reasons to its span.

The times of tokens are taken with the monotonic clock of the run, so that every provider measures alike. The gap
between two of them is the one in which they were read: a reader that is slower than the provider sees its own pace. An
answer from a cache tells no usage: nothing was used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, cast

from ...tracing import log, names
from ...tracing.callbacks.dispatch import aemit, emit, token_call
from ...tracing.callbacks.run_managers import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from ...tracing.scope import RunScope
from ..outputs import Generation, LLMResult
from ..rate_limiters import BaseRateLimiter
from ..runnables.io import Io
from .base import BaseLanguageModel
from .notices import has_notices, tell_notices

__all__ = [
    "AsyncMutedManager",
    "MutedManager",
    "admitted",
    "give_token",
    "keep_partial",
    "log_answer",
    "tell_answer",
    "tell_first",
    "tell_pace",
    "tell_streaming",
    "wants_tokens",
]

_REASONS: Final = ("finish_reason", "stop_reason", "stopReason")
_COUNTS: Final = {
    names.USAGE_INPUT_TOKENS: ("input_tokens", "prompt_tokens"),
    names.USAGE_OUTPUT_TOKENS: ("output_tokens", "completion_tokens"),
}
_DETAILS: Final = {
    names.USAGE_CACHE_READ_TOKENS: ("input_token_details", "cache_read"),
    names.USAGE_CACHE_CREATION_TOKENS: ("input_token_details", "cache_creation"),
    names.USAGE_REASONING_TOKENS: ("output_token_details", "reasoning"),
}
_SERVICE: Final = {
    names.AWS_REQUEST_ID: (("request_id",), ("ResponseMetadata", "RequestId")),
    names.SERVICE_TIER: (("service_tier",), ("serviceTier", "type")),
}
_LATENCIES_MS: Final = (("latency_ms",), ("metrics", "latencyMs"))


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


def wants_tokens(model: BaseLanguageModel, io: Io) -> bool:
    """Return whether an invocation is to stream inside: its events are read as they come, or `streaming` is set.

    Args:
        model: The model; a class that has a field `streaming` gives it this meaning.
        io: The run's.
    """
    return bool(io.scope.heritage.streams) or (_has_switch(type(model)) and bool(getattr(model, "streaming", False)))


@cache
def _has_switch(kind: type[BaseLanguageModel]) -> bool:
    return "streaming" in kind.model_fields


async def admitted(io: Io, limiter: BaseRateLimiter) -> None:
    """Wait for the limiter and say on the span for how long, also when the wait is given up.

    Args:
        io: The run's.
        limiter: The limiter.
    """
    scope = io.scope
    asked_ns = scope.timeline.now_ns()
    try:
        if io.blocking:
            limiter.acquire(blocking=True)
        else:
            await limiter.aacquire(blocking=True)
    finally:
        scope.span.set_attribute(names.RATE_LIMIT_WAIT_S, (scope.timeline.now_ns() - asked_ns) / 1e9)


async def keep_partial(io: Io, rows: Sequence[list[Generation]]) -> None:
    """Tell the notices that a failing model left, and leave what it gave for the error hooks of handlers.

    Args:
        io: The run's.
        rows: The generations; none for nothing.
    """
    scope = io.scope
    if has_notices(scope):
        await tell_notices(io)
    response = LLMResult(generations=[list(row) for row in rows])
    scope.details["error_kwargs"] = {**scope.details.get("error_kwargs", {}), "response": response}


def tell_first(scope: RunScope, now_ns: int) -> None:
    """Say on the span when the first chunk came.

    Args:
        scope: The run.
        now_ns: When, by the run's timeline.
    """
    scope.span.set_attribute(names.TIME_TO_FIRST_CHUNK, (now_ns - scope.start_ns) / 1e9)


def tell_pace(scope: RunScope, count: int, between_ns: int, longest_ns: int) -> None:
    """Say on the span how many chunks came and at what pace.

    Args:
        scope: The run.
        count: How many.
        between_ns: The time from the first to the last, in nanoseconds.
        longest_ns: The longest time between two, in nanoseconds.
    """
    scope.span.set_attribute(names.STREAM_CHUNKS, count)
    if count > 1:
        scope.span.set_attribute(names.STREAM_GAP_MEAN_S, between_ns / (count - 1) / 1e9)
        scope.span.set_attribute(names.STREAM_GAP_MAX_S, longest_ns / 1e9)


def tell_streaming(scope: RunScope) -> None:
    """Say on the span that the model was asked to stream.

    Args:
        scope: The run.
    """
    scope.span.set_attribute(names.REQUEST_STREAM, True)


async def give_token(io: Io, token: str, chunk: Any, shown: Any) -> None:
    """Give a token's signal and tell handlers of it, then of what guardrails did by now.

    Args:
        io: The run's.
        token: Its text.
        chunk: The whole chunk, for handlers.
        shown: What streams of events show.
    """
    scope = io.scope
    scope.chunk(shown)
    if scope.handlers:
        call = token_call(scope, token, chunk)
        if io.blocking:
            emit(scope.handlers, call)
        else:
            await aemit(scope.handlers, call)
        if has_notices(scope):
            await tell_notices(io)


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
    answered = metadata.get("response_model") or metadata.get("model_name")
    if answered:
        span.set_attribute(names.RESPONSE_MODEL, str(answered))
    own_id = str(metadata.get("response_id") or own_id or "")
    if own_id and not own_id.startswith("run-"):
        span.set_attribute(names.RESPONSE_ID, own_id)
    _tell_service(scope, metadata, counts)


def _tell_service(scope: RunScope, metadata: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
    """Put on the span what only some services say: details of the counts, their own id, tier and time of the call."""
    for name, path in _DETAILS.items():
        count = _at(counts, path)
        if isinstance(count, int):
            scope.span.set_attribute(name, count)
    for name, paths in _SERVICE.items():
        said = next((said for path in paths if isinstance(said := _at(metadata, path), str)), None)
        if said:
            scope.span.set_attribute(name, said)
    latency_ms = next((told for path in _LATENCIES_MS if isinstance(told := _at(metadata, path), int | float)), None)
    if latency_ms is not None:
        scope.span.set_attribute(names.MODEL_LATENCY_S, latency_ms / 1e3)


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


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
