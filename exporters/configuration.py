"""`configure()`: say once where finished spans go.

    from spanloom.exporters import configure

    with configure(service_name="shop", store="spans.db", capture="content"):
        ...

Which tracer provider is used: the one given; else the global one when the application set one (it is never replaced,
and its ids and sampler stay its own); else a new one of ours, made global, whose ids follow the runs.

Nothing is sent anywhere unasked: OTLP only with `exporter="otlp"`, an `endpoint`, OTEL_TRACES_EXPORTER or
OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.semconv.attributes.service_attributes import SERVICE_NAME

from ..tracing import log, otel
from . import environment
from .errors import ConfigurationError
from .exit import shut_down_at_exit
from .handle import Tracing
from .plan import Destination, Wish, plan
from .processor import JournalProcessor
from .provider import RunIdGenerator, sampler_from_environment

if TYPE_CHECKING:
    from .pipeline import Sink

__all__ = ["Capture", "configure"]

Capture = Literal["structure", "content", "chunks"]
"""How much of a run's values a sink gets: none, inputs and outputs, or every chunk of a stream as well."""

_lock = threading.RLock()
_attached: WeakKeyDictionary[Any, dict[str, JournalProcessor]] = WeakKeyDictionary()
_given: list[Any] = []
"""The provider that an argument named last, if its handle is not shut down."""


def configure(
    *,
    service_name: str | None = None,
    exporter: Literal["otlp", "console", "none"] | Sink | Sequence[str | Sink] | None = None,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    store: str | Path | bool | None = None,
    file: str | Path | None = None,
    console: bool = False,
    capture: Capture | None = None,
    store_capture: Capture | None = None,
    provider: trace.TracerProvider | None = None,
    sampler: Sampler | None = None,
    resource: Resource | Mapping[str, Any] | None = None,
) -> Tracing:
    """Send finished spans to these destinations from now on, and return the handle that flushes and shuts down.

    Arguments go before the `OTEL_*` variables, which fill in what is not given. With nothing asked for and no variable
    set, spans are made and go nowhere. With OTEL_SDK_DISABLED=true nothing is done.

    The same destination of the same provider is added once: the first sink, with its capture level, stays until it is
    shut down. The handle flushes and reports all destinations asked for, and shuts down those that its call added.

    Args:
        service_name: `service.name` of the resource; OTEL_SERVICE_NAME stands in.
        exporter: otlp, console, none, an object with `export(spans)` and `close()`, or a list of these.
        endpoint: The collector's base URL, such as `http://localhost:4318`, or the full URL ending in `/v1/traces`.
        headers: Headers of every OTLP request.
        store: The SQLite file to write; True means `default_store_path()`.
        file: The `.otlp.jsonl` file to append to.
        console: Print each finished trace as a tree on standard error.
        capture: How much of inputs and outputs the destinations get; the default is structure, or content when
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT is true.
        store_capture: The same for `store` and `file` alone; the default is `capture`.
        provider: The provider to use, and to take spanloom's spans from, instead of the global one.
        sampler: Our provider's sampler; the default is what OTEL_TRACES_SAMPLER says.
        resource: Our provider's resource, or attributes for it, beside OTEL_RESOURCE_ATTRIBUTES.

    Raises:
        ConfigurationError: If an argument or a variable cannot be used, or the provider takes no span processors.
        MissingExtraError: If OTLP is asked for and its package is not installed.
        StoreError: If the store cannot be opened; `ForeignStoreError` if the file is another program's.
    """
    variables = environment.read()
    if variables.disabled:
        return Tracing(provider or trace.get_tracer_provider())
    wish = Wish(exporter, endpoint, headers, store, file, console, capture, store_capture)
    destinations = plan(wish, variables)
    with _lock:
        existing = _existing_provider(provider)
        if existing is not None and (sampler is not None or resource is not None or service_name is not None):
            log.warn_once(
                "exporters",
                "provider settings",
                "The application's own tracer provider is in use; service_name, sampler and resource of configure() "
                "have no effect on it. Set them where that provider is made.",
            )
        known = dict(_attached.get(existing, {})) if existing is not None else {}
        added = _build(destinations, known)
        try:
            chosen = existing or _make_provider(service_name, sampler, resource)
        except BaseException:
            for processor in added:
                processor.shutdown(0.0)
            raise
        for processor in added:
            chosen.add_span_processor(processor)
            known[processor.destination] = processor
            shut_down_at_exit(processor)
        _attached[chosen] = known
        otel.use_provider(provider)
        _given[:] = [provider]
    asked = [known[destination.name] for destination in destinations]
    return Tracing(chosen, asked, added, (lambda: _release(provider)) if provider is not None else None)


def _existing_provider(given: trace.TracerProvider | None) -> Any | None:
    """Return the provider to add to, or None when there is none yet."""
    found = given if given is not None else trace.get_tracer_provider()
    if given is None and isinstance(found, trace.ProxyTracerProvider):
        return None
    if not callable(getattr(found, "add_span_processor", None)):
        whose = "given" if given is not None else "that the application set"
        raise ConfigurationError(
            f"The tracer provider {whose} is {found!r}; it takes no span processors. Use an "
            "opentelemetry.sdk.trace.TracerProvider, or call configure() before another one is set."
        )
    return found


def _build(destinations: list[Destination], known: Mapping[str, JournalProcessor]) -> list[JournalProcessor]:
    """Return processors for the destinations that have none at work; all of them or, when one fails, none."""
    added: list[JournalProcessor] = []
    try:
        for destination in destinations:
            at_work = known.get(destination.name)
            if at_work is not None and not at_work.is_shut_down:
                continue
            added.append(
                JournalProcessor(
                    destination.build(),
                    destination=destination.name,
                    level=destination.level,
                    max_spans=destination.max_spans,
                    batch_spans=destination.batch_spans,
                    delay_s=destination.delay_s,
                )
            )
    except BaseException:
        for processor in added:
            processor.shutdown(0.0)
        raise
    return added


def _make_provider(
    service_name: str | None, sampler: Sampler | None, resource: Resource | Mapping[str, Any] | None
) -> TracerProvider:
    """Return a new provider of ours, made global."""
    attributes = {SERVICE_NAME: service_name} if service_name is not None else {}
    if isinstance(resource, Resource):
        whole = resource.merge(Resource(attributes)) if attributes else resource
    else:
        whole = Resource.create({**(resource or {}), **attributes})
    provider = TracerProvider(
        sampler=sampler if sampler is not None else sampler_from_environment(),
        resource=whole,
        id_generator=RunIdGenerator(),
    )
    trace.set_tracer_provider(provider)
    return provider


def _release(provider: trace.TracerProvider) -> None:
    """Take spans from the global provider again, unless another one was given meanwhile."""
    with _lock:
        if _given and _given[0] is provider:
            _given.clear()
            otel.use_provider(None)
