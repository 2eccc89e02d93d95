"""Requesting: HTTP requests of our commands. No redirect is followed, so a credential goes where it was sent alone.

Imports nothing of ours. Proxies are those of the environment.
"""

from __future__ import annotations

from http.client import HTTPResponse
from typing import cast
from urllib.request import HTTPRedirectHandler, Request, build_opener


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


def send(request: Request, seconds: float) -> HTTPResponse:
    """Sends a request to an address of http or https, and waits so long for each part of the answer.

    Raises:
        urllib.error.HTTPError: The answer is a redirect or an error.
        OSError, http.client.HTTPException, ValueError: There is no answer. Their messages may quote a header.
    """
    return cast("HTTPResponse", build_opener(_NoRedirect).open(request, timeout=seconds))
