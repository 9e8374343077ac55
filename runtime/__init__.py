"""The Runnable interface and everything that runs."""

from . import telemetry

__all__ = ["telemetry"]
