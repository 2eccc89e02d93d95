"""Keys, a clock and a call, for all tests of the organization."""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from conformance import findings
from otel_claude.organization import service

ADMIN = "sk-ant-admin01-" + "A" * 80
SHOP = "sk-ant-api03-ABC" + "s" * 80 + "shop"
SHOP_HINT = "sk-ant-api03-ABC...shop"
OTHER = "sk-ant-api03-DEF" + "o" * 80 + "othr"
OTHER_HINT = "sk-ant-api03-DEF...othr"
DAY = 86_400


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


def asked():
    return {"model": "claude-sonnet-5-5", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]}


class PatientReader(InMemoryMetricReader):
    """Waits for a collection. OpenTelemetry's gives up after ten seconds, which are few on a busy machine."""

    def collect(self, timeout_millis=300_000):
        super().collect(timeout_millis)


def exported(poller):
    """What a poller's gauges say now: {metric's name: {frozenset of attributes: value}}."""
    reader = PatientReader()
    provider = service.provider(poller, reader)
    data = reader.get_metrics_data()
    provider.shutdown()
    assert findings(data) == [], "the registry of names says otherwise"
    found = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = found.setdefault(metric.name, {})
                for point in metric.data.data_points:
                    points[frozenset(point.attributes.items())] = point.value
    return found


def summed(points, **wanted):
    """The sum over the points that have these attributes, by name without dots."""
    total = 0
    for attributes, value in points.items():
        short = {name.rpartition(".")[2]: each for name, each in attributes}
        if wanted.items() <= short.items():
            total += value
    return total
