"""Telemetry as an application has it: real providers, every span recorded, nothing exported."""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

Attributes = dict[str, Any]


Recorded = list[Any]
"""One record of a histogram, as it was made: name, unit, bounds, value, attributes."""


class _Dropping(SpanProcessor):
    """Drops every span, or keeps the last one for whoever wants it."""

    def __init__(self) -> None:
        self.wanted = False
        self.last: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        if self.wanted:
            self.last = span


class Telemetry:
    """The global providers of this process."""

    def __init__(self) -> None:
        self._spans = _Dropping()
        self._reader = InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(self._spans)
        trace.set_tracer_provider(tracers)
        metrics.set_meter_provider(MeterProvider([self._reader], shutdown_on_exit=False))

    def collect(self) -> Any:
        """Reads all metrics, as an exporter does once a minute."""
        return self._reader.get_metrics_data()

    def span_of(self, call: Any) -> Attributes:
        """The attributes of the last span that `call()` ended."""
        self._spans.wanted, self._spans.last = True, None
        call()
        self._spans.wanted = False
        ended = self._spans.last
        return {} if ended is None else dict(ended.attributes or {})

    def records_of(self, call: Any) -> list[Recorded]:
        """What `call()` records in histograms: of each as many as it makes, with their mean value."""
        before = self._points()
        call()
        found: list[Recorded] = []
        for key, (name, unit, point) in self._points().items():
            count, amount = point.count, point.sum
            if key in before:
                count, amount = count - before[key][2].count, amount - before[key][2].sum
            bounds, attributes = list(point.explicit_bounds), dict(point.attributes or {})
            found += [[name, unit, bounds, amount / count, attributes] for _ in range(count)]
        return found

    def _points(self) -> dict[Any, tuple[str, str, HistogramDataPoint]]:
        data = self.collect()
        return {
            (metric.name, tuple(sorted((point.attributes or {}).items()))): (metric.name, metric.unit or "", point)
            for scope in (data.resource_metrics[0].scope_metrics if data is not None else ())
            for metric in scope.metrics
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        }
