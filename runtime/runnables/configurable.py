"""Configurable runnables by their documented import path; nothing else lives here."""

from .configurable_alternatives import RunnableConfigurableAlternatives
from .configurable_fields import DynamicRunnable, RunnableConfigurableFields

__all__ = ["DynamicRunnable", "RunnableConfigurableAlternatives", "RunnableConfigurableFields"]
