"""OTLP, the OpenTelemetry protocol, both ways. Sending needs the extra `otlp`."""

from .decode import from_otlp_protobuf
from .sink import REQUEST_BYTES, OtlpSink

__all__ = ["REQUEST_BYTES", "OtlpSink", "from_otlp_protobuf"]
