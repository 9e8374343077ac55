"""The shape of event records by its documented import path; nothing else lives here."""

from ...tracing.events.schema import BaseStreamEvent, CustomStreamEvent, EventData, StandardStreamEvent, StreamEvent

__all__ = ["BaseStreamEvent", "CustomStreamEvent", "EventData", "StandardStreamEvent", "StreamEvent"]
