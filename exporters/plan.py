"""From arguments and variables to a list of destinations; nothing is opened here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..tracing.journal import LEVELS
from .environment import DEFAULT_ENDPOINT, Environment, traces_endpoint
from .errors import ConfigurationError
from .pipeline import BATCH_SPANS, DELAY_S

if TYPE_CHECKING:
    from .pipeline import Sink

__all__ = ["MAX_SPANS", "Destination", "Wish", "plan"]

MAX_SPANS = 65_536
"""How many spans may wait for a collector, unless OTEL_BSP_MAX_QUEUE_SIZE says otherwise."""

_EXPORTERS = ("otlp", "console", "none")
_PROTOCOL = "http/protobuf"


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of `configure` that say where spans go; see there."""

    exporter: object = None
    endpoint: str | None = None
    headers: Mapping[str, str] | None = None
    store: str | Path | bool | None = None
    file: str | Path | None = None
    console: bool = False
    capture: str | None = None
    store_capture: str | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """One place where spans go.

    Args:
        name: Its name in `health`; two of the same name are the same place.
        level: The capture level it gets.
        build: Makes its sink; opens files and may raise.
        max_spans: The bound of its queue; None means none.
        batch_spans: The most spans handed over at once.
        delay_s: How long a batch may fill, in seconds.
    """

    name: str
    level: str
    build: Callable[[], Sink]
    max_spans: int | None = None
    batch_spans: int = BATCH_SPANS
    delay_s: float = DELAY_S


def plan(wish: Wish, variables: Environment) -> list[Destination]:
    """Return the destinations, each once.

    Args:
        wish: What the caller asked for; it goes before the variables.
        variables: The standard variables.

    Raises:
        ConfigurationError: If an argument cannot be used.
    """
    capture = _level(wish.capture, "capture") or variables.capture or "structure"
    local = _level(wish.store_capture, "store_capture") or capture
    found: list[Destination] = []
    for exporter in _exporters(wish, variables):
        if exporter == "otlp":
            found.append(_otlp(wish, variables, capture))
        elif exporter == "console":
            found.append(_console(capture))
        elif exporter != "none":
            found.append(_custom(exporter, capture))
    if wish.console:
        found.append(_console(capture))
    if wish.store is not None and wish.store is not False:
        found.append(_store(wish.store, local))
    if wish.file is not None:
        found.append(_file(wish.file, local))
    return list({destination.name: destination for destination in reversed(found)}.values())[::-1]


def _level(level: str | None, argument: str) -> str | None:
    if level is not None and level not in LEVELS:
        raise ConfigurationError(f"{argument} is {level!r}; use one of {', '.join(LEVELS)}.")
    return level


def _exporters(wish: Wish, variables: Environment) -> list[Any]:
    """Return the exporters asked for: by the argument, else the variable, else by naming an endpoint."""
    given = wish.exporter
    if given is None:
        if wish.endpoint is not None:
            return ["otlp"]
        if variables.exporters is not None:
            return list(variables.exporters)
        return ["otlp"] if variables.endpoint is not None else []
    exporters = [given] if isinstance(given, str) or not isinstance(given, Sequence) else list(given)
    for exporter in exporters:
        is_sink = callable(getattr(exporter, "export", None)) and callable(getattr(exporter, "close", None))
        if exporter not in _EXPORTERS and not is_sink:
            raise ConfigurationError(
                f"exporter holds {exporter!r}; use {', '.join(_EXPORTERS)}, or an object with export() and close()."
            )
    if wish.endpoint is not None and "otlp" not in exporters:
        raise ConfigurationError(
            f"endpoint is {wish.endpoint!r} but exporter is {given!r}; leave exporter out or add 'otlp' to it."
        )
    return exporters


def _otlp(wish: Wish, variables: Environment, level: str) -> Destination:
    if variables.protocol not in (None, _PROTOCOL):
        raise ConfigurationError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {variables.protocol!r}; spanloom sends {_PROTOCOL!r}. "
            f"Set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL={_PROTOCOL} and an endpoint that takes it (usually port 4318)."
        )
    if wish.endpoint is not None:
        endpoint = traces_endpoint(wish.endpoint, source="endpoint")
    else:
        endpoint = variables.endpoint or DEFAULT_ENDPOINT

    def build() -> Sink:
        from .otlp import OtlpSink

        return OtlpSink(
            endpoint,
            headers={**variables.headers, **(wish.headers or {})},
            timeout_s=variables.timeout_s or 10.0,
            compression=variables.compression,
        )

    return Destination(
        name=f"otlp:{endpoint}",
        level=level,
        build=build,
        max_spans=variables.max_spans or MAX_SPANS,
        batch_spans=variables.batch_spans or BATCH_SPANS,
        delay_s=variables.delay_s if variables.delay_s is not None else DELAY_S,
    )


def _console(level: str) -> Destination:
    def build() -> Sink:
        from .console import ConsoleSink

        return ConsoleSink()

    return Destination(name="console", level=level, build=build)


def _custom(sink: Sink, level: str) -> Destination:
    name = f"{type(sink).__name__}:{id(sink):x}"
    return Destination(name=name, level=level, build=lambda: sink, max_spans=MAX_SPANS)


def _store(store: str | Path | bool, level: str) -> Destination:
    from .store import SqliteWriter, default_store_path

    path = default_store_path() if store is True else Path(str(store)).expanduser().absolute()
    return Destination(name=f"store:{path}", level=level, build=lambda: SqliteWriter(path))


def _file(file: str | Path, level: str) -> Destination:
    from .file import FileSink

    path = Path(file).expanduser().absolute()
    return Destination(name=f"file:{path}", level=level, build=lambda: FileSink(path))
