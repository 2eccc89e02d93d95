"""The probe: whether the endpoint that the user configured takes what the exporter sends it. Asks that endpoint alone.

The exporter itself is asked, as its variables configure it, to export nothing. If that fails, further connections look
at what the port speaks, so that the advice fits.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ... import redact
from .exporting import GRPC, OTLP, Target, base, by_http
from .finding import Finding, quiet
from .port import Port, look

_SECONDS: Final = 3.0
_AUTHORITIES: Final = (f"{OTLP}METRICS_CERTIFICATE", f"{OTLP}CERTIFICATE")
_PROXY: Final = "the proxy does not let it through: "
_CREDENTIALS: Final = f"Set {OTLP}HEADERS, such as {OTLP}HEADERS=authorization=Basic%20..."
_MAY_WRITE: Final = f"Set {OTLP}HEADERS to credentials that may write metrics."
_ADVICE: Final[Mapping[str, str]] = {
    "401": _CREDENTIALS,
    "403": _MAY_WRITE,
    "404": (
        "Check the path, and that a Collector has a pipeline of metrics. Prometheus: start it with "
        "--web.enable-otlp-receiver, and export to /api/v1/otlp/v1/metrics."
    ),
    "405": "Check the path: for a Collector /v1/metrics, for Prometheus /api/v1/otlp/v1/metrics.",
    "UNAUTHENTICATED": _CREDENTIALS,
    "PERMISSION_DENIED": _MAY_WRITE,
    "UNIMPLEMENTED": "It takes no metrics. A Collector: add the otlp receiver to a pipeline of metrics.",
}
_REFUSED_CERTIFICATE: Final = re.compile(r"CERTIFICATE_VERIFY_FAILED: ([^:]+)|(Hostname Verification Check failed)")


class _Failure(NamedTuple):
    """Why the exporter could not export: the status of the answer, or what it met. `unaccepted`: the certificate."""

    status: str | None
    reason: str
    unaccepted: str | None = None


class _AttemptedError(BaseException):
    """Leaves the exporter after its first attempt: it would wait, and try again."""


def probe(target: Target, environment: Mapping[str, str]) -> Finding:
    """What became of an export request without data."""
    if target.protocol != GRPC and urlsplit(target.endpoint).scheme not in ("http", "https"):
        text = f"{target.shown} is no http:// or https:// address."
        return _wrong(text, f"export {target.variable}={target.with_scheme('http')}")
    if target.port == 0:
        return _wrong(f"{target.shown} has a port that is no number up to 65535.", f"Correct {target.variable}.")
    try:
        with quiet(), _set(environment):
            failure = _grpc() if target.protocol == GRPC else _http()
    except Exception as error:
        given = [name for name in environment if name.startswith(OTLP) and not name.endswith(("ENDPOINT", "PROTOCOL"))]
        text = f"The exporter refuses its settings, so nothing is exported ({type(error).__name__})."
        return _wrong(text, f"Correct or unset {' or '.join(sorted(given)) or target.variable}.")
    if failure is None:
        by = "gRPC" if target.protocol == GRPC else "HTTP"
        return Finding("ok", "OTLP", f"{target.shown} took an empty export request by {by}.")
    return _explained(target, failure, environment)


@contextmanager
def _set(environment: Mapping[str, str]) -> Generator[None]:
    """The exporter and what it is made of read the process's environment, and some of this may be from a file."""
    before = dict(os.environ)
    try:
        os.environ.update(environment)
        yield
    finally:
        for name in environment.keys() - before.keys():
            os.environ.pop(name, None)
        os.environ.update(before)


def _http() -> _Failure | None:
    exporter: Any = import_module("opentelemetry.exporter.otlp.proto.http.metric_exporter").OTLPMetricExporter
    empty: Any = import_module("opentelemetry.sdk.metrics.export").MetricsData
    adapter: Any = import_module("requests.adapters").HTTPAdapter
    send, found = adapter.send, list[_Failure]()

    def send_once(*given: Any, **options: Any) -> None:
        try:
            status = send(*given, **options).status_code
        except Exception as error:
            causes = list(_causes(error))
            unaccepted = next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
            proxy = _PROXY if "ProxyError" in [type(each).__name__ for each in causes] else ""
            why = unaccepted and str(unaccepted.verify_message).rstrip(".")
            found.append(_Failure(None, f"{proxy}{redact.reason(causes[-1])}", why))
        else:
            if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
                found.append(_Failure(str(status), ""))
        raise _AttemptedError

    made = exporter(timeout=_SECONDS)
    adapter.send = send_once
    try:
        made.export(empty([]))
    except _AttemptedError:
        return found[0] if found else None
    finally:
        adapter.send = send
    # It gave up before it sent anything.
    return _Failure(None, "its address or a header cannot be sent")


