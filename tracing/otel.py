"""The bridge to OpenTelemetry: the only module of tracing that starts and ends spans. It knows the API alone.

The tracer comes from the provider given with `use_provider`, else from the global one. With no SDK set up every span is
a non-recording one and costs next to nothing.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
)

from . import log
from .encode import encode
from .ids import WANTED
from .names import EXCEPTION_EVENT, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, SCOPE_NAME

__all__ = [
    "BESIDES",
    "Context",
    "Span",
    "attach_context",
    "context_with",
    "counts",
    "current_context",
    "end_span",
    "start_span",
    "use_provider",
]

attach_context = otel_context.attach
"""Make an OpenTelemetry context the current one of this `contextvars` context."""

current_context = otel_context.get_current
"""Return the current OpenTelemetry context."""

counts: dict[str, int] = {"span_errors": 0}
"""How many spans could not be started, described or ended in this process: what was plugged into the SDK failed."""

BESIDES: Final[ContextVar[Mapping[str, Any] | None]] = ContextVar("spanloom_besides", default=None)
"""What the next span started in this context says besides; taken by it."""

_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_ERROR = StatusCode.ERROR
_MAX_TOLD_BYTES = 1 << 16


class _Source:
    """Where tracers come from, with the last one kept."""

    given: TracerProvider | None = None
    seen: TracerProvider | None = None
    tracer: Tracer | None = None


def use_provider(provider: TracerProvider | None) -> None:
    """Take spans from this provider from now on, or from the global one again.

    Args:
        provider: The provider, or None for the global one.
    """
    _Source.given = provider


def _tracer() -> Tracer:
    provider = _Source.given or trace.get_tracer_provider()
    if provider is not _Source.seen or _Source.tracer is None:
        _Source.tracer = provider.get_tracer(SCOPE_NAME)
        _Source.seen = provider
    return _Source.tracer


def start_span(
    name: str,
    parent: Context | None,
    attributes: Mapping[str, Any],
    start_ns: int,
    kind: str,
    wanted: tuple[int, int],
) -> Span:
    """Start a span and return it; it is not made current.

    Args:
        name: The span's name.
        parent: The context that holds its parent; None for the current one.
        attributes: What is known at its start; samplers see it.
        start_ns: When it started.
        kind: internal or client.
        wanted: The trace id and span id it should get, 0 for any; honoured by our id generator alone.
    """
    if parent is None:
        parent = current_context()
    besides = BESIDES.get()
    if besides is not None:
        BESIDES.set(None)
        attributes = {**attributes, **besides}
    if wanted[0]:
        around = trace.get_current_span(parent)
        if around is not INVALID_SPAN and around.get_span_context().is_valid:
            wanted = (0, wanted[1])
    WANTED.set(wanted)
    try:
        return _tracer().start_span(
            name,
            parent,
            _KINDS[kind],
            attributes,
            None,
            start_ns,
            record_exception=False,
            set_status_on_exception=False,
        )
    except Exception as exc:  # noqa: BLE001 - a sampler or a span processor never breaks a run
        _failed("start", exc)
        return NonRecordingSpan(trace.get_current_span(parent).get_span_context())
    finally:
        WANTED.set(None)


def context_with(span: Span, parent: Context | None) -> Context:
    """Return a context in which the span is the current one.

    Args:
        span: The span.
        parent: The context to build on; None for the current one.
    """
    return trace.set_span_in_context(span, parent)


def end_span(span: Span, end_ns: int, error: BaseException | None) -> None:
    """End the span; with an error, record it as an exception event and set the status.

    Args:
        span: The span.
        end_ns: When it ended.
        error: What went wrong, or None.
    """
    if error is not None and span.is_recording():
        name = type(error).__name__
        message = _gated(error, str)
        shown = {EXCEPTION_TYPE: name, EXCEPTION_MESSAGE: message, EXCEPTION_STACKTRACE: _gated(error, _stacktrace)}
        span.add_event(EXCEPTION_EVENT, shown, end_ns)
        span.set_status(Status(_ERROR, f"{name}: {message}"))
    try:
        span.end(end_ns)
    except Exception as exc:  # noqa: BLE001 - a span processor never breaks a run
        _failed("end", exc)


def _stacktrace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _gated(error: BaseException, told: Callable[[BaseException], str]) -> str:
    """Return what is told of an exception after redaction: its text may hold what the user asked to hide."""
    try:
        shown = encode(told(error), _MAX_TOLD_BYTES)
    except Exception as exc:  # noqa: BLE001 - an exception that cannot be shown is still an error
        _failed("record", exc)
        return "<cannot be shown>"
    return shown if isinstance(shown, str) else "<redacted>"


def _failed(what: str, error: Exception) -> None:
    counts["span_errors"] += 1
    log.warn_once("otel", f"span:{what}", f"the tracing SDK failed at the {what} of a span", error=type(error).__name__)
