"""Checks of the way out: OpenTelemetry's packages, exporters, protocol, and settings that lose data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from ... import redact
from .finding import Finding, as_version, installed, quiet, value

OTLP: Final = "OTEL_EXPORTER_OTLP_"
GRPC: Final = "grpc"
_HTTP: Final = "http/protobuf"
_BY_NAME: Final = {"otlp": None, "otlp_proto_grpc": GRPC, "otlp_proto_http": _HTTP}
"""The exporters by OTLP, and the protocol of each; None is what the variables say."""
_GRPC_PORT: Final = 4317
_HTTP_PORT: Final = 4318
_PROMETHEUS_PORT: Final = 9090
_PROMETHEUS_PATH: Final = "/api/v1/otlp"
_METRICS_PATH: Final = "/v1/metrics"
CONFIG_FILE: Final = "OTEL_CONFIG_FILE"
_READS_A_FILE: Final = (1, 43)
"""The OpenTelemetry SDK that reads a configuration file by itself. The next ones do it by a package of its own."""
_SERVICE_NAME: Final = "OTEL_SERVICE_NAME"
_PACKAGES: Final = ("opentelemetry-sdk", "opentelemetry-distro", "opentelemetry-instrumentation")
_COMPONENTS: Final = {
    "OTEL_METRICS_EXPORTER": ("opentelemetry_metrics_exporter", "an exporter"),
    "OTEL_TRACES_EXPORTER": ("opentelemetry_traces_exporter", "an exporter"),
    "OTEL_LOGS_EXPORTER": ("opentelemetry_logs_exporter", "an exporter"),
    "OTEL_PROPAGATORS": ("opentelemetry_propagator", "a propagator"),
    "OTEL_PYTHON_ID_GENERATOR": ("opentelemetry_id_generator", "a generator"),
    "OTEL_PYTHON_CONFIGURATOR": ("opentelemetry_configurator", "a configurator"),
}
"""Variables that name what packages bring. If one names something else, nothing is set up, and nothing is measured."""
_EXEMPLAR_FILTERS: Final = ("trace_based", "always_on", "always_off")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTENT: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FILES: Final = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
_LOOKBACK_SECONDS: Final = 300


class Target(NamedTuple):
    """Where metrics go by OTLP. `variable` says so, with the value `given`; both are empty for the default."""

    protocol: str
    endpoint: str
    variable: str = ""
    given: str = ""
    tls: bool = False

    @property
    def shown(self) -> str:
        """The endpoint as it may be printed."""
        return redact.url(self.endpoint)

    @property
    def host(self) -> str:
        """The endpoint's host."""
        return _split(self.endpoint).hostname or ""

    @property
    def port(self) -> int | None:
        """The endpoint's port. None if it has none, 0 if it has one that cannot be."""
        try:
            return _split(self.endpoint).port
        except ValueError:
            return 0

    def with_scheme(self, scheme: str) -> str:
        """The value for the variable with another scheme, as it may be printed."""
        return f"{scheme}://{redact.url(self.given).rpartition('://')[2]}"


def target(environment: Mapping[str, str]) -> Target:
    """Where the metrics go under `opentelemetry-instrument`, by the rules of the exporters."""
    named = next(filter(None, (_BY_NAME.get(name) for name in exporters(environment))), None)
    # The distribution's default is gRPC.
    protocol = named or value(environment, f"{OTLP}METRICS_PROTOCOL", f"{OTLP}PROTOCOL") or GRPC
    # Only the common variable gets the signal's path appended, and only for HTTP.
    path = "" if protocol == GRPC else _METRICS_PATH
    for variable, end in ((f"{OTLP}METRICS_ENDPOINT", ""), (f"{OTLP}ENDPOINT", path)):
        if given := value(environment, variable):
            endpoint = given.rstrip("/") + end if end else given
            return Target(protocol, endpoint, variable, given, _uses_tls(protocol, given, environment))
    return Target(protocol, f"http://localhost:{_HTTP_PORT if path else _GRPC_PORT}{path}")


def _uses_tls(protocol: str, endpoint: str, environment: Mapping[str, str]) -> bool:
    scheme = endpoint.partition("://")[0].lower()
    if protocol != GRPC or scheme == "https":
        return scheme == "https"
    insecure = value(environment, f"{OTLP}METRICS_INSECURE", f"{OTLP}INSECURE")
    return insecure.lower() != "true" if insecure else scheme != "http"


