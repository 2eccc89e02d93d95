"""A recorder with real providers, and its telemetry as plain dicts."""

from __future__ import annotations

from typing import Any

from otel_claude import pricing
from otel_claude import semconv as c
from otel_claude.sdk.responses import complete_failed_call
from otel_claude.telemetry.metrics import Instruments, instruments_of
from otel_claude.telemetry.recorder import Recorder
from otel_claude.version import __version__


def recorder_of(
    tracing: Any, metering: Any, *, legacy: bool = False, histogram_tags: bool = False
) -> tuple[Recorder, Instruments]:
    """What the runtime makes of two providers."""
    instruments = instruments_of(metering, __version__, 200)
    if legacy:
        instruments.add_legacy()
    tracer = tracing.get_tracer(c.SCOPE, __version__) if tracing is not None else None
    recorder = Recorder(
        tracer,
        instruments,
        pricing.shipped,
        legacy=legacy,
        histogram_tags=histogram_tags,
        complete_failed_call=complete_failed_call,
    )
    return recorder, instruments


class Bench:
    """Providers, the recorder between them, and what came out."""

    def __init__(self, tracing: Any, metering: Any, kept: Any, reader: Any) -> None:
        self.tracing, self.metering = tracing, metering
        self._kept, self.reader = kept, reader
        self.recorder, self.instruments = recorder_of(tracing, metering)

    @property
    def spans(self) -> list[Any]:
        """The spans that ended."""
        return list(self._kept.get_finished_spans())

    @property
    def span(self) -> Any:
        """The one span that ended."""
        (span,) = self.spans
        return span

    def points(self) -> dict[str, list[Any]]:
        """The data points of each metric."""
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points
        }

    def values(self, metric: c.Metric, *names: str) -> dict[Any, Any]:
        """A metric's values by these attributes; of a histogram (count, sum)."""
        found: dict[Any, Any] = {}
        for point in self.points().get(metric.name, ()):
            key = tuple(point.attributes.get(name) for name in names)
            assert key not in found, f"{metric.name}: two points with {key}"
            found[key if len(key) != 1 else key[0]] = (
                (point.count, point.sum) if hasattr(point, "count") else point.value
            )
        return found

    def value(self, metric: c.Metric) -> Any:
        """The one value that a metric has; None if it has none."""
        values = self.values(metric)
        return values[()] if values else None
