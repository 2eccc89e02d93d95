"""All telemetry of a test as plain dicts."""

import logging
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from otel_claude import semconv

SECONDS = "seconds"
"""Stands for every measured time, of which no test can say how long it was."""
RESOURCE = Resource.create()
"""What every provider would find out for itself, in a thread each."""


def typed(values: Any) -> dict[str, tuple[str, Any]]:
    """Values with their types, as `1 == 1.0 == True`."""
    return {name: (type(value).__name__, value) for name, value in dict(values).items()}


class _Recorded(SpanProcessor):
    def __init__(self) -> None:
        self.started: list[ReadableSpan] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span, parent_context=None) -> None:
        self.started.append(span)

    def on_end(self, span) -> None:
        self.ended.append(span)


class _Logs(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record) -> None:
        self.records.append(record)


class Telemetry:
    """Providers that keep what they are given."""

    def __init__(self, readers: list[Any] | None = None, **tracing: Any) -> None:
        self.recorded = _Recorded()
        self.tracer_provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False, **tracing)
        self.tracer_provider.add_span_processor(self.recorded)
        self.reader = InMemoryMetricReader()
        more = readers or []
        self.meter_provider = MeterProvider([self.reader, *more], RESOURCE, shutdown_on_exit=False)
        self.logs = _Logs()

    @property
    def warnings(self) -> list[str]:
        """What our own logger said aloud."""
        return [r.getMessage() for r in self.logs.records if r.name == "otel_claude" and r.levelno >= logging.WARNING]

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that ended. Fails if one that began did not, or ended twice."""
        begun = [span.context.span_id for span in self.recorded.started]
        ended = [span.context.span_id for span in self.recorded.ended]
        assert sorted(begun) == sorted(ended), "a span was left open, or ended twice"
        return self.recorded.ended

    @property
    def span(self) -> ReadableSpan:
        """The one span that there is."""
        spans = self.spans
        assert [span.name for span in spans] == [spans[0].name] if spans else False, [s.name for s in spans]
        return spans[0]

    def metrics(self, reader: Any = None) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
        """Every metric: attributes → value; of a histogram (count, sum), where a sum of seconds is `SECONDS`."""
        data = (reader or self.reader).get_metrics_data()
        return plain_metrics(data)

    def points(self, *names: str) -> list[Any]:
        """The data points of some metrics as they are, of one collection: the next has no exemplars of this one's."""
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name in names
            for point in metric.data.data_points
        ]


def plain_metrics(data: Any) -> dict[str, dict[tuple[tuple[str, Any], ...], Any]]:
    """`MetricsData` as plain dicts. Without how many values tags have, which is of the process and of no call."""
    found: dict[str, Any] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            assert scope.scope.name == "otel_claude"
            for metric in scope.metrics:
                assert metric.name not in found, "two streams of one name"
                found[metric.name] = {
                    tuple(sorted(point.attributes.items())): _value(metric, point) for point in metric.data.data_points
                }
    return {name: points for name, points in found.items() if points and name != semconv.TAG_VALUES.name}


def _value(metric: Any, point: Any) -> Any:
    if hasattr(point, "count"):
        return (point.count, SECONDS if metric.unit == "s" else point.sum)
    return SECONDS if metric.unit == "s" else point.value
