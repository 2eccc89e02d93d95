"""`otel-claude doctor` and the OTLP endpoint: nothing about set-ups that work, one sentence for each broken.

Each runs for real: the exporter against a server that does what is wrong.
"""

import json
import os
import time
from functools import partial

import grpc
import pytest
from receivers import HOST, Certificates, by_grpc, http, nobody, silent

from otel_claude.cli.doctor import connection, port

GRPC, HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
INSECURE = {"OTEL_EXPORTER_OTLP_INSECURE": "true"}
CA = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "{ca.pem}"}
CLIENT = {
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "{client.pem}",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "{client.key}",
}
FOR_METRICS = {
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": "{ca.pem}",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE": "{client.pem}",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY": "{client.key}",
}
MTLS = {"who": "server", "client": "ca"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def wrong(otel_claude, monkeypatch, certificates):
    """What is wrong with exporting, as the command says it: levels are left out."""
    for name in list(os.environ):
        # What this machine has.
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "ROOTS_FILE_PATH")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "checkout")

    def wrong(endpoint, *settings, variable="OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.setenv(variable, endpoint)
        for name, value in {name: value for setting in settings for name, value in setting.items()}.items():
            monkeypatch.setenv(name, certificates.file(value.strip("{}")) if value.startswith("{") else value)
        _, out, err = otel_claude("doctor", "--json")
        assert err == ""
        found = [row for row in json.loads(out)["findings"] if row["level"] in ("warning", "error")]
        return [(row["text"], row["do"]) for row in found if row["subject"] != "Prices"]

    return wrong


HEALTHY = {
    "grpc": (by_grpc, "http://", GRPC, {}),
    "grpc, the distribution's default": (by_grpc, "http://", {}, {}),
    "grpc, insecure": (by_grpc, "", GRPC, INSECURE),
    "grpc, insecure for metrics": (by_grpc, "", GRPC, {"OTEL_EXPORTER_OTLP_METRICS_INSECURE": "true"}),
    "grpc, TLS": (partial(by_grpc, who="server"), "https://", GRPC, CA),
    "grpc, TLS without a scheme": (partial(by_grpc, who="server"), "", GRPC, CA),
    "grpc, http but not insecure": (
        partial(by_grpc, who="server"), "http://", GRPC, {**CA, "OTEL_EXPORTER_OTLP_INSECURE": "false"}
    ),
    "grpc, client certificate": (partial(by_grpc, **MTLS), "https://", GRPC, {**CA, **CLIENT}),
    "grpc, client certificate for metrics": (partial(by_grpc, **MTLS), "https://", GRPC, FOR_METRICS),
    "grpc, compressed": (by_grpc, "http://", GRPC, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
    "grpc, by its exporter's name": (by_grpc, "http://", HTTP, {"OTEL_METRICS_EXPORTER": "otlp_proto_grpc"}),
    "http": (http, "http://", HTTP, {}),
    "http, TLS": (partial(http, who="server"), "https://", HTTP, CA),
    "http, TLS for metrics": (
        partial(http, who="server"), "https://", HTTP, {"OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE": "{ca.pem}"}
    ),
    "http, client certificate": (partial(http, **MTLS), "https://", HTTP, {**CA, **CLIENT}),
    "http, client certificate for metrics": (partial(http, **MTLS), "https://", HTTP, FOR_METRICS),
    "http, compressed": (http, "http://", HTTP, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
    "http, by its exporter's name": (http, "http://", GRPC, {"OTEL_METRICS_EXPORTER": "otlp_proto_http"}),
    "http, CA of the environment": (partial(http, who="server"), "https://", HTTP, {"REQUESTS_CA_BUNDLE": "{ca.pem}"}),
    "http, with credentials": (
        http, "http://", HTTP, {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc,x-tenant=a b"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_set_up_says_nothing(wrong, certificates, name):
    serve, scheme, protocol, settings = HEALTHY[name]
    with serve(certificates) as server:
        assert wrong(f"{scheme}{HOST}:{server.server_port}", protocol, settings) == []


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
WITH_TLS = ("{shown} is used with TLS, and has none.", f"export {ENDPOINT}=http://{{address}}")
WITHOUT_TLS = ("{shown} takes TLS alone, and is used without.", f"export {ENDPOINT}=https://{{address}}")
NOT_ACCEPTED = "{shown} has a certificate that is not accepted: "
UNKNOWN_CA = (
    f"{NOT_ACCEPTED}unable to get local issuer certificate.",
    f"export OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem   (the CA of the certificate of {HOST})",
)
OTHER_CA = (UNKNOWN_CA[0], f"Have OTEL_EXPORTER_OTLP_CERTIFICATE name the CA of the certificate of {HOST}.")
EXPIRED = (f"{NOT_ACCEPTED}certificate has expired.", f"Renew the certificate of {HOST}.")
NO_CLIENT = "{shown} wants a client certificate, and gets none that it accepts."
CLIENT_TOO = "export OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem OTEL_EXPORTER_OTLP_CLIENT_KEY=client.key"
USE_NAME = f"Use a host name that is in the certificate, in {ENDPOINT}."
CREDENTIALS = "Set OTEL_EXPORTER_OTLP_HEADERS, such as OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20..."
MAY_WRITE = "Set OTEL_EXPORTER_OTLP_HEADERS to credentials that may write metrics."
CHECK_PATH = (
    "Check the path, and that a Collector has a pipeline of metrics. Prometheus: start it with "
    "--web.enable-otlp-receiver, and export to /api/v1/otlp/v1/metrics."
)
REFUSES = "The exporter refuses its settings, so nothing is exported"
STRANGER = {"OTEL_EXPORTER_OTLP_CERTIFICATE": "{stranger.pem}"}
BROKEN = {
    "grpc, TLS to a plain port": (by_grpc, "https://", GRPC, {}, *WITH_TLS),
    "grpc, no scheme to a plain port": (by_grpc, "", GRPC, {}, *WITH_TLS),
    "grpc, http but not insecure, to a plain port": (
        by_grpc, "http://", GRPC, {"OTEL_EXPORTER_OTLP_INSECURE": "false"}, WITH_TLS[0],
        "unset OTEL_EXPORTER_OTLP_INSECURE",
    ),
    "grpc, plain to a TLS port": (partial(by_grpc, who="server"), "http://", GRPC, {}, *WITHOUT_TLS),
    "grpc, unknown CA": (partial(by_grpc, who="server"), "https://", GRPC, {}, *UNKNOWN_CA),
    "grpc, another CA": (partial(by_grpc, who="server"), "https://", GRPC, STRANGER, *OTHER_CA),
    "grpc, expired": (partial(by_grpc, who="expired"), "https://", GRPC, CA, *EXPIRED),
    "grpc, another host's": (
        partial(by_grpc, who="elsewhere"), "https://", GRPC, CA, f"{NOT_ACCEPTED}it is for another host name.",
        USE_NAME,
    ),
    "grpc, no client certificate": (partial(by_grpc, **MTLS), "https://", GRPC, CA, NO_CLIENT, CLIENT_TOO),
    "grpc, where HTTP is spoken": (
        http, "http://", GRPC, {},
        "{shown} does not speak HTTP/2, so it takes no gRPC (the distribution's default).",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ),
    "grpc, where HTTP is spoken by TLS": (
        partial(http, who="server"), "https://", GRPC, CA,
        "{shown} does not speak HTTP/2, so it takes no gRPC (the distribution's default).",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ),
    "grpc, no metrics": (
        partial(by_grpc, metrics=False), "http://", GRPC, {},
        "{shown} answered an empty export request with UNIMPLEMENTED.",
        "It takes no metrics. A Collector: add the otlp receiver to a pipeline of metrics.",
    ),
    "grpc, not known": (
        partial(by_grpc, code=grpc.StatusCode.UNAUTHENTICATED), "http://", GRPC, {},
        "{shown} answered an empty export request with UNAUTHENTICATED.", CREDENTIALS,
    ),
    "grpc, not allowed": (
        partial(by_grpc, code=grpc.StatusCode.PERMISSION_DENIED), "http://", GRPC, {},
        "{shown} answered an empty export request with PERMISSION_DENIED.", MAY_WRITE,
    ),
    "grpc, nobody": (
        nobody, "http://", GRPC, {}, "{shown} does not answer: Connection refused.",
        f"Start it, or correct {ENDPOINT}.",
    ),
    "grpc, silence": (
        silent, "http://", GRPC, {}, "{shown} does not answer: it timed out.", f"Start it, or correct {ENDPOINT}."
    ),
    "grpc, a compression that it does not have": (
        by_grpc, "http://", GRPC, {"OTEL_EXPORTER_OTLP_COMPRESSION": "none"},
        f"{REFUSES} (InvalidCompressionValueException).", "Correct or unset OTEL_EXPORTER_OTLP_COMPRESSION.",
    ),
    "grpc, a timeout in words": (
        by_grpc, "http://", GRPC, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, f"{REFUSES} (ValueError).",
        "Correct or unset OTEL_EXPORTER_OTLP_TIMEOUT.",
    ),
    "http, TLS to a plain port": (http, "https://", HTTP, {}, *WITH_TLS),
    "http, plain to a TLS port": (partial(http, who="server"), "http://", HTTP, {}, *WITHOUT_TLS),
    "http, unknown CA": (partial(http, who="server"), "https://", HTTP, {}, *UNKNOWN_CA),
    "http, another CA": (partial(http, who="server"), "https://", HTTP, STRANGER, *OTHER_CA),
    "http, another CA, of the environment": (
        partial(http, who="server"), "https://", HTTP, {**CA, "REQUESTS_CA_BUNDLE": "{stranger.pem}"}, UNKNOWN_CA[0],
        "unset REQUESTS_CA_BUNDLE   (the exporter takes it in place of OTEL_EXPORTER_OTLP_CERTIFICATE)",
    ),
    "http, expired": (partial(http, who="expired"), "https://", HTTP, CA, *EXPIRED),
    "http, another host's": (
        partial(http, who="elsewhere"), "https://", HTTP, CA,
        f"{NOT_ACCEPTED}IP address mismatch, certificate is not valid for '{HOST}'.", USE_NAME,
    ),
    "http, no client certificate": (partial(http, **MTLS), "https://", HTTP, CA, NO_CLIENT, CLIENT_TOO),
    "http, where gRPC is spoken": (
        by_grpc, "http://", HTTP, {}, "{shown} speaks HTTP/2 alone, as gRPC does, and is exported to by HTTP/1.1.",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL=grpc {ENDPOINT}=http://{{address}}",
    ),
    "http, where gRPC is spoken by TLS": (
        partial(by_grpc, who="server"), "https://", HTTP, CA,
        "{shown} speaks HTTP/2 alone, as gRPC does, and is exported to by HTTP/1.1.",
        f"export OTEL_EXPORTER_OTLP_PROTOCOL=grpc {ENDPOINT}=https://{{address}}",
    ),
    "http, nobody": (
        nobody, "http://", HTTP, {}, "{shown} does not answer: Connection refused.",
        f"Start it, or correct {ENDPOINT}.",
    ),
    "http, silence": (
        silent, "http://", HTTP, {}, "{shown} does not answer: it timed out.", f"Start it, or correct {ENDPOINT}."
    ),
    "http, a proxy that is not there": (
        http, "http://", HTTP, {"HTTP_PROXY": "http://127.0.0.1:9"},
        "{shown} cannot be reached: the proxy does not let it through: Connection refused.",
        f"Correct the proxy's variable, or export NO_PROXY={HOST}",
    ),
    "http, no scheme": (
        http, "", HTTP, {}, "{shown} is no http:// or https:// address.", f"export {ENDPOINT}=http://{{address}}"
    ),
    "http, 400": (
        partial(http, status=400), "http://", HTTP, {}, "{shown} does not take an export request: 400.",
        "Look at the receiver's log.",
    ),
    **{
        f"http, {status}": (
            partial(http, status=status), "http://", HTTP, {},
            f"{{shown}} answered an empty export request with {status}.", do,
        )
        for status, do in (
            (302, "Set the address that it redirects to: with a redirect, what is exported is lost."),
            (401, CREDENTIALS),
            (403, MAY_WRITE),
            (404, CHECK_PATH),
            (500, "Look at the receiver's log."),
            (503, "Look at the receiver's log."),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_set_up_says_one_sentence(wrong, certificates, monkeypatch, name):
    for module in (connection, port):
        monkeypatch.setattr(module, "_SECONDS", 1.0)
    serve, scheme, protocol, settings, text, do = BROKEN[name]
    with serve(certificates) as server:
        address = f"{HOST}:{server.server_port}"
        began = time.monotonic()
        found = wrong(f"{scheme}{address}", protocol, settings)
    path = "" if "grpc" in name.partition(",")[0] else "/v1/metrics"
    shown = f"{scheme}{address}{path}"
    assert found == [(text.format(shown=shown), do.format(address=address))]
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        ("http://c:port", "http://*** has a port that is no number up to 65535."),
        ("http://c:99999", "http://*** has a port that is no number up to 65535."),
        ("unix:///no/such/socket", "unix:///no/such/socket does not answer: the connection was lost."),
        ("http://nowhere.invalid:4317", "http://nowhere.invalid:4317 does not answer: its name is not known."),
    ],
)
def test_an_address_that_is_none(wrong, endpoint, text):
    ((said, do),) = wrong(endpoint, GRPC)
    assert said == text
    assert f"orrect {ENDPOINT}." in do


def test_a_client_certificate_by_grpc_needs_a_ca_too(wrong, certificates, monkeypatch):
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", certificates.file("ca.pem"))
    with by_grpc(certificates, **MTLS) as server:
        ((_, do),) = wrong(f"https://{HOST}:{server.server_port}", GRPC, CLIENT)
    assert do in (
        # What gRPC accepts by itself is what was there when it was loaded.
        f"{CLIENT_TOO} OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem   (by gRPC, the three together)", UNKNOWN_CA[1],
    )  # fmt: skip


def test_the_request_is_the_exporters_and_has_no_data(wrong, certificates):
    sent = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc,x-tenant=a"}
    with http(certificates) as server:
        assert wrong(f"http://{HOST}:{server.server_port}", HTTP, sent) == []
        ((path, body, headers),) = server.received
    assert (path, body) == ("/v1/metrics", b"")
    assert (headers["authorization"], headers["x-tenant"]) == ("Basic abc", "a")
    assert headers["user-agent"].startswith("OTel-OTLP-Exporter-Python/")
    with by_grpc(certificates) as server:
        assert wrong(f"http://{HOST}:{server.server_port}", GRPC, sent) == []
        ((body, headers),) = server.service.received
    assert (body, headers["authorization"], headers["x-tenant"]) == (b"", "Basic abc", "a")


def test_a_password_is_not_shown(otel_claude, monkeypatch, certificates):
    with http(certificates, status=500) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"http://u:S3cret99@{HOST}:{server.server_port}/x")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        _, out, err = otel_claude("doctor")
    assert "answered an empty export request with 500" in out
    assert "S3cret99" not in out + err


def test_it_connects_unless_told_not_to(otel_claude, monkeypatch, certificates):
    with http(certificates) as server:
        monkeypatch.setenv("OTEL_SERVICE_NAME", "checkout")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"http://{HOST}:{server.server_port}/v1/metrics")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        assert "OTLP" not in otel_claude("doctor", "--offline")[1]
        assert server.received == []
        assert "took an empty export request by HTTP." in otel_claude("doctor")[1]
        assert len(server.received) == 1