def exporters(environment: Mapping[str, str]) -> list[str]:
    """The names of the exporters of metrics."""
    given = value(environment, "OTEL_METRICS_EXPORTER") or "otlp"
    return [] if given.lower() == "none" else _names(given)


def sends(environment: Mapping[str, str]) -> bool:
    """Whether metrics go out by OTLP, to where the variables say."""
    return not configuration_file(environment) and not _BY_NAME.keys().isdisjoint(exporters(environment))


def can_send(to: Target) -> bool:
    """Whether the exporter that would be used is installed."""
    return to.protocol in (GRPC, _HTTP) and None not in map(installed, (*_PACKAGES, _package(to)))


def _package(to: Target) -> str:
    return f"opentelemetry-exporter-otlp-proto-{'grpc' if to.protocol == GRPC else 'http'}"


def findings(environment: Mapping[str, str], *, guess: bool) -> Iterator[Finding]:
    """All of them. `guess`: also what an endpoint's port and path let us suppose, as it is not asked."""
    found = {name: installed(name) for name in _PACKAGES}
    if missing := [name for name, number in found.items() if number is None]:
        text = f"{' and '.join(missing)} not installed: opentelemetry-instrument and otel-claude run cannot work."
        yield Finding("error", "OpenTelemetry", text, "pip install 'otel-claude[otlp]'")
        return
    yield Finding("ok", "OpenTelemetry", ", ".join(f"{name} {number}" for name, number in found.items()))
    if value(environment, "OTEL_SDK_DISABLED").lower() == "true":
        yield Finding("error", "OTEL_SDK_DISABLED", "It is true, so nothing is measured.", "unset OTEL_SDK_DISABLED")
    if path := configuration_file(environment):
        # Then no other variable of exporters, propagators and the resource is read.
        yield _configured(path)
        return
    if value(environment, CONFIG_FILE):
        text = f"OpenTelemetry's SDK {found['opentelemetry-sdk']} does not read it, 1.44 does: the variables count."
        yield Finding("warning", CONFIG_FILE, text, "pip install --upgrade opentelemetry-sdk opentelemetry-distro")
    yield from _components(environment)
    if sends(environment):
        to = target(environment)
        yield from _protocol(to, environment, guess=guess)
        yield from _settings(to, environment)
    yield from _service_name(environment)
    yield from _losses(environment)


def configuration_file(environment: Mapping[str, str]) -> str:
    """The file that takes the place of the variables, if the installed SDK reads one, else `""`."""
    return value(environment, CONFIG_FILE) if as_version(installed("opentelemetry-sdk")) >= _READS_A_FILE else ""


def _configured(path: str) -> Finding:
    shown = redact.text(path)
    if not Path(path).is_file():
        return Finding(
            "error", CONFIG_FILE, f"There is no file {shown}, so nothing is measured.", f"unset {CONFIG_FILE}"
        )
    if as_version(installed("opentelemetry-sdk")) == _READS_A_FILE:
        return Finding("ok", CONFIG_FILE, f"{shown} alone says where telemetry goes, in place of the variables.")
    if installed("opentelemetry-configuration") is None:
        text = "opentelemetry-configuration is not installed, so nothing is measured."
        return Finding("error", CONFIG_FILE, text, "pip install opentelemetry-configuration")
    configuration: Any = import_module("opentelemetry.configuration")
    try:
        with quiet():
            loaded = configuration.load_config_file(path)
    except Exception as error:
        # The message may quote what is in the file.
        text = f"{shown} is refused ({type(error).__name__}), so nothing is measured."
        load = f"from opentelemetry.configuration import load_config_file as f; f({path!r})"
        return Finding("error", CONFIG_FILE, text, f'python -c "{redact.text(load)}"')
    if loaded.meter_provider is None:
        text = f"{shown} has no meter_provider, so metrics go nowhere."
        return Finding("error", CONFIG_FILE, text, "Add a meter_provider with a reader and an exporter to it.")
    return Finding("ok", CONFIG_FILE, f"{shown} alone says where telemetry goes, in place of the variables.")


