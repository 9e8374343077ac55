"""Retry: run a step again when it fails in a way that may pass.

Every attempt is a child run, tagged `retry:attempt:<n>` from the second on; the retry is a run of its own with the
bound runnable's name. Its span tells how many attempts there were, why, and how long it waited between them; each
failed attempt that is followed by another is an event on it, and handlers are told by `on_retry`.

A stream is tried again before its first chunk only; after that a failure is raised. So that a stream's records stay
those of the bound runnable alone, the retry of a stream is no run: a span `retry <name>` groups the attempts, and
`on_retry`, which speaks of a run, is not called.

Waits follow exponential backoff with jitter, as documented for `with_retry`.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, cast

from ...tracing import names
from ...tracing.callbacks.manager import CallbackManager
from ...tracing.lineage import SpanFacts
from ...tracing.run import UNKNOWN
from ...tracing.scope import Parent, RunScope
from .base import Input, Output, Runnable
from .batching import Grouping
from .coerce import coerce_to_runnable
from .composed import Composed
from .config import RunnableConfig, handed_down, merge_configs, resolve
from .io import Io, single
from .runs import BlockingRun, LoopRun
from .unhooked import unhooked

__all__ = ["RetryState", "RunnableRetry", "backoff_s"]

_ONE_ATTEMPT = SpanFacts(attributes={names.RETRY_ATTEMPTS: 1})
_DEFAULTS: Mapping[str, float] = {"initial": 1.0, "max": 60.0, "exp_base": 2.0, "jitter": 1.0}


@dataclass(frozen=True)
class RetryState:
    """What `on_retry` is told.

    Args:
        attempt_number: The attempt that failed; the first is 1.
        error: Why.
        delay_s: The wait before the next attempt, in seconds.
        idle_for: All waits so far, in seconds; this one is not among them.
    """

    attempt_number: int
    error: BaseException
    delay_s: float
    idle_for: float


def backoff_s(
    attempt: int, *, initial_s: float = 1.0, max_s: float = 60.0, exp_base: float = 2.0, jitter_s: float = 1.0
) -> float:
    """Return how long to wait before the next attempt, in seconds.

    Args:
        attempt: The attempt that just failed; the first is 1.
        initial_s: The first wait without jitter.
        max_s: No wait is longer than this, jitter included.
        exp_base: Each wait is this many times the one before.
        jitter_s: Up to this much is added at random.

    Raises:
        ValueError: If `attempt` is below 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt is {attempt!r}; the first attempt is 1.")
    try:
        plain = initial_s * exp_base ** (attempt - 1)
    except OverflowError:
        return max_s
    return max(0.0, min(max_s, plain + random.uniform(0, jitter_s)))


