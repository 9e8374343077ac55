"""Our own log lines: structlog, quiet by default, loaded when the first line is written.

Lines go through the standard logger `spanloom`, so an application routes them like any other. Each event is told at
most once per `key` and process unless the caller says otherwise: telemetry that fails must not flood.
"""

from __future__ import annotations

import logging
from typing import Any

__all__ = ["get", "warn_once"]

_told: set[str] = set()


def get(name: str) -> Any:
    """Return the structlog logger of that name, bound to the standard logger `spanloom.<name>`.

    Args:
        name: The part of spanloom that speaks, such as `callbacks`.
    """
    import structlog  # loaded when used: 40 ms that a quiet program never pays

    root = logging.getLogger("spanloom")
    if not root.handlers:  # quiet until the application says where lines go
        root.addHandler(logging.NullHandler())
    logger = logging.getLogger(f"spanloom.{name}")
    return structlog.wrap_logger(
        logger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )


def warn_once(name: str, key: str, event: str, **details: object) -> None:
    """Log a warning the first time this `key` is seen in the process; later calls return at once.

    Args:
        name: The part of spanloom that speaks.
        key: What makes the warning the same as an earlier one.
        event: The sentence.
        details: Values that explain it; never user content.
    """
    if key in _told:
        return
    _told.add(key)
    get(name).warning(event, **details)
