"""The Grafana board over a Jaeger data source: slow runs, failed runs, runs by type, one trace.

The board is written by this module and committed beside it, so that Grafana needs no Python and a reader can see what
changed. `python -m spanloom.dashboards.grafana.board` writes it again.

Searches follow Jaeger's v1 contract as Grafana's Jaeger data source sends it: tags are logfmt pairs, `minDuration` is a
Go duration, and every search names a service. A search answers with traces: one row is one trace with at least one
matching span. Classic dashboard JSON, schema version 41, which Grafana 10 to 13 reads.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...tracing import names

__all__ = ["BOARD_FILE", "DEFAULT_SERVICE", "RUN_TYPES", "board", "board_text"]

BOARD_FILE = Path(__file__).parent / "boards" / "runs.json"
"""Where the committed board stands."""

DEFAULT_SERVICE = "spanloom-demo"
"""The service that the board opens with; the demo's `service.name`."""

RUN_TYPES = ("chain", "chat_model", "llm", "prompt", "parser", "tool", "retriever")
"""What `names.RUN_TYPE` may say, most frequent first."""

_UID = "spanloom-runs"
_SCHEMA_VERSION = 41
_SEARCH_LIMIT = 50
_SOURCE = {"type": "jaeger", "uid": "${source}"}

_Json = dict[str, Any]


def board() -> _Json:
    """Return the board as plain data."""
    return {
        "uid": _UID,
        "title": "spanloom: runs and traces",
        "description": "Runs of LLM programs, read from Jaeger. Choose a trace id in a table to see its spans below.",
        "tags": ["llm", "spanloom", "tracing"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 0,
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": _variables()},
        "links": [],
        "panels": _panels(),
    }


def board_text() -> str:
    """Return the board as it is committed: JSON with two spaces and a final newline."""
    return json.dumps(board(), indent=2, ensure_ascii=False) + "\n"


def _variables() -> list[_Json]:
    return [
        {
            "type": "datasource",
            "name": "source",
            "label": "Data source",
            "query": "jaeger",
            "current": {"text": "Jaeger", "value": "jaeger"},
            "options": [],
            "hide": 0,
            "refresh": 1,
        },
        _textbox("service", "Service", DEFAULT_SERVICE),
        _textbox("min_duration", "Slower than", "10ms"),
        {
            "type": "custom",
            "name": "type",
            "label": "Run type",
            "query": ",".join(RUN_TYPES),
            "current": _option(RUN_TYPES[1], chosen=True),
            "options": [_option(name, chosen=name == RUN_TYPES[1]) for name in RUN_TYPES],
            "multi": False,
            "includeAll": False,
            "hide": 0,
        },
        _textbox("trace_id", "Trace id", ""),
    ]


def _option(text: str, *, chosen: bool) -> _Json:
    return {"selected": chosen, "text": text, "value": text}


def _textbox(name: str, label: str, value: str) -> _Json:
    return {
        "type": "textbox",
        "name": name,
        "label": label,
        "query": value,
        "current": _option(value, chosen=True),
        "options": [_option(value, chosen=True)],
        "hide": 0,
    }


def _panels() -> list[_Json]:
    return [
        _search_panel(
            1,
            "Slowest runs",
            "Traces with a span of at least $min_duration, longest first.",
            {"x": 0, "y": 0, "w": 12, "h": 9},
            minDuration="$min_duration",
        ),
        _search_panel(
            2,
            "Failed runs",
            "Traces with a span that ended in an error. Cancelled and abandoned runs are not errors.",
            {"x": 12, "y": 0, "w": 12, "h": 9},
            tags=_logfmt("error", "true"),
        ),
        _search_panel(
            3,
            "Runs of type $type",
            "Traces in which a run of the chosen type took part.",
            {"x": 0, "y": 9, "w": 24, "h": 9},
            tags=_logfmt(names.RUN_TYPE, "$type"),
        ),
        {
            "id": 4,
            "type": "traces",
            "title": "Trace $trace_id",
            "description": "The spans of one trace. Says that the trace id is empty until one is chosen or typed.",
            "gridPos": {"x": 0, "y": 18, "w": 24, "h": 18},
            "datasource": _SOURCE,
            "targets": [{"refId": "A", "datasource": _SOURCE, "query": "$trace_id"}],
            "options": {},
        },
    ]


def _search_panel(number: int, title: str, description: str, place: dict[str, int], **search: str) -> _Json:
    target = {"refId": "A", "datasource": _SOURCE, "queryType": "search", "service": "$service", **search}
    return {
        "id": number,
        "type": "table",
        "title": title,
        "description": description,
        "gridPos": place,
        "datasource": _SOURCE,
        "targets": [{**target, "limit": _SEARCH_LIMIT}],
        "fieldConfig": {
            "defaults": {"noValue": "Nothing found for $service in this time."},
            "overrides": [
                _override("duration", "unit", "µs"),
                _override("traceID", "links", [{"title": "Show below", "url": _trace_url(), "targetBlank": False}]),
            ],
        },
        "options": {"showHeader": True, "sortBy": [{"displayName": "Duration", "desc": True}]},
    }


def _override(field: str, setting: str, value: object) -> _Json:
    matcher = {"id": "byName", "options": field}
    return {"matcher": matcher, "properties": [{"id": setting, "value": value}]}


def _trace_url() -> str:
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("source", "service", "min_duration", "type"))
    return f"/d/{_UID}?var-trace_id=${{__value.raw}}&{kept}&${{__url_time_range}}"


def _logfmt(key: str, value: str) -> str:
    return f'{key}="{value}"'


if __name__ == "__main__":
    BOARD_FILE.write_text(board_text(), encoding="utf-8")
