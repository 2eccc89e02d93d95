"""Prometheus: asks a server of its query API at one moment. Knows HTTP, and no metric of ours.

Works with what speaks the same API (Mimir, VictoriaMetrics). A name and password may be in the address.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from decimal import Decimal
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import Request

from .. import redact
from ..api.json import as_object
from ..promql.queries import Store
from ..requesting import send

_TIMEOUT: Final = 120.0
_UNITS: Final = {"y": 365 * 86_400, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


class IncompleteDataError(Exception):
    """Nothing can be said about the window. The text is one line for the user."""


class Prometheus:
    """One server."""

    def __init__(self, address: str) -> None:
        self._secrets = tuple(redact.secrets_of_url(address))
        wrong = IncompleteDataError("--prometheus is no address. Write it as http://prometheus:9090")
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            # Its message quotes what seems to be a port, and is a part of a password with a slash in it.
            raise wrong from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise wrong
        host = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
        where = host if port is None else f"{host}:{port}"
        self.address: str = parts._replace(netloc=where, path=parts.path.rstrip("/"), query="", fragment="").geturl()
        self._headers: dict[str, str] = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair.encode(errors="replace")).decode()

    def query(self, expression: str, at: float) -> list[tuple[dict[str, str], Decimal]]:
        """The labels and values of an expression's series at a moment, in seconds since the epoch."""
        data = self._get("query", {"query": expression, "time": f"{at:.3f}"})
        return [
            ({name: redact.clean(value) for name, value in row["metric"].items()}, Decimal(row["value"][1]))
            for row in data["result"]
        ]

    def store(self) -> Store:
        """What it says that it is. What answers otherwise is taken for Prometheus, as Thanos and Cortex are used."""
        try:
            build = self._get("status/buildinfo", {})
        except IncompleteDataError:
            return "prometheus"
        if "Mimir" in str(build.get("application")):
            return "mimir"
        # VictoriaMetrics 1.145 says which Prometheus it looks like to Grafana (2.24.0), and nothing else.
        return "victoria-metrics" if build.keys() == {"version"} else "prometheus"

    def retention(self) -> timedelta | None:
        """For how long it keeps samples, if it says so. Only Prometheus itself does."""
        try:
            text = str(self._get("status/runtimeinfo", {}).get("storageRetention", ""))
        except IncompleteDataError:
            return None
        found = re.findall(r"(\d+)([ywdhms])(?![a-zA-Z])", text.partition(" or ")[0])
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in found)) if found else None

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        body = urlencode(parameters).encode() if parameters else None
        request = Request(f"{self.address}/api/v1/{path}", body, self._headers)  # noqa: S310 - the scheme was checked
        shown = redact.url(self.address)
        try:
            with send(request, _TIMEOUT) as response:
                content = response.read()
        except HTTPError as error:
            with error:
                raise IncompleteDataError(f"Prometheus at {shown} {self._refusal(error)}") from None
        except (OSError, HTTPException, ValueError) as error:
            raise IncompleteDataError(f"Prometheus at {shown} does not answer: {redact.reason(error)}") from None
        try:
            found = as_object(json.loads(content))
        except (ValueError, RecursionError):
            raise IncompleteDataError(f"Prometheus at {shown} does not answer in JSON") from None
        if found.get("status") != "success":
            raise IncompleteDataError(f"{shown} is no Prometheus: its answer is not one of the query API")
        return found["data"]

    def _refusal(self, error: HTTPError) -> str:
        if 300 <= error.code < 400:  # noqa: PLR2004 - HTTP's own numbers
            where = redact.text(redact.url(error.headers.get("location") or "somewhere"), *self._secrets)
            return f"leads to {where} ({error.code}). Give that address if you trust it: no redirect is followed"
        # The server's own words, which may repeat what it was sent.
        try:
            said = error.read(2000).decode(errors="replace")
        except (OSError, HTTPException):
            said = ""
        try:
            reason = redact.text(str(json.loads(said)["error"]), *self._secrets)[:300]
        except (ValueError, KeyError, TypeError, RecursionError):
            words = " ".join(said.split()) or str(error.reason)
            reason = redact.text(words, *self._secrets)[:100]
        return f"refuses the query ({error.code}): {reason}"
