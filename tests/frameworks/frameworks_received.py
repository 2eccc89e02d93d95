"""What arrives over OTLP/HTTP: spans with their attributes, and the last value of each metric by its attributes."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# The listening is that of the tests of faults.
sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from faults_receiver import Receiver


class Span(NamedTuple):
    name: str
    scope: str
    id: bytes
    parent: bytes
    attributes: dict
    events: int


class Received(Receiver):
    """Keeps whole spans, and the bytes of everything."""

    def __init__(self):
        super().__init__()
        self.bytes = b""
        self.metrics = {}

    def counter(self, metric, *attributes):
        """The values of a metric, or the counts of a histogram, summed by these attributes; absent ones are None."""
        summed = Counter()
        for point, value in self.metrics.get(metric, []):
            summed[tuple(point.get(name) for name in attributes)] += value
        return summed

    def sum(self, metric):
        return sum(value for _, value in self.metrics.get(metric, []))

    def _metrics(self, body):
        self.bytes += body
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                points = getattr(metric, metric.WhichOneof("data")).data_points
                self.metrics[metric.name] = [(_attributes(point), _number(point)) for point in points]

    def _traces(self, body):
        self.bytes += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        span.name, scope.scope.name, span.span_id, span.parent_span_id, _attributes(span),
                        len(span.events),
                    )
                    for span in scope.spans
                ]  # fmt: skip


def _attributes(of):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in of.attributes}


def _number(point):
    return point.count if hasattr(point, "bucket_counts") else getattr(point, point.WhichOneof("value"))
