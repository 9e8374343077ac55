"""The Runnable interface: one input or many, whole or as a stream, blocking or on an event loop.

A subclass writes `invoke`, or whichever of the six methods (invoke, ainvoke, stream, astream, transform, atransform) it
does best; the others follow. Blocking callers use blocking methods only. Callers on a loop use the async method, else
its blocking twin, run in one worker thread for the whole iteration. A `transform` alone streams too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar, cast

from .batching import abatch_each, batch_each
from .config import RunnableConfig
from .io import fold, single
from .io_loop import ThreadedIteration, in_thread
from .io_streams import close_on_loop
from .pulling import Pulled
from .slots import Slots

__all__ = ["Input", "Output", "Runnable"]

Input = TypeVar("Input", contravariant=True)
Output = TypeVar("Output", covariant=True)

_DRIVEN = ("invoke", "ainvoke", "stream", "astream", "transform", "atransform")


class Runnable(ABC, Generic[Input, Output]):
    """A unit of work that can be invoked, batched, streamed and composed."""

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
        **kwargs: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens while this runs, as records: see `spanloom.tracing.events.schema`.

        Leaving early stops the run. An exception of the run is raised here, after the records that came before it.

        Args:
            input: The input.
            config: Tags, metadata, callbacks and limits of the call.
            version: v2.
            include_names: Keep events of runs with one of these names.
            include_types: Keep events of runs of one of these types.
            include_tags: Keep events of runs with one of these tags.
            exclude_names: Leave out events of runs with one of these names.
            exclude_types: Leave out events of runs of one of these types.
            exclude_tags: Leave out events of runs with one of these tags.
            kwargs: Passed on to the work.

        Raises:
            NotImplementedError: If the version is not known.
            FilterError: If a filter is not a list of strings.
        """
        if version != "v2":
            raise NotImplementedError(f"astream_events has no version {version!r}; use version='v2'.")
        filters = (include_names, include_types, include_tags, exclude_names, exclude_types, exclude_tags)
        return cast("AsyncIterator[dict[str, Any]]", Slots.stream_events(self, input, config, filters, kwargs))

    def __or__(self, other: Any) -> Runnable[Input, Any]:
        """Return a sequence of this and the other."""
        return cast("Runnable[Input, Any]", Slots.sequence(self, Slots.coerce(other)))

    def __ror__(self, other: Any) -> Runnable[Any, Output]:
        """Return a sequence of the other and this."""
        return cast("Runnable[Any, Output]", Slots.sequence(Slots.coerce(other), self))

    def pipe(self, *others: Any, name: str | None = None) -> Runnable[Input, Any]:
        """Return a sequence of this and the others.

        Args:
            others: Runnables, mappings or functions.
            name: The name of the sequence.
        """
        return cast("Runnable[Input, Any]", Slots.sequence(self, *others, name=name))

    def bind(self, **kwargs: Any) -> Runnable[Input, Output]:
        """Return a runnable that passes these arguments on every call.

        Args:
            kwargs: The arguments.
        """
        return cast("Runnable[Input, Output]", Slots.binding(bound=self, kwargs=kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Runnable[Input, Output]:
        """Return a runnable with this config bound; what a call says is merged over it.

        Args:
            config: The config.
            kwargs: Keys of the config.
        """
        merged = cast(RunnableConfig, {**(config or {}), **kwargs})
        return cast("Runnable[Input, Output]", Slots.binding(bound=self, config=merged))

    def with_types(
        self, *, input_type: type[Any] | None = None, output_type: type[Any] | None = None
    ) -> Runnable[Input, Output]:
        """Return a runnable that says which types it takes and gives.

        Args:
            input_type: The type of its input.
            output_type: The type of its output.
        """
        made = Slots.binding(bound=self, custom_input_type=input_type, custom_output_type=output_type)
        return cast("Runnable[Input, Output]", made)

    def map(self) -> Runnable[Sequence[Input], list[Output]]:
        """Return a runnable over lists: each item is run, the outputs keep their order."""
        return cast("Runnable[Sequence[Input], list[Output]]", Slots.each(self))

    def assign(self, **kwargs: Any) -> Runnable[Any, Any]:
        """Return a runnable that adds keys to this one's output, a mapping.

        Args:
            kwargs: What makes each key's value: runnables, mappings or functions over the whole mapping.
        """
        return cast("Runnable[Any, Any]", Slots.sequence(self, Slots.assign(kwargs)))

    def pick(self, keys: str | list[str]) -> Runnable[Any, Any]:
        """Return a runnable that picks from this one's output, a mapping.

        Args:
            keys: One key for its value, or a list for a smaller mapping.
        """
        return cast("Runnable[Any, Any]", Slots.sequence(self, Slots.pick(keys)))


_DEFAULTS: Mapping[str, Callable[..., Any]] = {name: getattr(Runnable, name) for name in _DRIVEN}
