"""What was measured, as plain values."""

import gc
import logging
import time

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from conformance import findings

_TOKENS = "gen_ai.client.inference.usage"


class Measured:
    """Providers that keep what they are given."""

    def __init__(self, caplog):
        self._caplog = caplog
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)

    def warnings(self):
        """What our logger said since it was last asked."""
        # Of the test itself, also when its end is looked at: `caplog.records` are of the current phase alone.
        records = self._caplog.get_records("call")
        said = [r.getMessage() for r in records if r.name == "otel_claude" and r.levelno >= logging.WARNING]
        records.clear()
        return said

    def collected(self, calls):
        """Collects garbage until so many calls ended: threads of a library's may still hold what was left."""
        deadline = time.monotonic() + 20
        while sum(self.calls().values()) < calls and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.01)
        return sum(self.calls().values())

    def shutdown(self):
        wrong = findings(self.reader.get_metrics_data(), self.spans)
        self.meter_provider.shutdown()
        self.tracer_provider.shutdown()
        assert wrong == [], "the registry of names says otherwise"

    @property
    def spans(self):
        return list(self.exporter.get_finished_spans())

    def points(self, name):
        """The attributes and the value (of a histogram: count and sum) of each point of a metric."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes), point.value if hasattr(point, "value") else (point.count, point.sum))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def by(self, name, *attributes):
        """The values of a metric by the values of some attributes, None where a point has none."""
        found = {}
        for said, value in self.points(name):
            key = tuple(said.get(attribute) for attribute in attributes)
            found[key if len(key) > 1 else key[0]] = found.get(key if len(key) > 1 else key[0], 0) + value
        return found

    def tokens(self):
        """Total input, output, cache reads, cache writes of 5m and 1h."""
        writes = self.by(f"{_TOKENS}.cache_write.input_tokens", "claude.cache.ttl")
        sums = [
            sum(self.by(f"{_TOKENS}.{name}", "gen_ai.operation.name").values())
            for name in ("input_tokens", "output_tokens", "cache_read.input_tokens")
        ]
        return (*sums, writes.get("5m", 0), writes.get("1h", 0))

    def usd(self):
        return round(sum(self.by("claude.client.cost.usd", "gen_ai.operation.name").values()), 12)

    def unpriced(self):
        return self.by("claude.client.unpriced", "claude.unpriced.reason")

    def calls(self):
        return self.by("claude.client.calls", "error.type", "anthropic.message.stop_reason")

    def attempts(self):
        return self.by("claude.client.attempts", "claude.attempt.outcome", "claude.blocked.reason")