class RunnableRetry(Composed[Input, Output], Generic[Input, Output]):
    """Runs another runnable up to a number of attempts; a stream is tried again before its first chunk only.

    A batch tries each failed input again on its own.

    Args:
        bound: The runnable.
        retry_exception_types: Which exceptions may pass at another attempt; others are raised at once.
        wait_exponential_jitter: Whether to wait between attempts.
        exponential_jitter_params: `initial`, `max`, `exp_base` and `jitter` of the waits, in seconds.
        max_attempt_number: How many attempts there are at most.
        kwargs: Arguments of every attempt; the call's own win.
        config: Config of every call; the call's own is merged over it.

    Raises:
        TypeError: If an exception type is none, or `bound` cannot be made a runnable.
        ValueError: If there is to be no attempt, or a parameter of the waits is not known or negative.
    """

    def __init__(
        self,
        *,
        bound: Any,
        retry_exception_types: tuple[type[BaseException], ...] = (Exception,),
        wait_exponential_jitter: bool = True,
        exponential_jitter_params: Mapping[str, float] | None = None,
        max_attempt_number: int = 3,
        kwargs: Mapping[str, Any] | None = None,
        config: RunnableConfig | None = None,
    ) -> None:
        kinds = retry_exception_types if isinstance(retry_exception_types, tuple) else (retry_exception_types,)
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(f"The exception types of a retry hold {kind!r}; give a tuple of exception classes.")
        if isinstance(max_attempt_number, bool) or not isinstance(max_attempt_number, int):
            raise TypeError(f"The number of attempts is {max_attempt_number!r}; give a whole number.")
        if max_attempt_number < 1:
            raise ValueError(f"The number of attempts is {max_attempt_number!r}; give 1 or more.")
        for key, value in (exponential_jitter_params or {}).items():
            if key not in _DEFAULTS or value < 0:
                raise ValueError(f"A wait was given {key!r}: {value!r}; give {list(_DEFAULTS)}, none below 0.")
        self.bound: Runnable[Any, Any] = coerce_to_runnable(bound)
        self.retry_exception_types = kinds
        self.wait_exponential_jitter = wait_exponential_jitter
        self.exponential_jitter_params = exponential_jitter_params
        self.max_attempt_number = max_attempt_number
        self.kwargs: dict[str, Any] = dict(kwargs or {})
        self.config: RunnableConfig = merge_configs(config)
        self.name = None

    def __repr__(self) -> str:
        return f"RunnableRetry(bound={self.bound!r}, max_attempt_number={self.max_attempt_number})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnableRetry) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # arguments need not have a hash

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs, the bound runnable's.

        Args:
            suffix: Appended, see `Runnable.get_name`.
            name: Used instead.
        """
        return self.bound.get_name(suffix, name=name or self.name or self.config.get("run_name"))

    def span_facts(self) -> SpanFacts:
        """Return what the span says from the start: one attempt, until there are more."""
        return _ONE_ATTEMPT

    def opened(self, config: RunnableConfig | None) -> RunScope:
        """Open the run of one call and return its scope.

        Args:
            config: The config of the call.
        """
        return super().opened(merge_configs(self.config, config) if self.config else config)

    async def body(self, value: Any, io: Io, /, **kwargs: Any) -> Any:
        """Return the output of the first attempt that does not fail.

        Args:
            value: The input of every attempt.
            io: What the run may do.
            kwargs: Passed on to every attempt.
        """
        given = {**self.kwargs, **kwargs} if self.kwargs else kwargs
        course: _Course | None = None
        while True:
            try:
                result = await io.invoke(self.bound, value, None if course is None else course.tag, **given)
            except self.retry_exception_types as exc:
                error = exc
            else:
                if course is not None:
                    course.tell()
                return result
            course = course or _Course(self, io.scope)
            state = course.failed(error)
            if state is None:
                raise error
            if io.scope.handlers:
                told = io.manager.on_retry(state)
                if told is not None:
                    await told
            del error, state
            await io.sleep(course.delay_s)

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """Return the stream of the first attempt that gives a chunk.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to every attempt.
        """
        return BlockingRun(_Attempts(self, config, input), iter((input,)), config, {**self.kwargs, **kwargs})

    def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """Return the stream of the first attempt that gives a chunk, on an event loop.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to every attempt.
        """
        return LoopRun(_Attempts(self, config, input), single(input), config, {**self.kwargs, **kwargs})

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """Return the stream of the first attempt that gives a chunk, for a stream of input.

        Args:
            input: The chunks of the input; those read before the first chunk are kept for another attempt.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to every attempt.
        """
        return BlockingRun(_Attempts(self, config), input, config, {**self.kwargs, **kwargs})

    def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """Return the stream of the first attempt that gives a chunk, for a stream of input, on an event loop.

        Args:
            input: The chunks of the input; those read before the first chunk are kept for another attempt.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to every attempt.
        """
        return LoopRun(_Attempts(self, config), input, config, {**self.kwargs, **kwargs})


class _Course:
    """How the attempts of one call go: which one is on, and what the span tells of them."""

    __slots__ = ("attempt", "delay_s", "idle_s", "reason", "retry", "scope")

    def __init__(self, retry: RunnableRetry[Any, Any], scope: RunScope) -> None:
        self.retry, self.scope = retry, scope
        self.attempt = 1
        self.delay_s = self.idle_s = 0.0
        self.reason: str | None = None

    @property
    def tag(self) -> str | None:
        return None if self.attempt == 1 else f"retry:attempt:{self.attempt}"

    def failed(self, error: BaseException) -> RetryState | None:
        """Go on to the next attempt and return what handlers are told; None if there is none."""
        retry, span = self.retry, self.scope.span
        if self.attempt >= retry.max_attempt_number:
            self.tell()
            return None
        params = {**_DEFAULTS, **(retry.exponential_jitter_params or {})}
        self.delay_s = delay_s = 0.0
        if retry.wait_exponential_jitter:
            self.delay_s = delay_s = backoff_s(
                self.attempt,
                initial_s=params["initial"],
                max_s=params["max"],
                exp_base=params["exp_base"],
                jitter_s=params["jitter"],
            )
        self.reason = kind = type(error).__name__
        if span.is_recording():
            about: dict[str, Any] = {names.RETRY_ATTEMPT: self.attempt, names.RETRY_DELAY_S: delay_s}
            about[names.EXCEPTION_TYPE] = kind
            span.add_event(names.RETRY_EVENT, about, self.scope.timeline.now_ns())
        state = RetryState(self.attempt, error, delay_s, self.idle_s)
        self.attempt += 1
        self.idle_s += delay_s
        return state

    def tell(self) -> None:
        """Tell the span of the attempts there were."""
        span = self.scope.span
        if span.is_recording():
            span.set_attribute(names.RETRY_ATTEMPTS, self.attempt)
            if self.reason is not None:
                span.set_attribute(names.RETRY_REASON, self.reason)
                span.set_attribute(names.RETRY_TOTAL_DELAY_S, self.idle_s)


class _Attempts:
    """The attempts at a stream, as one stream in a grouping span."""

    stream_mode: ClassVar[Literal["input", "output", "none"]] = "input"

    def __init__(self, retry: RunnableRetry[Any, Any], config: RunnableConfig | None, value: Any = UNKNOWN) -> None:
        self.retry = retry
        self.config = merge_configs(retry.config, config) if retry.config else config
        self.value = value

    def opened(self, config: RunnableConfig | None) -> RunScope:
        callbacks, merged = resolve(self.config)
        parent = callbacks.scope if isinstance(callbacks, Parent) else getattr(callbacks, "parent_scope", None)
        name = merged.get("run_name") or self.retry.get_name()
        return Grouping(f"retry {name}", parent, {}, handed_down(merged))

    def shown_input(self, value: Any, scope: RunScope, kwargs: Mapping[str, Any]) -> Any:
        return value

    def shown_stream(self, chunks: list[Any], scope: RunScope) -> Any:
        return None

    async def flow(self, chunks: AsyncIterator[Any], io: Io, /, **kwargs: Any) -> AsyncIterator[Any]:
        course = _Course(self.retry, io.scope)
        kept = _Kept(chunks)
        while True:
            stream = self._begun(course, kept, io, kwargs)
            try:
                try:
                    chunk = await stream.__anext__()
                except StopAsyncIteration:
                    course.tell()
                    return
                except self.retry.retry_exception_types as exc:
                    error = exc
                else:
                    course.tell()
                    kept.keeps = False
                    yield chunk
                    async for chunk in stream:
                        yield chunk
                    return
            finally:
                await io.close(stream)
            if course.failed(error) is None:
                raise error
            del error
            await io.sleep(course.delay_s)

    def _begun(self, course: _Course, kept: _Kept, io: Io, kwargs: dict[str, Any]) -> AsyncIterator[Any]:
        bound, tag = self.retry.bound, course.tag
        if tag is None:
            config = cast(RunnableConfig, {}) if self.config is None else self.config
            if self.value is not UNKNOWN:
                return io.stream(bound, self.value, config, **kwargs)
            return io.transform(bound, kept.again(), config, **kwargs)
        callbacks, merged = resolve(self.config)
        manager = (
            CallbackManager.of(callbacks) if isinstance(callbacks, Parent) else CallbackManager.configure(callbacks)
        )
        manager.add_tags([tag], inherit=False)
        tagged: dict[str, Any] = {**merged, "callbacks": manager}
        tagged.pop("run_id", None)  # it is the first attempt's
        return io.transform(bound, kept.again(), cast(RunnableConfig, tagged), **kwargs)


class _Kept:
    """The input of a stream, kept until the stream has begun."""

    __slots__ = ("chunks", "keeps", "seen")

    def __init__(self, chunks: AsyncIterator[Any]) -> None:
        self.chunks = chunks
        self.keeps = True
        self.seen: list[Any] = []

    @unhooked
    async def again(self) -> AsyncIterator[Any]:
        """Yield all chunks from the first on."""
        for chunk in list(self.seen):
            yield chunk
        async for chunk in self.chunks:
            if self.keeps:
                self.seen.append(chunk)
            yield chunk
