"""Measurements as tests compare them."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint


def points(reader: InMemoryMetricReader, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
    """Return the points of a metric: labels, sorted -> the value of a counter, (count, sum) of a histogram.

    Args:
        reader: The reader.
        name: The metric.
    """
    data = reader.get_metrics_data()
    made: dict[tuple[tuple[str, Any], ...], Any] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points if metric.name == name else ():
                    labels = tuple(sorted((point.attributes or {}).items()))
                    made[labels] = point.value if isinstance(point, NumberDataPoint) else (point.count, point.sum)
    return made