def _components(environment: Mapping[str, str]) -> Iterator[Finding]:
    if not exporters(environment):
        name = "OTEL_METRICS_EXPORTER"
        yield Finding("warning", name, "It is none, so metrics go nowhere.", f"unset {name}")
    for name, (group, what) in _COMPONENTS.items():
        given = value(environment, name)
        if not given or given.lower() == "none":
            continue
        known = {point.name for point in entry_points(group=group)}
        if group.endswith("exporter"):
            known |= {"otlp"}
        # Only for propagators `none` can stand beside others.
        known_here = known | {"none"} if group == "opentelemetry_propagator" else known
        if not known_here.issuperset(_names(given)):
            text = f"No installed package has {what} of a name in it, so nothing is measured."
            yield Finding("error", name, text, f"Use one of: {', '.join(sorted(known))}")


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def _split(endpoint: str) -> SplitResult:
    return urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")


def _protocol(to: Target, environment: Mapping[str, str], *, guess: bool) -> Iterator[Finding]:
    if to.protocol not in (GRPC, _HTTP):
        text = f"The protocol is neither {GRPC} nor {_HTTP}, which Python has, and nothing is exported."
        yield Finding("error", "OTLP", text, f"export {OTLP}PROTOCOL={_HTTP}")
        return
    if installed(_package(to)) is None:
        text = f"The protocol is {to.protocol}, and {_package(to)} is not installed."
        yield Finding("error", "OTLP", text, f"pip install {_package(to)}")
    if not to.variable:
        text = f"No endpoint is configured: opentelemetry-instrument will export to {to.shown} by {to.protocol}."
        do = f"export {OTLP}ENDPOINT=http://your-collector:4317   (`otel-claude run` needs none)"
        yield Finding("note", "OTLP", text, do)
        return
    if guess:
        yield from _mismatch(to)
    for signal in ("TRACES", "LOGS") if _is_prometheus(to) else ():
        elsewhere = value(environment, f"{OTLP}{signal}_ENDPOINT", f"OTEL_{signal}_EXPORTER")
        if value(environment, f"{OTLP}ENDPOINT") and not elsewhere:
            text = f"{signal.capitalize()} would go to Prometheus too, which does not take them."
            yield Finding("warning", "OTLP", text, f"export OTEL_{signal}_EXPORTER=none")


def _mismatch(to: Target) -> Iterator[Finding]:
    """What ports and paths let us suppose, where nobody is asked."""
    path = _split(to.endpoint).path
    prometheus = _is_prometheus(to)
    if to.protocol == GRPC and (prometheus or to.port == _HTTP_PORT):
        who = "Prometheus' OTLP endpoint" if prometheus else f"The port {_HTTP_PORT}"
        text = f"{who} takes HTTP/protobuf only, and the protocol is grpc (the distribution's default)."
        yield Finding("error", "OTLP", text, by_http(to))
    elif to.protocol == GRPC and to.tls and "://" not in to.given:
        text = f"{to.shown} has no scheme, which means TLS."
        yield Finding("note", "OTLP", text, f"If it has no TLS: export {to.variable}={to.with_scheme('http')}")
    elif to.protocol == _HTTP and to.port == _GRPC_PORT:
        text = f"{to.shown} is exported to by HTTP, but {_GRPC_PORT} is usually gRPC's port; HTTP has {_HTTP_PORT}."
        yield Finding("warning", "OTLP", text, f"export {OTLP}ENDPOINT=http://{to.host}:{_HTTP_PORT}")
    elif to.protocol == _HTTP and not path.endswith(_METRICS_PATH):
        text = f"{to.variable} is used as it is, and {to.shown} does not end in {_METRICS_PATH}."
        right = f"{base(to)}{_PROMETHEUS_PATH if prometheus else path.rstrip('/')}{_METRICS_PATH}"
        yield Finding("warning", "OTLP", text, f"export {to.variable}={right}")


def by_http(to: Target) -> str:
    """What to type, so that metrics go to the same port by HTTP."""
    if _is_prometheus(to):
        # Only metrics: it takes nothing else.
        address = f"{base(to)}{_PROMETHEUS_PATH}{_METRICS_PATH}"
        return f"export {OTLP}METRICS_PROTOCOL={_HTTP} {OTLP}METRICS_ENDPOINT={address}"
    if to.variable == f"{OTLP}METRICS_ENDPOINT":
        return f"export {OTLP}METRICS_PROTOCOL={_HTTP} {to.variable}={base(to)}{_METRICS_PATH}"
    return f"export {OTLP}PROTOCOL={_HTTP}"


