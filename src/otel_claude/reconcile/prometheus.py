"""Prometheus: asks a server of its query API at one moment. Knows HTTP, and no metric of ours.

Works with what speaks the same API (Mimir, VictoriaMetrics). A name and password may be in the address.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, cast

_TIMEOUT: Final = 120.0
_UNITS: Final = {"y": 365 * 86_400, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


class CannotTellError(Exception):
    """Nothing can be said about the window. The text is one line for the user."""


class Sample(NamedTuple):
    """One series' value at the moment."""

    labels: dict[str, str]
    value: Decimal


class Prometheus:
    """One server."""

    def __init__(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CannotTellError(f"--prometheus {address!r} is no address. Write it as http://prometheus:9090")
        where = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
        where = where if parts.port is None else f"{where}:{parts.port}"
        self.address: str = urllib.parse.urlunsplit((parts.scheme, where, parts.path.rstrip("/"), "", ""))
        self._headers: dict[str, str] = {}
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()

    def query(self, expression: str, at: float) -> list[Sample]:
        """The series of an expression at a moment, in seconds since the epoch."""
        data = self._get("query", {"query": expression, "time": f"{at:.3f}"})
        return [Sample(dict(row["metric"]), Decimal(row["value"][1])) for row in data["result"]]

    def retention(self) -> timedelta | None:
        """For how long it keeps samples, if it says so. Only Prometheus itself does."""
        try:
            text = str(self._get("status/runtimeinfo", {}).get("storageRetention", ""))
        except CannotTellError:
            return None
        found = re.findall(r"(\d+)([ywdhms])(?![a-zA-Z])", text.partition(" or ")[0])
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in found)) if found else None

    def _get(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        url = f"{self.address}/api/v1/{path}"
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        request = urllib.request.Request(url, body, self._headers)  # noqa: S310 - the scheme was checked
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - as above
                found: Any = json.load(answer)
        except urllib.error.HTTPError as error:
            raise CannotTellError(
                f"Prometheus at {self.address} refuses the query ({error.code}): {_said(error)}"
            ) from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise CannotTellError(f"Prometheus at {self.address} does not answer: {reason}") from error
        if not isinstance(found, dict) or cast("dict[str, Any]", found).get("status") != "success":
            raise CannotTellError(f"{self.address} is no Prometheus: its answer is not one of the query API")
        return cast("dict[str, Any]", found["data"])


def _said(error: urllib.error.HTTPError) -> str:
    text = error.read(2000).decode(errors="replace")
    try:
        return str(json.loads(text)["error"])[:300]
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())[:100] or str(error.reason)
