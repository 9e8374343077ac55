"""Notices: how a provider tells that a guardrail intervened, while its run goes on.

A provider calls `notice` where it sees the intervention, in any thread of its run; the intervention is recorded there
and then. Handlers hear of it from the body of the run, which calls `tell_notices` where it can wait for them: after
each chunk and before its end, so that `on_llm_end` follows the notices, once. Where the caller asked for an error, it
is raised when the answer is complete and the notices are told; `on_llm_error` then gets reason and trace once more.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from ...tracing.callbacks.dispatch import aemit, emit, notice_call
from ...tracing.interventions import Intervention, record
from ...tracing.scope import CURRENT, RunScope
from ..exceptions import GuardrailInterventionError
from ..runnables.io import Io

__all__ = ["REASON", "has_notices", "notice", "tell_last_notices", "tell_notices"]

REASON: Final = "GUARDRAIL_INTERVENED"
"""The `reason` that handlers are given, whatever words the provider's API has for it."""

_KEY, _FATAL = "notices", "fatal_notice"
_lock = threading.Lock()


def notice(intervention: Intervention, *, is_fatal: bool = False) -> None:
    """Record an intervention on the current run and queue it for the run's handlers; never raises.

    Without a run under way it is recorded in logs and metrics alone.

    Args:
        intervention: What the guardrail did.
        is_fatal: Whether the run is to end with an error once its answer is complete; the first such one is raised.
    """
    scope = CURRENT.get()
    record(scope, intervention)
    if scope is None or not (scope.handlers or is_fatal):
        return
    with _lock:
        if scope.details is None:
            scope.details = {}
        if is_fatal:
            scope.details.setdefault(_FATAL, intervention)
        if scope.handlers:
            scope.details.setdefault(_KEY, deque()).append(intervention)


def has_notices(scope: RunScope) -> bool:
    """Return whether handlers are still to be told of an intervention.

    Args:
        scope: The run.
    """
    details = scope.details
    return details is not None and bool(details.get(_KEY))


async def tell_notices(io: Io) -> None:
    """Tell the run's handlers of every intervention that is queued, in order; each is told once.

    Args:
        io: The run's.
    """
    scope = io.scope
    while has_notices(scope):
        intervention: Intervention = scope.details[_KEY].popleft()
        call = notice_call(scope, GuardrailInterventionError(intervention), REASON, intervention.trace)
        if io.blocking:
            emit(scope.handlers, call)
        else:
            await aemit(scope.handlers, call)


async def tell_last_notices(io: Io) -> None:
    """Tell the notices that are left, when the answer is complete.

    Args:
        io: The run's.

    Raises:
        GuardrailInterventionError: If one of the run's notices is fatal.
    """
    await tell_notices(io)
    details = io.scope.details
    intervention: Intervention | None = details.get(_FATAL) if details else None
    if intervention is not None:
        details["error_kwargs"] = {"reason": REASON, "trace": intervention.trace}
        raise GuardrailInterventionError(intervention)
