"""What the scripts share: providers, clients, sums. A script that hangs shows every thread and dies."""

import faulthandler
import gc
import json
import os
import signal
import sys

PATIENCE = 120
# Not `dump_traceback_later`: a forked child would wait at its end for the thread of its parent's.
faulthandler.register(signal.SIGALRM, chain=True)
signal.alarm(PATIENCE)
os.register_at_fork(after_in_child=lambda: signal.alarm(PATIENCE))
# What the SDK is made of is no garbage, and to look for some costs a tenth of the import.
gc.disable()

from opentelemetry import metrics, trace  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, PeriodicExportingMetricReader  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from support.api import ARGS  # noqa: E402
from support.face import Face  # noqa: E402
from support.server import Server, either, stream  # noqa: E402

from otel_claude import ClaudeInstrumentor  # noqa: E402

gc.enable()
CALLS = "claude.client.calls"
NEVER_MILLISECONDS = 3_600_000
reader = InMemoryMetricReader()


def tell(**what):
    """One line, whole, also from several processes."""
    os.write(1, (json.dumps(what) + "\n").encode())


def providers(*readers):
    """Global providers, with the in-memory reader, or with these."""
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider(list(readers) or [reader]))


def otlp():
    """Exports to the collector of the test, when flushed and at the exit."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - is slow

    return PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=NEVER_MILLISECONDS)


def instrument(**settings):
    ClaudeInstrumentor().instrument(**settings)


def client(kind="sync", tracing="ours", replies=None, **options):
    """A client whose server answers either way."""
    return Face(kind, Server(*(replies or [either()])), tracing, **options).client


def open_stream(a_client, events=4):
    """A stream of which so many events were read."""
    opened = a_client.messages.create(**ARGS, stream=True)
    for _ in range(events):
        next(opened)
    return opened


def points(name):
    """The data points of a metric."""
    data = reader.get_metrics_data()
    scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
    return [p for scope in scopes for metric in scope.metrics if metric.name == name for p in metric.data.data_points]


def sums(*names):
    """The sum of each metric, or the number of a histogram's values."""
    return {name: sum(p.count if hasattr(p, "count") else p.value for p in points(name)) for name in names}


__all__ = ["ARGS", "CALLS", "Face", "Server", "client", "either", "instrument", "open_stream", "otlp", "points",
           "providers", "reader", "stream", "sums", "sys", "tell"]  # fmt: skip


def child(work):
    """A forked process that does this work and ends as a process of the system's."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def wait(*pids):
    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
