"""Requesting: HTTP requests of our commands. No redirect is followed, so a credential goes where it was sent alone.

Imports nothing of ours. Proxies are those of the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPResponse
from ssl import SSLContext
from types import MappingProxyType
from typing import Final, NamedTuple, cast
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener


class Connection(NamedTuple):
    """How one server is spoken to."""

    headers: Mapping[str, str] = MappingProxyType({})
    """What each request has with it, credentials among them."""
    tls: SSLContext | None = None
    """Which authorities are trusted, and as whom we come. None: the system's, and as nobody."""
    secrets: tuple[str, ...] = ()
    """What of the headers nobody may be shown."""


DIRECT: Final = Connection()
"""With nothing but the request."""


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


def send(request: Request, seconds: float, tls: SSLContext | None = None) -> HTTPResponse:
    """Sends a request to an address of http or https, and waits so long for each part of the answer.

    Raises:
        urllib.error.HTTPError: The answer is a redirect or an error.
        OSError, http.client.HTTPException, ValueError: There is no answer. Their messages may quote a header.
    """
    opener = build_opener(_NoRedirect, HTTPSHandler(context=tls))
    return cast("HTTPResponse", opener.open(request, timeout=seconds))
