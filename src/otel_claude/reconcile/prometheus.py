"""Prometheus: asks a server of its query API at one moment. Knows HTTP, and no metric of ours.

Works with what speaks the same API (Mimir, VictoriaMetrics). A name and password may be in the address.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, cast

from .. import redact
from ..requesting import send

_TIMEOUT: Final = 120.0
_UNITS: Final = {"y": 365 * 86_400, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


class IncompleteDataError(Exception):
    """Nothing can be said about the window. The text is one line for the user."""


class Sample(NamedTuple):
    """One series' value at the moment."""

    labels: dict[str, str]
    value: Decimal


class Prometheus:
    """One server."""

    def __init__(self, address: str) -> None:
        self._secrets = tuple(redact.secrets_of_url(address))
        try:
            parts = urllib.parse.urlsplit(address)
            port = parts.port
        except ValueError:
            # Its message quotes what seems to be a port, and is a part of a password with a slash in it.
            raise _no_address() from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _no_address()
        where = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
        where = where if port is None else f"{where}:{port}"
        self.address: str = urllib.parse.urlunsplit((parts.scheme, where, parts.path.rstrip("/"), "", ""))
        self._headers: dict[str, str] = {}
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair.encode(errors="replace")).decode()

    def query(self, expression: str, at: float) -> list[Sample]:
        """The series of an expression at a moment, in seconds since the epoch."""
        data = self._get("query", {"query": expression, "time": f"{at:.3f}"})
        return [
            Sample({name: redact.clean(value) for name, value in row["metric"].items()}, Decimal(row["value"][1]))
            for row in data["result"]
        ]

    def retention(self) -> timedelta | None:
        """For how long it keeps samples, if it says so. Only Prometheus itself does."""
        try:
            text = str(self._get("status/runtimeinfo", {}).get("storageRetention", ""))
        except IncompleteDataError:
            return None
        found = re.findall(r"(\d+)([ywdhms])(?![a-zA-Z])", text.partition(" or ")[0])
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in found)) if found else None

    def _get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        url = f"{self.address}/api/v1/{path}"
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        request = urllib.request.Request(url, body, self._headers)  # noqa: S310 - the scheme was checked
        shown = redact.url(self.address)
        try:
            with send(request, _TIMEOUT) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise IncompleteDataError(f"Prometheus at {shown} {self._refusal(error)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise IncompleteDataError(f"Prometheus at {shown} does not answer: {redact.reason(error)}") from None
        try:
            found: Any = json.loads(content)
        except (ValueError, RecursionError):
            raise IncompleteDataError(f"Prometheus at {shown} does not answer in JSON") from None
        if not isinstance(found, dict) or cast("dict[str, Any]", found).get("status") != "success":
            raise IncompleteDataError(f"{shown} is no Prometheus: its answer is not one of the query API")
        return cast("dict[str, Any]", found["data"])

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        if 300 <= error.code < 400:  # noqa: PLR2004 - HTTP's own numbers
            where = redact.text(redact.url(error.headers.get("location") or "somewhere"), *self._secrets)
            return f"leads to {where} ({error.code}). Give that address if you trust it: no redirect is followed"
        return f"refuses the query ({error.code}): {self._said(error)}"

    def _said(self, error: urllib.error.HTTPError) -> str:
        """The server's own words. It may repeat what it was sent."""
        try:
            said = error.read(2000).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            said = ""
        try:
            return redact.text(str(json.loads(said)["error"]), *self._secrets)[:300]
        except (ValueError, KeyError, TypeError, RecursionError):
            shown = redact.text(" ".join(said.split()), *self._secrets)[:100]
            return shown or redact.text(str(error.reason), *self._secrets)[:100]


def _no_address() -> IncompleteDataError:
    return IncompleteDataError("--prometheus is no address. Write it as http://prometheus:9090")
