"""Many inputs at once: in worker threads, or as tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from .config import RunnableConfig, get_config_list
from .io import Step
from .io_blocking import run_jobs
from .io_loop import gather_tasks

__all__ = ["abatch_each", "batch_each"]


def batch_each(
    step: Step,
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

    def run(value: Any, own: RunnableConfig) -> Any:
        try:
            return step.invoke(value, own, **kwargs)
        except Exception as exc:
            if return_exceptions:
                return exc
            raise

    if len(inputs) == 1:
        return [run(inputs[0], configs[0])]
    jobs = [partial(run, value, own) for value, own in zip(inputs, configs, strict=True)]
    return run_jobs(jobs, configs[0].get("max_concurrency"))


async def abatch_each(
    step: Step,
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

    async def run(value: Any, own: RunnableConfig) -> Any:
        try:
            return await step.ainvoke(value, own, **kwargs)
        except Exception as exc:
            if return_exceptions:
                return exc
            raise

    jobs: list[Callable[[], Awaitable[Any]]] = [partial(run, v, c) for v, c in zip(inputs, configs, strict=True)]
    return await gather_tasks(jobs, configs[0].get("max_concurrency"))
