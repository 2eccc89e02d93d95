"""Receivers of OTLP, right and wrong ones, and certificates for them."""

import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as messages
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as services

from certificates import with_keys
from listening import Listening, Quiet

HOST = "127.0.0.1"


class Certificates:
    """A CA and what it signed, as files of a folder: NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = folder
        ca = self._make("ca")
        self._make("server", ca)
        self._make("client", ca)
        self._make("expired", ca, days=-1)
        self._make("elsewhere", ca, name=x509.DNSName("elsewhere.example"))
        self._make("stranger")

    def file(self, name):
        return str(self.folder / name)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def _make(self, who, signer=None, days=2, name=None):
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(timezone.utc)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)])
        issuer, issuer_key = signer or (subject, key)
        names = x509.SubjectAlternativeName([name or x509.IPAddress(ipaddress.ip_address(HOST))])
        built = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
            .add_extension(names, critical=False)
        )  # fmt: skip
        made = with_keys(built, key, issuer_key, ca=signer is None).sign(issuer_key, hashes.SHA256())
        plain = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
        (self.folder / f"{who}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{who}.key").write_bytes(key.private_bytes(*reversed(plain)))
        return subject, key


class Receiver(Quiet):
    """Answers with the server's status."""

    def do_POST(self):  # noqa: N802 - http.server's name
        self.server.received.append((self.path, self.posted(), dict(self.headers)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def http(certificates, who=None, client=None, status=200):
    """By HTTP/1.1: with a certificate by TLS, with `client` for those alone whom that CA signed."""
    listening = Listening(Receiver)
    listening.server.received, listening.server.status = [], status
    if who:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.file(f"{who}.pem"), certificates.file(f"{who}.key"))
        if client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(certificates.file(f"{client}.pem"))
        listening.server.socket = context.wrap_socket(listening.server.socket, server_side=True)
    with listening:
        yield listening.server


class Metrics(services.MetricsServiceServicer):
    def __init__(self, code):
        self.code, self.received = code, []

    def Export(self, request, context):  # noqa: N802 - gRPC's name
        self.received.append((request.SerializeToString(), dict(context.invocation_metadata())))
        if self.code:
            context.abort(self.code, "no")
        return messages.ExportMetricsServiceResponse()


@contextmanager
def by_grpc(certificates, who=None, client=None, code=None, metrics=True):
    """By gRPC: the same. Without `metrics` it has no service for them."""
    server = grpc.server(ThreadPoolExecutor(1))
    server.service = Metrics(code)
    if metrics:
        services.add_MetricsServiceServicer_to_server(server.service, server)
    if who:
        pair = certificates.read(f"{who}.key"), certificates.read(f"{who}.pem")
        root = client and certificates.read(f"{client}.pem")
        port = server.add_secure_port(f"{HOST}:0", grpc.ssl_server_credentials([pair], root, bool(client)))
    else:
        port = server.add_insecure_port(f"{HOST}:0")
    server.server_port = port
    server.start()
    yield server
    server.stop(None).wait()


class Address:
    def __init__(self, port):
        self.server_port = port


@contextmanager
def nobody(_):
    """A port that nobody listens on."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    yield Address(port)


@contextmanager
def silent(_):
    """Somebody who takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as server:
        yield Address(server.getsockname()[1])
