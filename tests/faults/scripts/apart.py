"""Processes that measure the same under one resource, in one of several ways. Each tells all points that it exports."""

import json
import logging
import multiprocessing
import os
import sys
import threading
import warnings

import script
from opentelemetry import metrics
from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from script import child, wait
from support.server import plain

from otel_claude.telemetry import fork as of_parent

KINDS = (Counter, UpDownCounter, Histogram, ObservableCounter, ObservableUpDownCounter, ObservableGauge)
LIMITS = {
    "anthropic-ratelimit-requests-limit": "100",
    "anthropic-ratelimit-requests-remaining": "60",
    "anthropic-ratelimit-requests-reset": "2100-01-01T00:00:00Z",
}
warnings.simplefilter("ignore", DeprecationWarning)
said = []


class Said(logging.Handler):
    def emit(self, record):
        said.append((record.levelname, record.getMessage()))


def reader_of(temporality):
    return InMemoryMetricReader(preferred_temporality=dict.fromkeys(KINDS, AggregationTemporality[temporality.upper()]))


def resource_of(name):
    """`drawn`: by the SDK, unless the environment fixes one. `coded`: by the program. `bare`: none at all."""
    if name == "bare":
        return Resource({"service.name": "app"})
    return Resource.create({"service.instance.id": "coded"} if name == "coded" else {})


def points_of(data):
    for resource in data.resource_metrics if data else ():
        of_resource = resource.resource.attributes.get("service.instance.id")
        for scope in resource.scope_metrics:
            for metric in scope.metrics if scope.scope.name == "otel_claude" else ():
                for point in metric.data.data_points:
                    yield {
                        "metric": metric.name,
                        "resource": of_resource,
                        "attributes": dict(point.attributes),
                        "value": point.count if hasattr(point, "count") else point.value,
                    }


def tell(who, data=None):
    points = list(points_of(data or reader.get_metrics_data()))
    script.tell(who=who, pid=os.getpid(), said=said, points=points)


def calls(count):
    for _ in range(count):
        client.messages.create(**script.ARGS)


def alone():
    calls(2)
    tell("parent")


def fork():
    """A child that is collected before its first call, and one of its own. What it has is not its parent's."""
    calls(3)
    tell("parent")
    calls(1)  # not collected at the fork

    def work():
        tell("child")
        calls(2)
        tell("child")

        def deeper():
            tell("grandchild")
            calls(4)
            tell("grandchild")

        wait(child(deeper))
        calls(1)
        tell("child")

    wait(child(work))
    calls(1)
    tell("parent")


def again():
    """In a child that was spawned: as `alone`."""
    begin()
    calls(2)
    tell("child")


def spawn():
    begin()
    calls(3)
    process = multiprocessing.get_context("spawn").Process(target=again)
    process.start()
    process.join()
    assert process.exitcode == 0
    tell("parent")


def late():
    """The provider is set after the first calls."""
    script.instrument(**GIVEN["settings"])
    calls(2)
    metrics.set_meter_provider(provider)
    calls(1)
    tell("parent")


def withheld():
    """The fork of an SDK whose storage has another shape."""

    def other(_storage):
        raise AttributeError

    of_parent._of_others = other
    fork()


def while_collected():
    """The fork comes while another thread collects, and holds the SDK's locks meanwhile; and another one records."""
    collecting, go = threading.Event(), threading.Event()
    parent = os.getpid()

    def slow(_options):
        if os.getpid() == parent and held:
            collecting.set()
            go.wait()
        return [metrics.Observation(1)]

    held = False
    provider.get_meter("other").create_observable_gauge("slow", [slow])
    calls(3)
    tell("parent")
    held = True
    collector = threading.Thread(target=reader.get_metrics_data)
    recorder = threading.Thread(target=lambda: [calls(1) or go.wait(0.01) for _ in range(20)])
    collector.start()
    collecting.wait()
    recorder.start()

    def work():
        calls(2)
        tell("child")

    pid = child(work)
    wait(pid)
    held = False
    go.set()
    collector.join()
    recorder.join()
    tell("parent")


class Slow(MetricExporter):
    """An exporter whose parent's first export waits for the fork."""

    def __init__(self):
        super().__init__()
        self.exporting, self.go = threading.Event(), threading.Event()
        self.parent = os.getpid()

    def export(self, metrics_data, timeout_millis=10_000, **_more):
        if os.getpid() == self.parent and not self.go.is_set():
            self.exporting.set()
            self.go.wait()
        tell("parent" if os.getpid() == self.parent else "child", metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=30_000, **_more):
        return None


def while_exported():
    """The fork comes while a thread exports, as it does for the time that a server takes to answer."""
    global reader  # noqa: PLW0603 - this way has another one
    exporter = Slow()
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=script.NEVER_MILLISECONDS)
    flushed = MeterProvider([reader], resource_of(GIVEN["resource"]), shutdown_on_exit=False)
    script.instrument(meter_provider=flushed, **GIVEN["settings"])
    calls(3)
    thread = threading.Thread(target=flushed.force_flush)
    thread.start()
    exporter.exporting.wait()

    def work():
        calls(2)
        flushed.force_flush()

    wait(child(work))
    exporter.go.set()
    thread.join()
    flushed.force_flush()


def begin():
    script.instrument(meter_provider=provider, **GIVEN["settings"])


GIVEN = json.loads(os.environ["APART"])
script.trace.set_tracer_provider(script.TracerProvider())
logging.getLogger("otel_claude").addHandler(Said())
logging.getLogger("otel_claude").setLevel(logging.INFO)
reader = reader_of(GIVEN["temporality"])
provider = MeterProvider([reader], resource_of(GIVEN["resource"]), shutdown_on_exit=False)
client = script.client(replies=[plain(headers=LIMITS)])

if __name__ == "__main__":
    way = globals()[sys.argv[1]]
    if way not in (late, spawn, while_exported):
        begin()
    way()
