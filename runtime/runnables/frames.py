"""Tracebacks without our plumbing: at most two frames of ours per runnable, `invoke` and `body`."""

from __future__ import annotations

from types import CodeType, TracebackType
from typing import TypeVar

__all__ = ["hidden", "trimmed"]

F = TypeVar("F")
_HIDDEN: set[CodeType] = set()


def hidden(function: F) -> F:
    """Mark a function of ours whose frames are left out of tracebacks, and return it."""
    _HIDDEN.add(function.__code__)  # type: ignore[attr-defined]  # only plain functions are marked
    return function


def trimmed(error: BaseException) -> BaseException:
    """Return the exception as user code raised it, with the plumbing taken out of its traceback.

    A StopIteration that Python turned into a RuntimeError on its way through a coroutine is turned back.

    Args:
        error: What came out of a body.
    """
    cause = error.__cause__
    if type(error) is RuntimeError and isinstance(cause, StopIteration) and "raised StopIteration" in str(error):
        return cause
    frame: TracebackType | None = error.__traceback__
    while frame is not None:
        inner = frame.tb_next
        while inner is not None and inner.tb_frame.f_code in _HIDDEN:
            inner = inner.tb_next
        frame.tb_next = inner
        frame = inner
        if frame is not None and frame.tb_frame.f_code.co_name in ("invoke", "ainvoke"):
            break  # what is deeper was trimmed by the inner run
    return error
