"""Checks of the way out: OpenTelemetry's packages, exporters, protocol, and settings that lose data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ... import redact
from .finding import Finding
from .sdk import installed

_GRPC: Final = "grpc"
_HTTP: Final = "http/protobuf"
_GRPC_PORT: Final = 4317
_HTTP_PORT: Final = 4318
_PROMETHEUS_PORT: Final = 9090
_PROMETHEUS_PATH: Final = "/api/v1/otlp"
_METRICS_PATH: Final = "/v1/metrics"
_PACKAGES: Final = ("opentelemetry-sdk", "opentelemetry-distro", "opentelemetry-instrumentation")
_LOOKBACK_MILLISECONDS: Final = 300_000


class Target(NamedTuple):
    """Where metrics go by OTLP."""

    protocol: str
    endpoint: str
    configured: bool

    @property
    def shown(self) -> str:
        """The endpoint as it may be printed."""
        return redact.url(self.endpoint)

    @property
    def port(self) -> int | None:
        """The endpoint's port. None if it has none, or none that is a number."""
        try:
            return urlsplit(self.endpoint if "://" in self.endpoint else f"//{self.endpoint}").port
        except ValueError:
            return None


def target(environment: Mapping[str, str]) -> Target:
    """Where the metrics go under `opentelemetry-instrument`, by the rules of the exporters."""

    def given(name: str) -> str:
        return environment.get(name, "").strip()

    # The distribution's default is gRPC.
    protocol = given("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or given("OTEL_EXPORTER_OTLP_PROTOCOL") or _GRPC
    own, common = given("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"), given("OTEL_EXPORTER_OTLP_ENDPOINT")
    if own or common:
        # Only the common variable gets the signal's path appended, and only for HTTP.
        appended = common.rstrip("/") + _METRICS_PATH if protocol != _GRPC else common
        return Target(protocol, own or appended, configured=True)
    default = f"http://localhost:{_GRPC_PORT}" if protocol == _GRPC else f"http://localhost:{_HTTP_PORT}{_METRICS_PATH}"
    return Target(protocol, default, configured=False)


def exporters(environment: Mapping[str, str]) -> list[str]:
    """The names of the exporters of metrics."""
    given = environment.get("OTEL_METRICS_EXPORTER", "").strip() or "otlp"
    names = [name.strip() for name in given.split(",") if name.strip()]
    return [] if names == ["none"] else names


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """All of them."""
    yield from _packages()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield Finding("error", "OTEL_SDK_DISABLED", "It is true, so nothing is measured.", "unset OTEL_SDK_DISABLED")
    if path := environment.get("OTEL_CONFIG_FILE", "").strip():
        text = (
            f"Exporters are configured by {redact.text(path)} alone; what is said here of exporters' variables does "
            "not apply."
        )
        yield Finding("note", "OTEL_CONFIG_FILE", text)
    yield from _exporters(environment)
    if "otlp" in exporters(environment):
        yield from _protocol(target(environment), environment)
    yield from _losses(environment)
    yield from _interval(environment)
    yield from _exemplars(environment)


def _packages() -> Iterator[Finding]:
    found = {name: installed(name) for name in _PACKAGES}
    missing = [name for name, number in found.items() if number is None]
    if missing:
        text = f"{' and '.join(missing)} not installed: opentelemetry-instrument and otel-claude run cannot work."
        yield Finding("error", "OpenTelemetry", text, "pip install 'otel-claude[otlp]'")
    else:
        yield Finding("ok", "OpenTelemetry", ", ".join(f"{name} {number}" for name, number in found.items()))


def _exporters(environment: Mapping[str, str]) -> Iterator[Finding]:
    names = exporters(environment)
    if not names:
        text = "It is none, so metrics go nowhere."
        yield Finding("warning", "OTEL_METRICS_EXPORTER", text, "unset OTEL_METRICS_EXPORTER")
    known = {point.name for point in entry_points(group="opentelemetry_metrics_exporter")}
    for name in names:
        if name not in (known | {"otlp", "none"}):
            yield Finding(
                "error",
                "OTEL_METRICS_EXPORTER",
                "No installed package has an exporter of a name in it, and then nothing is exported at all.",
                f"Use one of: {', '.join(sorted(known | {'otlp'}))}",
            )


def _protocol(to: Target, environment: Mapping[str, str]) -> Iterator[Finding]:
    if to.protocol not in (_GRPC, _HTTP):
        text = f"The protocol is neither {_GRPC} nor {_HTTP}, which Python has, and nothing is exported."
        yield Finding("error", "OTLP", text, f"export OTEL_EXPORTER_OTLP_PROTOCOL={_HTTP}")
        return
    package = f"opentelemetry-exporter-otlp-proto-{'grpc' if to.protocol == _GRPC else 'http'}"
    if installed(package) is None:
        yield Finding(
            "error", "OTLP", f"The protocol is {to.protocol}, and {package} is not installed.", f"pip install {package}"
        )
    if not to.configured:
        yield Finding(
            "note",
            "OTLP",
            f"No endpoint is configured: opentelemetry-instrument will export to {to.shown} by {to.protocol}.",
            "export OTEL_EXPORTER_OTLP_ENDPOINT=http://your-collector:4317   (`otel-claude run` needs none)",
        )
        return
    yield from _mismatch(to, environment)


def _mismatch(to: Target, environment: Mapping[str, str]) -> Iterator[Finding]:
    split = urlsplit(to.endpoint if "://" in to.endpoint else f"//{to.endpoint}")
    prometheus = to.port == _PROMETHEUS_PORT or split.path.startswith(_PROMETHEUS_PATH)
    # A command to copy has no password in it, as nothing has that is shown.
    base = f"{split.scheme or 'http'}://{split.netloc.rpartition('@')[2]}"
    if to.protocol == _GRPC and (prometheus or to.port == _HTTP_PORT):
        who = "Prometheus' OTLP endpoint" if prometheus else f"The port {_HTTP_PORT}"
        path = _PROMETHEUS_PATH + _METRICS_PATH if prometheus else _METRICS_PATH
        yield Finding(
            "error",
            "OTLP",
            f"{who} takes HTTP/protobuf only, and the protocol is grpc (the distribution's default).",
            f"export OTEL_EXPORTER_OTLP_METRICS_PROTOCOL={_HTTP} OTEL_EXPORTER_OTLP_METRICS_ENDPOINT={base}{path}",
        )
    elif to.protocol == _GRPC and not split.scheme and not environment.get("OTEL_EXPORTER_OTLP_INSECURE", "").strip():
        text = f"{to.shown} has no scheme, which means TLS."
        yield Finding("note", "OTLP", text, f"If it has no TLS: export OTEL_EXPORTER_OTLP_ENDPOINT=http://{to.shown}")
    elif to.protocol == _HTTP and to.port == _GRPC_PORT:
        text = f"{to.shown} is exported to by HTTP, but 4317 is usually gRPC's port; HTTP has {_HTTP_PORT}."
        yield Finding(
            "warning", "OTLP", text, f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{split.hostname}:{_HTTP_PORT}"
        )
    elif to.protocol == _HTTP and not split.path.endswith(_METRICS_PATH):
        path = _PROMETHEUS_PATH if prometheus else split.path.rstrip("/")
        text = f"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is used as it is, and {to.shown} does not end in {_METRICS_PATH}."
        yield Finding(
            "warning", "OTLP", text, f"export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT={base}{path}{_METRICS_PATH}"
        )
    if prometheus:
        yield from _others_to_prometheus(environment)


def _others_to_prometheus(environment: Mapping[str, str]) -> Iterator[Finding]:
    for signal in ("TRACES", "LOGS"):
        elsewhere = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", f"OTEL_{signal}_EXPORTER"
        common = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
        if common and not any(environment.get(name, "").strip() for name in elsewhere):
            text = f"{signal.capitalize()} would go to Prometheus too, which does not take them."
            yield Finding("warning", "OTLP", text, f"export OTEL_{signal}_EXPORTER=none")


def _losses(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    preference = environment.get(name, "").strip().lower()
    if preference in ("delta", "lowmemory"):
        text = f"It is {preference}: Prometheus drops what has delta temporality, some versions without an error."
        yield Finding("warning", name, text, f"export {name}=cumulative")
    name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    if environment.get(name, "").strip().lower() == "base2_exponential_bucket_histogram":
        text = "Prometheus 3.5 to 3.7 refuse the whole batch then, unless --enable-feature=native-histograms is set."
        yield Finding("warning", name, text, f"unset {name}   (or Prometheus 3.8 or later)")


def _interval(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_METRIC_EXPORT_INTERVAL"
    given = environment.get(name, "").strip() or "60000"
    try:
        milliseconds = float(given)
    except ValueError:
        yield Finding("warning", name, "It is no number of milliseconds; 60000 is used.", f"export {name}=60000")
        return
    if milliseconds > _LOOKBACK_MILLISECONDS:
        text = f"Exports are {milliseconds / 1000:g} s apart: beyond 5 minutes Prometheus sees gaps in every series."
        yield Finding("warning", name, text, f"export {name}=60000")
    else:
        text = f"Exports are {milliseconds / 1000:g} s apart: Grafana's rates need to know."
        yield Finding(
            "note", name, text, f"In Grafana's data source: Scrape interval (timeInterval) = {milliseconds / 1000:g}s"
        )


def _exemplars(environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment.get("OTEL_METRICS_EXEMPLAR_FILTER", "").strip().lower() == "always_off":
        text = "It is always_off: no panel leads from a slow or expensive call to its trace."
        yield Finding("note", "OTEL_METRICS_EXEMPLAR_FILTER", text, "unset OTEL_METRICS_EXEMPLAR_FILTER")
