"""Checks of the way out: OpenTelemetry's packages, exporters, protocol, and settings that lose data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from ... import redact
from .finding import Finding, installed, value

_GRPC: Final = "grpc"
_HTTP: Final = "http/protobuf"
_GRPC_PORT: Final = 4317
_HTTP_PORT: Final = 4318
_PROMETHEUS_PORT: Final = 9090
_PROMETHEUS_PATH: Final = "/api/v1/otlp"
_METRICS_PATH: Final = "/v1/metrics"
_PACKAGES: Final = ("opentelemetry-sdk", "opentelemetry-distro", "opentelemetry-instrumentation")
_LOOKBACK_SECONDS: Final = 300


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
    # The distribution's default is gRPC.
    protocol = value(environment, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL") or _GRPC
    # Only the common variable gets the signal's path appended, and only for HTTP.
    path = "" if protocol == _GRPC else _METRICS_PATH
    if own := value(environment, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        return Target(protocol, own, configured=True)
    if common := value(environment, "OTEL_EXPORTER_OTLP_ENDPOINT"):
        return Target(protocol, common.rstrip("/") + path if path else common, configured=True)
    return Target(protocol, f"http://localhost:{_HTTP_PORT if path else _GRPC_PORT}{path}", configured=False)


def exporters(environment: Mapping[str, str]) -> list[str]:
    """The names of the exporters of metrics."""
    given = value(environment, "OTEL_METRICS_EXPORTER") or "otlp"
    names = [name.strip() for name in given.split(",") if name.strip()]
    return [] if names == ["none"] else names


def findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """All of them."""
    found = {name: installed(name) for name in _PACKAGES}
    if missing := [name for name, number in found.items() if number is None]:
        text = f"{' and '.join(missing)} not installed: opentelemetry-instrument and otel-claude run cannot work."
        yield Finding("error", "OpenTelemetry", text, "pip install 'otel-claude[otlp]'")
    else:
        yield Finding("ok", "OpenTelemetry", ", ".join(f"{name} {number}" for name, number in found.items()))
    if value(environment, "OTEL_SDK_DISABLED").lower() == "true":
        yield Finding("error", "OTEL_SDK_DISABLED", "It is true, so nothing is measured.", "unset OTEL_SDK_DISABLED")
    if path := value(environment, "OTEL_CONFIG_FILE"):
        text = f"Exporters are configured by {redact.text(path)} alone"
        yield Finding("note", "OTEL_CONFIG_FILE", f"{text}; what is said here of exporters' variables does not apply.")
    yield from _exporters(environment)
    if "otlp" in exporters(environment):
        yield from _protocol(target(environment), environment)
    yield from _losses(environment)


def _exporters(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_METRICS_EXPORTER"
    names = exporters(environment)
    if not names:
        yield Finding("warning", name, "It is none, so metrics go nowhere.", f"unset {name}")
    known = {"otlp", *(point.name for point in entry_points(group="opentelemetry_metrics_exporter"))}
    for _ in [each for each in names if each not in known | {"none"}]:
        text = "No installed package has an exporter of a name in it, and then nothing is exported at all."
        yield Finding("error", name, text, f"Use one of: {', '.join(sorted(known))}")


def _protocol(to: Target, environment: Mapping[str, str]) -> Iterator[Finding]:
    if to.protocol not in (_GRPC, _HTTP):
        text = f"The protocol is neither {_GRPC} nor {_HTTP}, which Python has, and nothing is exported."
        yield Finding("error", "OTLP", text, f"export OTEL_EXPORTER_OTLP_PROTOCOL={_HTTP}")
        return
    package = f"opentelemetry-exporter-otlp-proto-{'grpc' if to.protocol == _GRPC else 'http'}"
    if installed(package) is None:
        text = f"The protocol is {to.protocol}, and {package} is not installed."
        yield Finding("error", "OTLP", text, f"pip install {package}")
    if to.configured:
        yield from _mismatch(to, environment)
    else:
        text = f"No endpoint is configured: opentelemetry-instrument will export to {to.shown} by {to.protocol}."
        do = "export OTEL_EXPORTER_OTLP_ENDPOINT=http://your-collector:4317   (`otel-claude run` needs none)"
        yield Finding("note", "OTLP", text, do)


def _mismatch(to: Target, environment: Mapping[str, str]) -> Iterator[Finding]:
    split = urlsplit(to.endpoint if "://" in to.endpoint else f"//{to.endpoint}")
    prometheus = to.port == _PROMETHEUS_PORT or split.path.startswith(_PROMETHEUS_PATH)
    # A command to copy has no password in it, as nothing has that is shown.
    base = f"{split.scheme or 'http'}://{split.netloc.rpartition('@')[2]}"
    own = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    common = "OTEL_EXPORTER_OTLP_ENDPOINT"
    if to.protocol == _GRPC and (prometheus or to.port == _HTTP_PORT):
        who = "Prometheus' OTLP endpoint" if prometheus else f"The port {_HTTP_PORT}"
        path = _PROMETHEUS_PATH + _METRICS_PATH if prometheus else _METRICS_PATH
        text = f"{who} takes HTTP/protobuf only, and the protocol is grpc (the distribution's default)."
        do = f"export OTEL_EXPORTER_OTLP_METRICS_PROTOCOL={_HTTP} {own}={base}{path}"
        yield Finding("error", "OTLP", text, do)
    elif to.protocol == _GRPC and not split.scheme and not value(environment, "OTEL_EXPORTER_OTLP_INSECURE"):
        text = f"{to.shown} has no scheme, which means TLS."
        yield Finding("note", "OTLP", text, f"If it has no TLS: export {common}=http://{to.shown}")
    elif to.protocol == _HTTP and to.port == _GRPC_PORT:
        text = f"{to.shown} is exported to by HTTP, but 4317 is usually gRPC's port; HTTP has {_HTTP_PORT}."
        yield Finding("warning", "OTLP", text, f"export {common}=http://{split.hostname}:{_HTTP_PORT}")
    elif to.protocol == _HTTP and not split.path.endswith(_METRICS_PATH):
        path = _PROMETHEUS_PATH if prometheus else split.path.rstrip("/")
        text = f"{own} is used as it is, and {to.shown} does not end in {_METRICS_PATH}."
        yield Finding("warning", "OTLP", text, f"export {own}={base}{path}{_METRICS_PATH}")
    for signal in ("TRACES", "LOGS") if prometheus else ():
        elsewhere = value(environment, f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", f"OTEL_{signal}_EXPORTER")
        if value(environment, common) and not elsewhere:
            text = f"{signal.capitalize()} would go to Prometheus too, which does not take them."
            yield Finding("warning", "OTLP", text, f"export OTEL_{signal}_EXPORTER=none")


def _losses(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    preference = value(environment, name).lower()
    if preference in ("delta", "lowmemory"):
        text = f"It is {preference}: Prometheus drops what has delta temporality, some versions without an error."
        yield Finding("warning", name, text, f"export {name}=cumulative")
    name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    if value(environment, name).lower() == "base2_exponential_bucket_histogram":
        text = "Prometheus 3.5 to 3.7 refuse the whole batch then, unless --enable-feature=native-histograms is set."
        yield Finding("warning", name, text, f"unset {name}   (or Prometheus 3.8 or later)")
    yield _interval("OTEL_METRIC_EXPORT_INTERVAL", environment)
    name = "OTEL_METRICS_EXEMPLAR_FILTER"
    if value(environment, name).lower() == "always_off":
        text = "It is always_off: no panel leads from a slow or expensive call to its trace."
        yield Finding("note", name, text, f"unset {name}")


def _interval(name: str, environment: Mapping[str, str]) -> Finding:
    usual = f"export {name}=60000"
    try:
        seconds = float(value(environment, name) or "60000") / 1000
    except ValueError:
        return Finding("warning", name, "It is no number of milliseconds; 60000 is used.", usual)
    if seconds > _LOOKBACK_SECONDS:
        text = f"Exports are {seconds:g} s apart: beyond 5 minutes Prometheus sees gaps in every series."
        return Finding("warning", name, text, usual)
    text = f"Exports are {seconds:g} s apart: Grafana's rates need to know."
    return Finding("note", name, text, f"In Grafana's data source: Scrape interval (timeInterval) = {seconds:g}s")
