"""Where finished spans go: OTLP, a file, the console, the local store.

Importing this package loads neither the OpenTelemetry SDK nor any exporter; a name loads what it needs when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .configuration import Capture, configure
    from .console import ConsoleSink, render_tree
    from .errors import (
        AmbiguousIdError,
        ConfigurationError,
        DeliveryError,
        ExportError,
        ForeignStoreError,
        MissingExtraError,
        SpanFormatError,
        StoreError,
    )
    from .file import FileSink, read_file
    from .handle import Tracing
    from .health import SinkHealth
    from .otlp import OtlpSink, from_otlp_protobuf
    from .pipeline import Sink
    from .processor import JournalProcessor
    from .provider import RunIdGenerator, RunRatioSampler, parent_based_ratio, sampler_from_environment
    from .span_data import SpanData, SpanEvent, SpanLink
    from .span_json import from_otlp_json, to_otlp_json
    from .store import SpanStore, SqliteStore, SqliteWriter, TraceQuery, TraceSummary, default_store_path

__all__ = [
    "AmbiguousIdError",
    "Capture",
    "ConfigurationError",
    "ConsoleSink",
    "DeliveryError",
    "ExportError",
    "FileSink",
    "ForeignStoreError",
    "JournalProcessor",
    "MissingExtraError",
    "OtlpSink",
    "RunIdGenerator",
    "RunRatioSampler",
    "Sink",
    "SinkHealth",
    "SpanData",
    "SpanEvent",
    "SpanFormatError",
    "SpanLink",
    "SpanStore",
    "SqliteStore",
    "SqliteWriter",
    "StoreError",
    "TraceQuery",
    "TraceSummary",
    "Tracing",
    "configure",
    "default_store_path",
    "from_otlp_json",
    "from_otlp_protobuf",
    "parent_based_ratio",
    "read_file",
    "render_tree",
    "sampler_from_environment",
    "to_otlp_json",
]

_ROOMS = {
    "configuration": ("Capture", "configure"),
    "console": ("ConsoleSink", "render_tree"),
    "errors": (
        "AmbiguousIdError",
        "ConfigurationError",
        "DeliveryError",
        "ExportError",
        "ForeignStoreError",
        "MissingExtraError",
        "SpanFormatError",
        "StoreError",
    ),
    "file": ("FileSink", "read_file"),
    "handle": ("Tracing",),
    "health": ("SinkHealth",),
    "otlp": ("OtlpSink", "from_otlp_protobuf"),
    "pipeline": ("Sink",),
    "processor": ("JournalProcessor",),
    "provider": ("RunIdGenerator", "RunRatioSampler", "parent_based_ratio", "sampler_from_environment"),
    "span_data": ("SpanData", "SpanEvent", "SpanLink"),
    "span_json": ("from_otlp_json", "to_otlp_json"),
    "store": ("SpanStore", "SqliteStore", "SqliteWriter", "TraceQuery", "TraceSummary", "default_store_path"),
}
_ROOM_OF = {name: room for room, held in _ROOMS.items() for name in held}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{room}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
