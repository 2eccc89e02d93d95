"""Running: the long-lived process. Polls in a thread, exports over OTLP, ends cleanly on SIGTERM and SIGINT.

Where to export is what OpenTelemetry's own variables say: OTEL_EXPORTER_OTLP_ENDPOINT and the like.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource

from .. import semconv as c
from ..version import __version__
from .metrics import observe
from .poller import Poller

SERVICE: Final = "otel-claude-organization"
_OTLP: Final = "OTEL_EXPORTER_OTLP_"
_MAX_SERIES: Final = 1_000_000
_SHUTDOWN_MILLISECONDS: Final = 10_000
_MAX_SLEEP: Final = 300.0
"""After a suspended machine wakes up, nothing is later than this."""


def _first_set(environment: Mapping[str, str], *names: str) -> str:
    return next((found for name in names if (found := environment.get(name, "").strip())), "")


def protocol(environment: Mapping[str, str]) -> str:
    """`grpc` or `http/protobuf`, as OpenTelemetry's variables say; the latter if they do not."""
    return _first_set(environment, f"{_OTLP}METRICS_PROTOCOL", f"{_OTLP}PROTOCOL") or "http/protobuf"


def endpoint(environment: Mapping[str, str]) -> str:
    """Where metrics go, for the user to read."""
    given = _first_set(environment, f"{_OTLP}METRICS_ENDPOINT", f"{_OTLP}ENDPOINT")
    return given or f"http://localhost:{4317 if protocol(environment) == 'grpc' else 4318}"


def provider(poller: Poller, *readers: MetricReader) -> MeterProvider:
    """A meter provider with the organization's metrics; without readers, one that exports over OTLP."""
    attributes = {
        "service.name": _first_set(os.environ, "OTEL_SERVICE_NAME") or SERVICE,
        "service.version": __version__,
    }
    if "service.instance.id" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        # There is one of it, so its instance has a name that lasts: with a random one, what the process before it said
        # last would be added to what this one says, for as long as Prometheus looks back.
        attributes["service.instance.id"] = SERVICE
    readers = readers or (PeriodicExportingMetricReader(_exporter()),)
    made = MeterProvider(readers, Resource.create(attributes), views=_views())
    observe(made.get_meter(c.SCOPE, __version__, c.SCHEMA_URL), poller)
    return made


def _views() -> list[View]:
    """Every set of attributes is kept.

    The SDK (seen in 1.45) would put all after the 2000th into one, where the last value counts: nobody's number.
    """
    limit: dict[str, Any] = {"aggregation_cardinality_limit": _MAX_SERIES}
    try:
        return [View(instrument_name="claude.organization.*", **limit)]
    except TypeError:  # An older SDK, without such a limit.
        return []


def run(poller: Poller, first: Callable[[], Any]) -> None:
    """Polls and exports until SIGTERM or SIGINT. `first` runs after the first poll, and may raise to give up."""
    stopping, polled = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()

    def poll() -> None:
        try:
            due = poller.poll()
        except BaseException as error:
            failed.append(error)
            return
        finally:
            polled.set()
        while not stopping.wait(min(due, _MAX_SLEEP)):
            due = poller.poll()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    # A request that hangs must not hold up the end, so polls have a thread that ends with the process.
    threading.Thread(target=poll, name=SERVICE, daemon=True).start()
    while not stopping.is_set() and not polled.wait(0.1):
        continue
    if failed:
        raise failed[0]
    if stopping.is_set():
        return
    first()
    metrics = provider(poller)
    stopping.wait()
    metrics.shutdown(_SHUTDOWN_MILLISECONDS)


def _exporter() -> MetricExporter:
    if protocol(os.environ) == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc  # noqa: PLC0415 - loads grpc

        return grpc.OTLPMetricExporter()
    from opentelemetry.exporter.otlp.proto.http import metric_exporter as http  # noqa: PLC0415 - the other one

    # A provider of credentials that the user named makes a session of its own.
    name = "CREDENTIAL_PROVIDER"
    named = f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_METRICS_{name}", f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{name}"
    return http.OTLPMetricExporter(session=None if _first_set(os.environ, *named) else session())


def session() -> Any:
    """What exports over HTTP. It follows no redirect: exporters before OpenTelemetry's newest do, with all headers."""
    import requests  # noqa: PLC0415 - the exporter loads it, and only where it exports

    made = requests.Session()
    made.max_redirects = 0
    return made
