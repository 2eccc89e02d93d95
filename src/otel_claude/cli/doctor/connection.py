"""The probe: whether the endpoint that the user configured answers and speaks the protocol. Opens one connection.

For HTTP it sends an export request without any data, with the headers that the exporter would send. For gRPC it greets
by HTTP/2 and looks at what answers.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request

from ... import redact
from ...requesting import send
from .exporting import Target
from .finding import Finding, value

_SECONDS: Final = 3.0
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""HTTP/2's preface, and empty settings."""
_SETTINGS: Final = 4
_ADVICE: Final[Mapping[int, str]] = {
    401: "Set OTEL_EXPORTER_OTLP_HEADERS, such as OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20...",
    403: "Set OTEL_EXPORTER_OTLP_HEADERS to credentials that may write metrics.",
    404: "Check the path. Prometheus: start it with --web.enable-otlp-receiver, and export to /api/v1/otlp/v1/metrics.",
    405: "Check the path: for a Collector /v1/metrics, for Prometheus /api/v1/otlp/v1/metrics.",
}


def probe(target: Target, environment: Mapping[str, str]) -> Finding:
    """What answered."""
    try:
        return _grpc(target) if target.protocol == "grpc" else _http(target, _headers(environment))
    except (OSError, HTTPException, ValueError) as error:
        text = f"{target.shown} does not answer: {redact.reason(error)}."
        return Finding("error", "OTLP", text, "Start it, or correct OTEL_EXPORTER_OTLP_ENDPOINT.")


def _http(target: Target, headers: Mapping[str, str]) -> Finding:
    if urlsplit(target.endpoint).scheme not in ("http", "https"):
        text = f"{target.shown} is no http:// or https:// address."
        return Finding("error", "OTLP", text, f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://{target.shown}")
    # `http.client` quotes those that cannot be headers in its message.
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(content) for name, content in headers.items()):
        text = "A header in OTEL_EXPORTER_OTLP_HEADERS has a character that no header can have, such as a line break."
        return Finding("error", "OTLP", text, "Correct OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value")
    sent = {"Content-Type": "application/x-protobuf", **headers}
    request = Request(target.endpoint, b"", sent, method="POST")  # noqa: S310 - the scheme was just looked at
    try:
        with send(request, _SECONDS) as answer:
            status = answer.status
    except HTTPError as error:
        error.close()
        status = error.code
    if status < 300:  # noqa: PLR2004 - HTTP's own number
        return Finding("ok", "OTLP", f"{target.shown} took an empty export request by HTTP.")
    advice = _ADVICE.get(status, "Look at the receiver's log.")
    return Finding("error", "OTLP", f"{target.shown} answered an empty export request with {status}.", advice)


def _grpc(target: Target) -> Finding:
    split = urlsplit(target.endpoint if "://" in target.endpoint else f"https://{target.endpoint}")
    host, port = split.hostname or "", split.port or 443
    with socket.create_connection((host, port), _SECONDS) as plain:
        if split.scheme == "https":
            context = ssl.create_default_context()
            context.set_alpn_protocols(["h2"])
            with context.wrap_socket(plain, server_hostname=host) as secure:
                speaks = secure.selected_alpn_protocol() == "h2"
        else:
            plain.sendall(_HELLO)
            answer = plain.recv(9)
            speaks = len(answer) > 3 and answer[3] == _SETTINGS  # noqa: PLR2004 - the frame's type
    if speaks:
        return Finding("ok", "OTLP", f"{target.shown} answers and speaks HTTP/2, as gRPC needs.")
    text = f"{target.shown} answers, but does not speak HTTP/2, so it takes no gRPC (the distribution's default)."
    do = "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf   (and look at the endpoint's path)"
    return Finding("error", "OTLP", text, do)


def _headers(environment: Mapping[str, str]) -> dict[str, str]:
    given = value(environment, "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")
    pairs = (pair.partition("=") for pair in given.split(",") if "=" in pair)
    return {unquote(name.strip()): unquote(value.strip()) for name, _, value in pairs}
