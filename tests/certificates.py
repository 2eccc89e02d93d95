"""Certificates: an authority of a test's own, and what it signs, as files."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import datetime, timedelta, timezone
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key, passphrase=None):
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def with_keys(builder, key, issuer_key, *, ca):
    """Whose key a certificate is, whose signs it, and what it may be used for: Python 3.13 accepts none without."""
    used = dict.fromkeys(("key_cert_sign", "crl_sign"), ca)
    unused = (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return (
        builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **used, **dict.fromkeys(unused, False)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


class Authority:
    """Signs certificates of loopback's servers and of their clients."""

    def __init__(self):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("a test's authority")
        self.certificate = self._signed(self.name, self._key, ca=True)

    def _signed(self, name, key, *extensions, ca=False):
        now = datetime.now(timezone.utc)
        built = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        )  # fmt: skip
        for extension in extensions:
            built = built.add_extension(extension, critical=False)
        return with_keys(built, key, self._key, ca=ca).sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def write(self, folder, passphrase=None):
        """A file of the authority, and of a certificate that it signed and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        files = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        contents = self.certificate, self._signed(_name("loopback"), key, loopback), _pem(key, passphrase)
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content)
        return files


@cache
def authority():
    """One for all tests of a process: making keys takes time."""
    return Authority()


def over_tls(listening, folder, *, clients=False):
    """Has a server of `listening` speak TLS, and with `clients` only to those that have a certificate."""
    ca, cert, key = authority().write(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
    listening.server.socket = context.wrap_socket(listening.server.socket, server_side=True)
    listening.url = listening.url.replace("http:", "https:")
    return ca
