"""The standard `OTEL_*` variables that decide where spans go, read once and checked.

No variable of our own stands beside a standard one. Read here: OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER (otlp, console,
none), OTEL_EXPORTER_OTLP_[TRACES_]ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION and _PROTOCOL, OTEL_BSP_*, and
OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT. OTEL_TRACES_SAMPLER is read by `provider.sampler_from_environment`,
OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES by the SDK's resource.

OTEL_EXPORTER_OTLP_TIMEOUT is in seconds, as the Python SDK has it; OTEL_BSP_SCHEDULE_DELAY is in milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..tracing import log
from .errors import ConfigurationError

__all__ = ["CAPTURE_VARIABLE", "DEFAULT_ENDPOINT", "Environment", "read", "traces_endpoint"]

CAPTURE_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""Whether the content of messages is captured; a variable of the GenAI instrumentations."""

DEFAULT_ENDPOINT = "http://localhost:4318/v1/traces"
"""Where OTLP over HTTP goes when it is asked for and no endpoint is named."""

_TRACES_PATH = "/v1/traces"

_EXPORTERS = ("otlp", "console", "none")
_COMPRESSIONS = ("none", "gzip", "deflate")
_CAPTURES = {
    "true": "content",
    "span_only": "content",
    "span_and_event": "content",
    "event_only": "structure",
    "no_content": "structure",
    "false": "structure",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What the variables say; a field is None where its variable is not set.

    Args:
        disabled: OTEL_SDK_DISABLED is true: nothing is exported.
        exporters: What OTEL_TRACES_EXPORTER names.
        endpoint: The full URL that traces are posted to.
        protocol: How OTLP is sent.
        headers: Headers of every request; kept out of `repr`, they hold keys.
        timeout_s: The longest that one request may take, retries included, in seconds.
        compression: none, gzip or deflate.
        max_spans: The bound of the OTLP queue, in spans.
        batch_spans: The most spans in one request.
        delay_s: How long a batch may fill, in seconds.
        capture: The capture level that OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT stands for.
    """

    disabled: bool = False
    exporters: tuple[str, ...] | None = None
    endpoint: str | None = None
    protocol: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    compression: str | None = None
    max_spans: int | None = None
    batch_spans: int | None = None
    delay_s: float | None = None
    capture: str | None = None


def read(environ: Mapping[str, str] | None = None) -> Environment:
    """Return what the variables say. A variable that is set but empty counts as not set.

    Args:
        environ: The variables; None means those of the process.

    Raises:
        ConfigurationError: If one holds a value that cannot be used; the text names the variable.
    """
    variables = os.environ if environ is None else environ
    delay_ms = _number(variables, "OTEL_BSP_SCHEDULE_DELAY", least=0)
    max_spans = _number(variables, "OTEL_BSP_MAX_QUEUE_SIZE", least=1)
    batch_spans = _number(variables, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", least=1)
    return Environment(
        disabled=_value(variables, "OTEL_SDK_DISABLED").lower() == "true",
        exporters=_exporters(variables),
        endpoint=_endpoint(variables),
        protocol=_otlp(variables, "PROTOCOL")[1].lower() or None,
        headers=_headers(variables),
        timeout_s=_number(variables, _otlp(variables, "TIMEOUT")[0], least=0.001),
        compression=_compression(variables),
        max_spans=int(max_spans) if max_spans is not None else None,
        batch_spans=int(batch_spans) if batch_spans is not None else None,
        delay_s=delay_ms / 1000 if delay_ms is not None else None,
        capture=_capture(variables),
    )


def traces_endpoint(url: str, *, source: str) -> str:
    """Return the URL that traces are posted to: the base URL with `/v1/traces` behind it, unless it ends so already.

    Args:
        url: The collector's base URL, such as `http://localhost:4318`.
        source: Which argument or variable it comes from, for the error.

    Raises:
        ConfigurationError: If it is not an http or https URL with a host.
    """
    checked = _checked_url(url, source)
    return checked if checked.endswith(_TRACES_PATH) else checked.rstrip("/") + _TRACES_PATH


def _checked_url(url: str, source: str) -> str:
    expected = f"{source} is {url!r}; give an http or https URL with a host, such as 'http://localhost:4318'."
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ConfigurationError(expected) from None
    if not usable or any(char.isspace() for char in url):
        raise ConfigurationError(expected)
    return url


def _value(variables: Mapping[str, str], name: str) -> str:
    return variables.get(name, "").strip()


def _otlp(variables: Mapping[str, str], what: str) -> tuple[str, str]:
    """Return the name and value of a variable of the traces signal, or of the one for all signals."""
    name = f"OTEL_EXPORTER_OTLP_TRACES_{what}"
    if not _value(variables, name):
        name = f"OTEL_EXPORTER_OTLP_{what}"
    return name, _value(variables, name)


def _number(variables: Mapping[str, str], name: str, *, least: float) -> float | None:
    given = _value(variables, name)
    if not given:
        return None
    try:
        number = float(given)
    except ValueError:
        number = float("nan")
    if not least <= number < float("inf"):
        raise ConfigurationError(f"{name} is {given!r}; give a number of at least {least:g}, or unset it.")
    return number


def _exporters(variables: Mapping[str, str]) -> tuple[str, ...] | None:
    name = "OTEL_TRACES_EXPORTER"
    given = _value(variables, name)
    if not given:
        return None
    exporters = tuple(part.strip().lower() for part in given.split(",") if part.strip())
    unknown = [part for part in exporters if part not in _EXPORTERS]
    if unknown:
        raise ConfigurationError(f"{name} is {given!r}; use {', '.join(_EXPORTERS)}, or several with commas between.")
    return exporters


def _endpoint(variables: Mapping[str, str]) -> str | None:
    """Return the full URL: that of the traces variable is used as it is, as the specification wants."""
    name, given = _otlp(variables, "ENDPOINT")
    if not given:
        return None
    return _checked_url(given, name) if "_TRACES_" in name else traces_endpoint(given, source=name)


def _headers(variables: Mapping[str, str]) -> dict[str, str]:
    from opentelemetry.util.re import parse_env_headers

    name, given = _otlp(variables, "HEADERS")
    if not given:
        return {}
    for part in given.split(","):
        if part.strip() and not part.partition("=")[0].strip():
            raise ConfigurationError(f"{name} holds a part without a name; write 'name=value', with commas between.")
        if part.strip() and "=" not in part:
            raise ConfigurationError(f"{name} holds a part without '='; write 'name=value', with commas between.")
    return dict(parse_env_headers(given, liberal=True))


def _compression(variables: Mapping[str, str]) -> str | None:
    name, given = _otlp(variables, "COMPRESSION")
    if given and given.lower() not in _COMPRESSIONS:
        raise ConfigurationError(f"{name} is {given!r}; use {', '.join(_COMPRESSIONS)}.")
    return given.lower() or None


def _capture(variables: Mapping[str, str]) -> str | None:
    """Return the level; an unknown value captures no content and says so, for content may be private."""
    given = _value(variables, CAPTURE_VARIABLE)
    if not given:
        return None
    level = _CAPTURES.get(given.lower())
    if level is None:
        log.warn_once(
            "exporters",
            f"{CAPTURE_VARIABLE}={given}",
            f"{CAPTURE_VARIABLE} is {given!r}; no content is captured. Use true, false, SPAN_ONLY or NO_CONTENT.",
        )
        return "structure"
    return level
