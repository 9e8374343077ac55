"""Shared pieces: a clean global provider, spans made by hand, a real OTLP receiver, sinks that listen."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util._once import Once

from spanloom.exporters import SpanData, from_otlp_protobuf
from spanloom.tracing import otel


@pytest.fixture(autouse=True)
def no_otel_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the variables of the machine it runs on."""
    import os

    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def clean_global(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process looks as if no tracer provider was ever set, and is put back afterwards."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    otel.use_provider(None)
    yield
    otel.use_provider(None)


@pytest.fixture
def provider() -> Iterator[TracerProvider]:
    """An application's own provider, not made global."""
    own = TracerProvider(shutdown_on_exit=False)
    yield own
    own.shutdown()


@pytest.fixture
def make_span() -> Callable[..., SpanData]:
    """Spans with sensible defaults and distinct ids."""
    counter = iter(range(1, 1_000_000_000))

    def make(**changes: Any) -> SpanData:
        number = next(counter)
        values: dict[str, Any] = {
            "trace_id": f"{0xABC:032x}",
            "span_id": f"{number:016x}",
            "parent_span_id": None,
            "trace_state": "",
            "name": "step",
            "kind": "INTERNAL",
            "start_ns": 1_700_000_000_000_000_000 + number * 1000,
            "end_ns": 1_700_000_000_000_500_000 + number * 1000,
            "resource": {"service.name": "shop"},
            "scope_name": "spanloom",
        }
        return SpanData(**(values | changes))

    return make


@dataclass
class ListeningSink:
    """Keeps what it gets; `gate`, when given, holds every delivery back until it is set; `error` is raised."""

    spans: list[SpanData] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None
    closed: int = 0

    def export(self, spans: list[SpanData]) -> None:
        self.entered.set()
        if self.gate is not None:
            self.gate.wait(30)
        if self.error is not None:
            raise self.error
        self.spans += spans
        self.batches.append(len(spans))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def sink() -> ListeningSink:
    return ListeningSink()


@dataclass
class Receiver:
    """A collector's HTTP side: decodes what arrives, answers as told."""

    url: str = ""
    spans: list[SpanData] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    largest_bytes: int | None = None
    gate: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real OTLP/HTTP receiver on a free local port."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            raw = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            state.requests.append({"path": self.path, "headers": dict(self.headers), "body": raw})
            state.entered.set()
            if state.gate is not None:
                state.gate.wait(30)
            status = state.answers.pop(0) if state.answers else 200
            if state.largest_bytes is not None and len(raw) > state.largest_bytes:
                status = 413
            if status == 200:
                state.spans += from_otlp_protobuf(raw)
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    if state.gate is not None:
        state.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()
