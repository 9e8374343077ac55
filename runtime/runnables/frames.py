"""Tracebacks without our plumbing: at most two frames of ours per runnable, `invoke` and `body`."""

from __future__ import annotations

from types import CodeType, TracebackType
from typing import TypeVar

__all__ = ["hidden", "restored", "trimmed"]

F = TypeVar("F")
_HIDDEN: set[CodeType] = set()
_HOME = (f"{__package__}.", f"{__name__.partition('.')[0]}.tracing.")
_ENTRIES = ("invoke", "ainvoke")
_BODIES = ("body", "flow", "<listcomp>")
_TURNED = ("coroutine raised StopIteration", "async generator raised StopIteration")


def hidden(function: F) -> F:
    """Mark a function of ours whose frames are left out of tracebacks, and return it."""
    _HIDDEN.add(function.__code__)  # type: ignore[attr-defined]  # only plain functions are marked
    return function


def trimmed(error: BaseException) -> BaseException:
    """Return the exception with the plumbing taken out of its traceback.

    Args:
        error: What came out of a body.
    """
    frame: TracebackType | None = error.__traceback__
    inside = False  # the run's own body, which may itself call `body` or `flow`
    while frame is not None:
        inner = frame.tb_next
        while inner is not None and _is_plumbing(inner, inside):
            inside = _is_body(inner)
            inner = inner.tb_next
        frame.tb_next = inner
        frame = inner
        if frame is not None and frame.tb_frame.f_code.co_name in _ENTRIES:
            break  # what is deeper was trimmed by the inner run
        inside = frame is not None and _is_body(frame)
    return error


def _is_ours(frame: TracebackType) -> bool:
    return str(frame.tb_frame.f_globals.get("__name__", "")).startswith(_HOME)


def _is_body(frame: TracebackType) -> bool:
    return frame.tb_frame.f_code.co_name in _BODIES and _is_ours(frame)


def _is_plumbing(frame: TracebackType, inside: bool) -> bool:
    code = frame.tb_frame.f_code
    if code in _HIDDEN:
        return True
    if code.co_name in _ENTRIES or not _is_ours(frame):
        return False
    return inside or code.co_name not in _BODIES or code.co_name == "<listcomp>"


def restored(error: BaseException) -> BaseException:
    """Return the exception as user code raised it, trimmed.

    A StopIteration that Python turned into a RuntimeError on its way through our coroutines is turned back. Only for
    callers that may raise one: out of an iterator it would read as the end.

    Args:
        error: What came out of a body.
    """
    cause = error.__cause__
    if type(error) is RuntimeError and isinstance(cause, StopIteration) and str(error) in _TURNED:
        return cause
    return trimmed(error)
