"""Fixtures of the tracing's tests."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from spanloom.tracing import logs, metrics


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test sees its own warnings."""
    monkeypatch.setattr("spanloom.tracing.log._told", set())


@pytest.fixture
def reader() -> Iterator[InMemoryMetricReader]:
    """A reader of every measurement made in the test."""
    made = InMemoryMetricReader()
    provider = MeterProvider([made], resource=Resource({}))
    metrics.use_meter_provider(provider)
    yield made
    metrics.use_meter_provider(None)
    provider.shutdown()


@pytest.fixture
def records() -> Iterator[InMemoryLogRecordExporter]:
    """An exporter of every log record made in the test."""
    made = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=Resource({}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(made))
    logs.use_logger_provider(provider)
    yield made
    logs.use_logger_provider(None)
    provider.shutdown()
