"""Running: one input or many, whole or as a stream, blocking or on an event loop.

A subclass writes `invoke`, or whichever of the six methods (invoke, ainvoke, stream, astream, transform, atransform) it
does best; the others follow. Blocking callers use blocking methods only. Callers on a loop use the async method, else
its blocking twin, run in one worker thread for the whole iteration. A `transform` alone streams too.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, cast

from ...tracing.events.log import RunLog, RunLogPatch
from .batching import abatch_each, abatch_in_turn, batch_each, batch_in_turn
from .config import RunnableConfig
from .io import fold, single
from .io_loop import ThreadedIteration, in_thread
from .io_streams import close_on_loop
from .pulling import Pulled
from .slots import Slots

__all__ = ["Input", "Output", "Running"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

_DRIVEN = ("invoke", "ainvoke", "stream", "astream", "transform", "atransform")


class Running(ABC, Generic[Input, Output]):
    """What every runnable does: it runs."""

    name: str | None
    """The name of its runs; its class's name when it is None or not there."""

    takes_child_config = False
    """Whether every method is ours, so that steps are handed on without building a config to look at."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("spanloom.") and any(name in cls.__dict__ for name in _DRIVEN):
            cls.takes_child_config = False

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """Return the name of its runs.

        Args:
            suffix: Appended with an underscore, or as a capitalised word to a name that begins with a capital.
            name: Used instead of its own.
        """
        found = name or getattr(self, "name", None)
        if not found:
            found = type(self).__name__
            if "[" in found:  # a generic class with its argument
                found = found.partition("[")[0]
        if not suffix:
            return found
        return found + suffix.title() if found[0].isupper() else f"{found}_{suffix.lower()}"

    @abstractmethod
    def invoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Return the output for one input.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """

    async def ainvoke(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Output:
        """Return the output for one input, on an event loop; here through a worker thread.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """
        return cast(Output, await in_thread(self.invoke, input, config, **kwargs))

    def stream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Output]:
        """Yield the output for one input in chunks; here in one chunk, or through `transform` where that is written.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """
        if self._writes("transform") and not self._writes("stream"):
            yield from self.transform(iter([input]), config, **kwargs)
        else:
            yield self.invoke(input, config, **kwargs)

    async def astream(self, input: Input, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Output]:
        """Yield the output for one input in chunks, on an event loop.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """
        chunks: AsyncIterator[Output] | None = None
        if self._writes("stream"):
            chunks = ThreadedIteration(lambda: self.stream(input, config, **kwargs))
        elif not self._writes("astream"):
            if self._writes("atransform"):
                chunks = self.atransform(single(input), config, **kwargs)
            elif self._writes("transform"):
                chunks = ThreadedIteration(lambda: self.transform(iter([input]), config, **kwargs))
        if chunks is None:
            yield await self.ainvoke(input, config, **kwargs)
            return
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await close_on_loop(chunks)

    def transform(
        self, input: Iterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Output]:
        """Yield the output for a stream of input; here the input is gathered first.

        Args:
            input: The chunks of the input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """
        chunks = list(input)
        if not chunks:
            return
        if self._writes("stream"):
            yield from self.stream(fold(chunks), config, **kwargs)
        else:
            yield self.invoke(fold(chunks), config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[Input], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Output]:
        """Yield the output for a stream of input, on an event loop.

        Args:
            input: The chunks of the input.
            config: Tags, metadata, callbacks and limits of the call.
            kwargs: Passed on to the work.
        """
        if self._writes("transform") and not self._writes("atransform"):
            pulled = Pulled(input)
            threaded = ThreadedIteration(lambda: self.transform(pulled, config, **kwargs))
            try:
                async for chunk in threaded:
                    yield chunk
            finally:
                pulled.close()
                await threaded.aclose()
            return
        chunks = [chunk async for chunk in input]
        if not chunks:
            return
        if self._writes("astream") or self._writes("stream"):
            stream = self.astream(fold(chunks), config, **kwargs)
            try:
                async for chunk in stream:
                    yield chunk
            finally:
                await close_on_loop(stream)
        else:
            yield await self.ainvoke(fold(chunks), config, **kwargs)

    def _writes(self, method: str) -> bool:
        """Return whether the class has a method of its own in place of the one here."""
        return getattr(type(self), method) is not _DEFAULTS[method]

    def batch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Output]:
        """Return the outputs for many inputs, in order, run in worker threads.

        Args:
            inputs: The inputs.
            config: One for all, or one each; `max_concurrency` bounds how many run at once.
            return_exceptions: Put an exception in its place in the list instead of raising it.
            kwargs: Passed on to the work.

        Raises:
            ValueError: If there are configs, but not one each.
        """
        return cast("list[Output]", batch_each(self, inputs, config, return_exceptions, kwargs))

    async def abatch(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Output]:
        """Return the outputs for many inputs, in order, run as tasks.

        Args:
            inputs: The inputs.
            config: One for all, or one each; `max_concurrency` bounds how many run at once.
            return_exceptions: Put an exception in its place in the list instead of raising it.
            kwargs: Passed on to the work.

        Raises:
            ValueError: If there are configs, but not one each.
        """
        return cast("list[Output]", await abatch_each(self, inputs, config, return_exceptions, kwargs))

    def batch_as_completed(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> Iterator[tuple[int, Any]]:
        """Yield (index, output) for many inputs as they finish, run in worker threads; the first begins when asked.

        Left early, or after a failure, no further input is begun; those that run are waited for.

        Args:
            inputs: The inputs.
            config: One for all, or one each; `max_concurrency` bounds how many run at once.
            return_exceptions: Yield an exception as the output instead of raising it.
            kwargs: Passed on to the work.

        Raises:
            ValueError: If there are configs, but not one each.
        """
        return batch_in_turn(self, inputs, config, return_exceptions, kwargs)

    def abatch_as_completed(
        self,
        inputs: Sequence[Input],
        config: RunnableConfig | Sequence[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[tuple[int, Any]]:
        """Yield (index, output) for many inputs as they finish, run as tasks; the first begins when asked.

        Left early, or after a failure, the others are cancelled and waited for.

        Args:
            inputs: The inputs.
            config: One for all, or one each; `max_concurrency` bounds how many run at once.
            return_exceptions: Yield an exception as the output instead of raising it.
            kwargs: Passed on to the work.

        Raises:
            ValueError: If there are configs, but not one each.
        """
        return abatch_in_turn(self, inputs, config, return_exceptions, kwargs)

    def astream_events(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        version: Literal["v1", "v2"] = "v2",
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        include_errors: bool = False,
        include_timing: bool = False,
        **kwargs: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens while this runs, as records: see `spanloom.tracing.events.schema`.

        Leaving early stops the run. An exception of the run is raised here, after the records that came before it.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            version: v2, or v1: deprecated, see `spanloom.tracing.events.version_one`.
            include_names: Keep events of runs with one of these names.
            include_types: Keep events of runs of one of these types.
            include_tags: Keep events of runs with one of these tags.
            exclude_names: Leave out events of runs with one of these names.
            exclude_types: Leave out events of runs of one of these types.
            exclude_tags: Leave out events of runs with one of these tags.
            include_errors: Also give `on_<type>_error` for runs that failed, were cancelled or abandoned; v2 only.
            include_timing: Also give each record its `time_ns` and `seq`; v2 only.
            kwargs: Passed on to the work.

        Raises:
            NotImplementedError: If the version is not known, or v1 is asked for what only v2 has.
            FilterError: If a filter is not a list of strings.
        """
        if version not in ("v1", "v2"):
            raise NotImplementedError(f"astream_events has no version {version!r}; use version='v2'.")
        if version == "v1":
            if include_errors or include_timing:
                raise NotImplementedError("include_errors and include_timing need version='v2'.")
            warnings.warn("astream_events version='v1' is deprecated; use version='v2'.", DeprecationWarning, 2)
        filters = (include_names, include_types, include_tags, exclude_names, exclude_types, exclude_tags)
        extra = {"version": version, "errors": include_errors, "timing": include_timing}
        events = Slots.stream_events(self, input, config, filters, kwargs, **extra)
        return cast("AsyncIterator[dict[str, Any]]", events)

    def astream_log(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        diff: bool = True,
        with_streamed_output_list: bool = True,
        include_names: Sequence[str] | None = None,
        include_types: Sequence[str] | None = None,
        include_tags: Sequence[str] | None = None,
        exclude_names: Sequence[str] | None = None,
        exclude_types: Sequence[str] | None = None,
        exclude_tags: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[RunLogPatch] | AsyncIterator[RunLog]:
        """Yield what happens while this runs as patches of one document: see `spanloom.tracing.events.log`.

        Deprecated; `astream_events` tells more. Leaving early stops the run.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            diff: Yield each change as a `RunLogPatch`, or else each time the whole `RunLog`.
            with_streamed_output_list: Whether what this yields is listed under `/streamed_output`.
            include_names: Keep entries of runs with one of these names.
            include_types: Keep entries of runs of one of these types; models are llm.
            include_tags: Keep entries of runs with one of these tags.
            exclude_names: Leave out entries of runs with one of these names.
            exclude_types: Leave out entries of runs of one of these types.
            exclude_tags: Leave out entries of runs with one of these tags.
            kwargs: Passed on to the work.

        Raises:
            FilterError: If a filter is not a list of strings.
        """
        warnings.warn("astream_log is deprecated; use astream_events.", DeprecationWarning, 2)
        filters = (include_names, include_types, include_tags, exclude_names, exclude_types, exclude_tags)
        log = Slots.stream_log(
            self, input, config, filters, kwargs, diff=diff, with_streamed_output_list=with_streamed_output_list
        )
        return cast("AsyncIterator[RunLogPatch]", log)


_DEFAULTS: Mapping[str, Callable[..., Any]] = {name: getattr(Running, name) for name in _DRIVEN}
