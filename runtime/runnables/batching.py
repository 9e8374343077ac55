"""Many inputs at once: in worker threads, or as tasks; and the span that groups what belongs together.

A batch of more than one input opens one span that is no run: no signal, no callback, no journal, nobody's parent in a
record. The runs of the items are what they would be without it; only their spans stand below it, each with its index.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Protocol

from ...tracing import names, otel
from ...tracing.lineage import NO_HERITAGE, Timeline
from ...tracing.run import UNKNOWN
from ...tracing.scope import CURRENT, Outcome, RunScope, outcome_of
from .config import RunnableConfig, get_config_list
from .io import Step
from .io_blocking import run_as_completed, run_jobs
from .io_loop import gather_tasks, in_context, tasks_as_completed

__all__ = ["Grouping", "abatch_each", "abatch_in_turn", "batch_each", "batch_in_turn"]

_Job = Callable[[], Any]
_LoopJob = Callable[[], Awaitable[Any]]


class _Named(Step, Protocol):
    """A step that has a name."""

    def get_name(self) -> str:
        """Return the name of its runs."""
        ...


class Grouping(RunScope):
    """A span that groups runs and is no run itself: a scope that gives no signal and that no run has as its parent.

    Args:
        name: The span's name.
        parent: The scope of the run that the grouped runs are children of, or None for those around.
        attributes: What the span says.
        config: Whatever the grouped runs find again.
    """

    def __init__(
        self, name: str, parent: RunScope | None, attributes: Mapping[str, Any], config: Mapping[str, Any]
    ) -> None:
        self.parent = parent
        self.heritage = NO_HERITAGE
        self.handlers = ()
        self.taps = ()
        self.journal = None
        self.config = config
        self.details = None
        self._ended = False
        self.timeline = Timeline() if parent is None else parent.timeline
        ambient = None if parent is None or CURRENT.get() is parent else parent.otel_context
        self.span = otel.start_span(name, ambient, attributes, self.timeline.now_ns(), "internal", (0, 0))
        self.otel_context = otel.context_with(self.span, ambient)
        self.context: Context = copy_context()
        self.is_traced = self.span.get_span_context().is_valid
        if self.is_traced:
            self.context.run(self._enter)

    def _enter(self) -> None:
        if self.parent is not None:
            CURRENT.set(self.parent)
        otel.attach_context(self.otel_context)

    def inside(self, index: int) -> Context:
        """Return a context in which the run of one item is to be opened.

        Args:
            index: The item's place.
        """
        context = self.context.copy()
        if self.span.is_recording():
            context.run(otel.BESIDES.set, {names.BATCH_INDEX: index})
        return context

    def begin(self, value: Any, raw: Any = UNKNOWN) -> None:
        """Give no signal."""

    def chunk(self, value: Any) -> None:
        """Give no signal."""

    def finish(self, output: Any = None, late_input: Any = UNKNOWN) -> bool:
        """End the span and return whether this call ended it.

        Args:
            output: Not shown.
            late_input: Not shown.
        """
        return self._end(None)

    def fail(self, error: BaseException, outcome: Outcome | None = None) -> bool:
        """End the span by an exception and return whether this call ended it.

        Args:
            error: The exception.
            outcome: How it counts; told from the exception when not given.
        """
        return self._end(error if (outcome or outcome_of(error)) == "error" else None)

    def _end(self, error: BaseException | None) -> bool:
        if self._ended:
            return False
        self._ended = True
        otel.end_span(self.span, self.timeline.now_ns(), error)
        return True


def _grouped(step: _Named, configs: Sequence[RunnableConfig]) -> Grouping | None:
    """Open the span of a batch; None for a batch of one."""
    if len(configs) < 2:
        return None
    parent = getattr(configs[0].get("callbacks"), "parent_scope", None)
    return Grouping(f"batch {step.get_name()}", parent, {names.BATCH_SIZE: len(configs)}, {})


def _jobs(
    step: _Named,
    inputs: Sequence[Any],
    configs: Sequence[RunnableConfig],
    kwargs: Mapping[str, Any],
    group: Grouping | None,
) -> list[_Job]:
    jobs: list[_Job] = [partial(step.invoke, v, own, **kwargs) for v, own in zip(inputs, configs, strict=True)]
    if group is None or not group.is_traced:
        return jobs
    return [partial(group.inside(place).run, job) for place, job in enumerate(jobs)]


def _loop_jobs(
    step: _Named,
    inputs: Sequence[Any],
    configs: Sequence[RunnableConfig],
    kwargs: Mapping[str, Any],
    group: Grouping | None,
) -> list[_LoopJob]:
    jobs: list[_LoopJob] = [partial(step.ainvoke, v, own, **kwargs) for v, own in zip(inputs, configs, strict=True)]
    if group is None or not group.is_traced:
        return jobs
    return [partial(_inside, group.inside(place), job) for place, job in enumerate(jobs)]


async def _inside(context: Context, job: _LoopJob) -> Any:
    return await in_context(context, job())


def _kept(job: _Job) -> Any:
    try:
        return job()
    except Exception as exc:  # noqa: BLE001 - put into the list
        return exc


async def _akept(job: _LoopJob) -> Any:
    try:
        return await job()
    except Exception as exc:  # noqa: BLE001 - put into the list
        return exc


def batch_each(
    step: _Named,
    inputs: Sequence[Any],
    config: RunnableConfig | Sequence[RunnableConfig] | None,
    return_exceptions: bool,
    kwargs: Mapping[str, Any],
) -> list[Any]:
    """Return the outputs of a step for many inputs, in order.

    Args:
        step: The step.
        inputs: The inputs.
        config: One for all, or one each.
        return_exceptions: Whether exceptions are put into the list.
        kwargs: Passed on to the step.
    """
    if not inputs:
        return []
    configs = get_config_list(config, len(inputs))
    group = _grouped(step, configs)
    jobs = _jobs(step, inputs, configs, kwargs, group)
    if return_exceptions:
        jobs = [partial(_kept, job) for job in jobs]
    if group is None:
        return [jobs[0]()]
    try:
        return run_jobs(jobs, configs[0].get("max_concurrency"))
    finally:
        group.finish()


async def abatch_each(
    step: _Named,
    inputs: Sequence[Any],
    config: RunnableConfig | Sequence[RunnableConfig] | None,
    return_exceptions: bool,
    kwargs: Mapping[str, Any],
) -> list[Any]:
    """Return the outputs of a step for many inputs, in order, on an event loop.

    Args:
        step: The step.
        inputs: The inputs.
        config: One for all, or one each.
        return_exceptions: Whether exceptions are put into the list.
        kwargs: Passed on to the step.
    """
    if not inputs:
        return []
    configs = get_config_list(config, len(inputs))
    group = _grouped(step, configs)
    jobs = _loop_jobs(step, inputs, configs, kwargs, group)
    if return_exceptions:
        jobs = [partial(_akept, job) for job in jobs]
    try:
        return await gather_tasks(jobs, configs[0].get("max_concurrency"))
    finally:
        if group is not None:
            group.finish()


def batch_in_turn(
    step: _Named,
    inputs: Sequence[Any],
    config: RunnableConfig | Sequence[RunnableConfig] | None,
    return_exceptions: bool,
    kwargs: Mapping[str, Any],
) -> Iterator[tuple[int, Any]]:
    """Yield the place and output of each input, as they finish.

    Args:
        step: The step.
        inputs: The inputs.
        config: One for all, or one each.
        return_exceptions: Whether exceptions are given as outputs.
        kwargs: Passed on to the step.
    """
    if not inputs:
        return
    configs = get_config_list(config, len(inputs))
    group = _grouped(step, configs)
    done = run_as_completed(_jobs(step, inputs, configs, kwargs, group), configs[0].get("max_concurrency"))
    try:
        for place, output, error in done:
            yield place, _told(output, error, return_exceptions)
    finally:
        done.close()  # type: ignore[attr-defined]  # a generator
        if group is not None:
            group.finish()


async def abatch_in_turn(
    step: _Named,
    inputs: Sequence[Any],
    config: RunnableConfig | Sequence[RunnableConfig] | None,
    return_exceptions: bool,
    kwargs: Mapping[str, Any],
) -> AsyncIterator[tuple[int, Any]]:
    """Yield the place and output of each input, as they finish, on an event loop.

    Args:
        step: The step.
        inputs: The inputs.
        config: One for all, or one each.
        return_exceptions: Whether exceptions are given as outputs.
        kwargs: Passed on to the step.
    """
    if not inputs:
        return
    configs = get_config_list(config, len(inputs))
    group = _grouped(step, configs)
    done = tasks_as_completed(_loop_jobs(step, inputs, configs, kwargs, group), configs[0].get("max_concurrency"))
    try:
        async for place, output, error in done:
            yield place, _told(output, error, return_exceptions)
    finally:
        await done.aclose()  # type: ignore[attr-defined]  # an async generator
        if group is not None:
            group.finish()


def _told(output: Any, error: Exception | None, return_exceptions: bool) -> Any:
    if error is None:
        return output
    if return_exceptions:
        return error
    raise error