def _grpc() -> _Failure | None:
    # The library writes on the terminal what we say in our own words. It reads this when it is loaded.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    exporter: Any = import_module("opentelemetry.exporter.otlp.proto.grpc.metric_exporter").OTLPMetricExporter
    service: Any = import_module("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2")
    rpc_error: type[Exception] = import_module("grpc").RpcError
    made = exporter()
    try:
        made._client.Export(service.ExportMetricsServiceRequest(), metadata=made._headers, timeout=_SECONDS)  # noqa: SLF001 - `export` tries again for a minute, and says not why it failed
    except rpc_error as error:
        failed: Any = error
        code, details = str(failed.code().name), str(failed.details())
        refused = _REFUSED_CERTIFICATE.search(details)
        if code == "DEADLINE_EXCEEDED":
            return _Failure(None, "it timed out")
        unaccepted = refused and (refused[1] or "it is for another host name")
        return _Failure(None if code == "UNAVAILABLE" else code, "the connection was lost", unaccepted)
    finally:
        made.shutdown()
    return None


def _explained(target: Target, failure: _Failure, environment: Mapping[str, str]) -> Finding:
    """The finding for a failure: one sentence on what is wrong, and what to do about it."""
    if failure.reason.startswith(_PROXY):
        do = f"Correct the proxy's variable, or export NO_PROXY={target.host}"
        return _wrong(f"{target.shown} cannot be reached: {failure.reason}.", do)
    if failure.unaccepted:
        text = f"{target.shown} has a certificate that is not accepted: {failure.unaccepted}."
        return _wrong(text, _trusted(target, failure.unaccepted, environment))
    # Servers with TLS say 400 to those who come without.
    if failure.status is not None and (target.tls or failure.status != "400"):
        advice = _ADVICE.get(failure.status, "Look at the receiver's log.")
        if failure.status.startswith("3"):
            advice = "Set the address that it redirects to: with a redirect, what is exported is lost."
        return _wrong(f"{target.shown} answered an empty export request with {failure.status}.", advice)
    if not target.host:  # unix:///socket
        return _wrong(f"{target.shown} does not answer: {failure.reason}.", f"Start it, or correct {target.variable}.")
    try:
        port = look(target.host, target.port or (443 if target.tls else 80))
    except OSError as error:
        text = f"{target.shown} does not answer: {redact.reason(error)}."
        return _wrong(text, f"Start it, or correct {target.variable}.")
    return _spoken(target, port, failure, environment)


def _spoken(target: Target, port: Port, failure: _Failure, environment: Mapping[str, str]) -> Finding:
    """The finding for a port that speaks something else than the exporter."""
    grpc = target.protocol == GRPC
    if port.tls and not target.tls:
        do = f"export {target.variable}={target.with_scheme('https')}"
        return _wrong(f"{target.shown} takes TLS alone, and is used without.", do)
    if target.tls and not port.tls:
        do = f"export {target.variable}={target.with_scheme('http')}"
        if target.given.startswith("http://"):
            do = f"unset {_first(environment, f'{OTLP}METRICS_INSECURE', f'{OTLP}INSECURE')}"
        return _wrong(f"{target.shown} is used with TLS, and has none.", do)
    if port.wants_certificate:
        do = f"export {OTLP}CLIENT_CERTIFICATE=client.pem {OTLP}CLIENT_KEY=client.key"
        if grpc and not _first(environment, *_AUTHORITIES):
            do += f" {OTLP}CERTIFICATE=ca.pem   (by gRPC, the three together)"
        return _wrong(f"{target.shown} wants a client certificate, and gets none that it accepts.", do)
    if grpc and not port.http2:
        text = f"{target.shown} does not speak HTTP/2, so it takes no gRPC (the distribution's default)."
        return _wrong(text, by_http(target))
    if port.http2 and not grpc:
        text = f"{target.shown} speaks HTTP/2 alone, as gRPC does, and is exported to by HTTP/1.1."
        return _wrong(text, f"export {OTLP}PROTOCOL=grpc {target.variable}={base(target)}")
    text = f"{target.shown} does not take an export request: {failure.status or failure.reason}."
    return _wrong(text, "Look at the receiver's log.")


def _trusted(target: Target, why: str, environment: Mapping[str, str]) -> str:
    """What to do about a certificate that is not accepted."""
    if "expired" in why:
        return f"Renew the certificate of {target.host}."
    if "mismatch" in why or "host name" in why:
        return f"Use a host name that is in the certificate, in {target.variable}."
    authority = _first(environment, *_AUTHORITIES)
    bundle = _first(environment, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    if authority and bundle and target.protocol != GRPC:
        return f"unset {bundle}   (the exporter takes it in place of {authority})"
    if authority:
        return f"Have {authority} name the CA of the certificate of {target.host}."
    return f"export {OTLP}CERTIFICATE=ca.pem   (the CA of the certificate of {target.host})"


def _first(environment: Mapping[str, str], *names: str) -> str:
    """The first of these variables that is set, else `""`."""
    return next((name for name in names if environment.get(name)), "")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those behind it, as `requests` and `urllib3` wrap them."""
    while error is not None:
        yield error
        inner = getattr(error, "reason", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def _wrong(text: str, do: str) -> Finding:
    return Finding("error", "OTLP", text, do)
