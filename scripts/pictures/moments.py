"""A clock that jumps, for hours of telemetry in a minute. Imported before anything that reads a clock."""

from __future__ import annotations

import time

now = 0.0
"""Seconds since the epoch, for all of this process."""
time.time = lambda: now

import urllib.request  # noqa: E402 - all after the clock

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402


def send(reader: InMemoryMetricReader, endpoint: str, began: float) -> None:
    """Exports what was collected, dated now."""
    request = encode_metrics(reader.get_metrics_data())
    nanoseconds = int(now * 1e9)
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    point.time_unix_nano = nanoseconds
                    if point.start_time_unix_nano:
                        point.start_time_unix_nano = int(began * 1e9)
                    for exemplar in getattr(point, "exemplars", ()):
                        exemplar.time_unix_nano = nanoseconds
    headers = {"content-type": "application/x-protobuf"}
    urllib.request.urlopen(urllib.request.Request(endpoint, request.SerializeToString(), headers)).close()
