"""Requesting: HTTP requests of our commands. No redirect is followed, so a credential goes where it was sent alone.

Imports nothing of ours. Proxies are those of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Final, cast
from urllib.request import HTTPRedirectHandler, Request, build_opener

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


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


def can_be_sent(headers: Mapping[str, str]) -> bool:
    """Whether these can be headers: `http.client` quotes those that cannot in its message."""
    return all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in headers.items())