def base(to: Target) -> str:
    """The endpoint's scheme, host and port. A command to copy has no password in it, as nothing has that is shown."""
    split = _split(to.endpoint)
    return f"{split.scheme or 'http'}://{split.netloc.rpartition('@')[2]}"


def _is_prometheus(to: Target) -> bool:
    return to.port == _PROMETHEUS_PORT or _split(to.endpoint).path.startswith(_PROMETHEUS_PATH)


def _settings(to: Target, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Certificates and headers that the exporter does not find or leaves out."""
    for kind in _FILES if to.tls else ():
        for name in (f"{OTLP}METRICS_{kind}", f"{OTLP}{kind}"):
            if (path := value(environment, name)) and not Path(path).is_file():
                yield Finding(
                    "error", name, f"There is no file {redact.text(path)}.", f"unset {name}   (or correct it)"
                )
    for name in (f"{OTLP}METRICS_HEADERS", f"{OTLP}HEADERS"):
        if not all(map(_is_header, _names(value(environment, name)))):
            text = "An entry in it is no header of HTTP, written as name=value, so it is not sent."
            yield Finding("error", name, text, f"export {name}=name=value,name=value")


def _is_header(pair: str) -> bool:
    name, equals, content = pair.partition("=")
    return bool(equals and _HEADER.fullmatch(name.strip()) and _CONTENT.fullmatch(unquote(content)))


def _service_name(environment: Mapping[str, str]) -> Iterator[Finding]:
    named = re.search(r"(?:^|,)\s*service\.name\s*=\s*[^,\s]", environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    goes_somewhere = target(environment).variable or not _BY_NAME.keys() >= set(exporters(environment))
    if goes_somewhere and exporters(environment) and not named and not value(environment, _SERVICE_NAME):
        text = (
            "It is not set, so the service is `unknown_service` (in Prometheus the label `job`), as all others without."
        )
        yield Finding("warning", _SERVICE_NAME, text, f"export {_SERVICE_NAME}=your-service")


def _losses(environment: Mapping[str, str]) -> Iterator[Finding]:
    name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
    preference = value(environment, name).lower()
    if preference in ("delta", "lowmemory"):
        text = f"It is {preference}: Prometheus drops what has delta temporality, some versions without an error."
        others = "   (Datadog, New Relic, Honeycomb, Azure Monitor: delta)"
        yield Finding("warning", name, text, f"export {name}=cumulative{others}")
    name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
    if value(environment, name).lower() == "base2_exponential_bucket_histogram":
        text = "Prometheus 3.5 to 3.7 refuse the whole batch then, unless --enable-feature=native-histograms is set."
        yield Finding("warning", name, text, f"unset {name}   (or Prometheus 3.8 or later)")
    yield _interval("OTEL_METRIC_EXPORT_INTERVAL", environment)
    name = "OTEL_METRICS_EXEMPLAR_FILTER"
    chosen = value(environment, name).lower()
    if chosen and chosen not in _EXEMPLAR_FILTERS:
        text = f"It is none of {', '.join(_EXEMPLAR_FILTERS)}, so nothing is measured."
        yield Finding("error", name, text, f"unset {name}")
    elif chosen == "always_off":
        text = "It is always_off: no panel leads from a slow or expensive call to its trace."
        yield Finding("note", name, text, f"unset {name}")


def _interval(name: str, environment: Mapping[str, str]) -> Finding:
    usual = f"export {name}=60000"
    try:
        seconds = float(value(environment, name) or "60000") / 1000
    except ValueError:
        return Finding("warning", name, "It is no number of milliseconds; 60000 is used.", usual)
    if not 0 < seconds < math.inf:
        effect = "nothing is measured" if seconds <= 0 else "metrics are exported at the program's end alone, or never"
        return Finding("error", name, f"It is no time to wait between two exports, so {effect}.", usual)
    if seconds > _LOOKBACK_SECONDS:
        text = f"Exports are {seconds:g} s apart: beyond 5 minutes Prometheus sees gaps in every series."
        return Finding("warning", name, text, usual)
    text = f"Exports are {seconds:g} s apart: Grafana's rates need to know."
    return Finding("note", name, text, f"In Grafana's data source: Scrape interval (timeInterval) = {seconds:g}s")
