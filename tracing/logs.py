"""The bridge to OpenTelemetry's log records. It knows the API alone; with no SDK set up a record costs next to nothing.

A record is an event: it has a name, attributes and a severity, and names the span it belongs to. These are records for
a store of logs; what spanloom has to say to people goes through `log`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import _logs
from opentelemetry._logs import Logger, LoggerProvider, LogRecord, SeverityNumber
from opentelemetry.context import Context

from . import log
from .names import SCOPE_NAME

__all__ = ["counts", "use_logger_provider", "warn"]

counts: dict[str, int] = {"log_errors": 0}
"""How many records failed in this process: what was plugged into the SDK failed."""


class _Source:
    """Where loggers come from, with the last one kept."""

    given: LoggerProvider | None = None
    seen: LoggerProvider | None = None
    logger: Logger | None = None


def use_logger_provider(provider: LoggerProvider | None) -> None:
    """Give records to this provider from now on, or to the global one again.

    Args:
        provider: The provider, or None for the global one.
    """
    _Source.given = provider


def _logger() -> Logger:
    provider = _Source.given or _logs.get_logger_provider()
    logger = _Source.logger
    if provider is not _Source.seen or logger is None:
        logger = _Source.logger = provider.get_logger(SCOPE_NAME)
        _Source.seen = provider
    return logger


def warn(event: str, attributes: Mapping[str, Any], context: Context | None = None) -> None:
    """Give a record of severity WARN; never raises.

    Args:
        event: The event's name.
        attributes: What it tells.
        context: The context that holds the span it belongs to; None for the current one.
    """
    try:
        now = time.time_ns()
        record = LogRecord(
            timestamp=now,
            observed_timestamp=now,
            context=context,
            severity_text="WARN",
            severity_number=SeverityNumber.WARN,
            attributes=dict(attributes),
            event_name=event,
        )
        _logger().emit(record)
    except Exception as exc:  # noqa: BLE001 - telemetry never breaks a program
        counts["log_errors"] += 1
        log.warn_once("logs", event, "a log record failed", event_name=event, error=type(exc).__name__)
