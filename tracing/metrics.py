"""The bridge to OpenTelemetry's metrics. It knows the API alone; with no SDK set up a measurement costs little.

Every label a measurement may carry is listed in `names.METRIC_LABELS`; others are dropped. A label keeps its first
`MAX_VALUES` values of the process; what comes after them is counted under `other`, so that ids in labels can never
flood a store of metrics.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry import metrics
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider

from . import log
from .names import METRIC_LABELS, SCOPE_NAME

__all__ = ["MAX_VALUES", "OTHER", "bounded", "count", "counts", "measure", "use_meter_provider"]

MAX_VALUES: Final = 100
"""How many values of one label are told apart; far more than a program has guardrails or models."""

OTHER: Final = "other"
"""The value that stands for all further ones."""

counts: dict[str, int] = {"metric_errors": 0}
"""How many measurements failed in this process: what was plugged into the SDK failed."""

_DURATION_BUCKETS_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)


class _Source:
    """Where instruments come from, with those made of the last provider."""

    given: MeterProvider | None = None
    seen: MeterProvider | None = None
    instruments: dict[str, Any] = {}


_values: dict[str, set[str]] = {}
_lock = threading.Lock()


def use_meter_provider(provider: MeterProvider | None) -> None:
    """Give measurements to this provider from now on, or to the global one again; label values are told anew.

    Args:
        provider: The provider, or None for the global one.
    """
    with _lock:
        _Source.given = provider
        _values.clear()


def bounded(label: str, value: object) -> str:
    """Return the value under which a label is counted: its text, or `other` when there were too many before.

    Args:
        label: The label.
        value: The value.
    """
    text = str(value)
    with _lock:
        known = _values.setdefault(label, set())
        if text not in known:
            if len(known) >= MAX_VALUES:
                return OTHER
            known.add(text)
    return text


def count(
    name: str, amount: float, labels: Mapping[str, object], unit: str = "1", context: Context | None = None
) -> None:
    """Add to a counter; never raises.

    Args:
        name: The counter.
        amount: How much; nothing is counted below zero.
        labels: What to tell apart; None values are left out.
        unit: The unit.
        context: The context whose span an exemplar names.
    """
    try:
        if amount >= 0:
            _instrument(name, "counter", unit).add(amount, _labels(labels), context)
    except Exception as exc:  # noqa: BLE001 - telemetry never breaks a program
        _failed(name, exc)


def measure(name: str, seconds: float, labels: Mapping[str, object], context: Context | None = None) -> None:
    """Record a duration in a histogram; never raises.

    Args:
        name: The histogram.
        seconds: The duration, in seconds.
        labels: What to tell apart; None values are left out.
        context: The context whose span an exemplar names.
    """
    try:
        _instrument(name, "histogram", "s").record(seconds, _labels(labels), context)
    except Exception as exc:  # noqa: BLE001 - telemetry never breaks a program
        _failed(name, exc)


def _instrument(name: str, kind: str, unit: str) -> Any:
    provider = _Source.given or metrics.get_meter_provider()
    with _lock:
        if provider is not _Source.seen:
            _Source.seen, _Source.instruments = provider, {}
        made = _Source.instruments.get(name)
        if made is None:
            meter = provider.get_meter(SCOPE_NAME)
            if kind == "counter":
                made = meter.create_counter(name, unit)
            else:
                made = meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=_DURATION_BUCKETS_S)
            _Source.instruments[name] = made
    return made


def _labels(labels: Mapping[str, object]) -> dict[str, str]:
    return {name: bounded(name, value) for name, value in labels.items() if value is not None and name in METRIC_LABELS}


def _failed(name: str, error: Exception) -> None:
    counts["metric_errors"] += 1
    log.warn_once("metrics", name, "a measurement failed", metric=name, error=type(error).__name__)
