"""The port: what it speaks, whoever is there. Nothing is sent but greetings, and no certificate is looked at."""

from __future__ import annotations

import socket
import ssl
from typing import Final, NamedTuple

_SECONDS: Final = 3.0
_MOMENT: Final = 0.5
"""How long a server has to say that it wants a certificate."""
_HELLO: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""HTTP/2's preface, and empty settings."""
_SETTINGS: Final = 4


class Port(NamedTuple):
    """What a port speaks. `wants_certificate`: a server with TLS that gets none from us."""

    tls: bool
    http2: bool
    wants_certificate: bool = False


def look(host: str, port: int) -> Port:
    """What the port speaks.

    Raises:
        OSError: Nobody is there, or nobody answers.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection((host, port), _SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                return Port(True, secure.selected_alpn_protocol() == "h2", _wants_certificate(secure))
        except (ssl.SSLError, ConnectionError) as error:
            reason = str(getattr(error, "reason", ""))
            if "ALERT" in reason:
                return Port(True, http2=False, wants_certificate="CERTIFICATE" in reason or "HANDSHAKE" in reason)
    with socket.create_connection((host, port), _SECONDS) as plain:
        plain.sendall(_HELLO)
        answer = plain.recv(9)
    return Port(tls=False, http2=len(answer) > 3 and answer[3] == _SETTINGS)  # noqa: PLR2004 - the frame's type


def _wants_certificate(secure: ssl.SSLSocket) -> bool:
    """Whether it hangs up at once: under TLS 1.3 a client is done before the server has looked at its certificate."""
    secure.settimeout(_MOMENT)
    try:
        return not secure.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
