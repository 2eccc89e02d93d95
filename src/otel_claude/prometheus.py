"""Prometheus: asks a server of its query API at one moment. Knows HTTP, and no metric of ours.

Works with what speaks the same API (Mimir, VictoriaMetrics). What a server answers is not trusted.
"""

from __future__ import annotations

import json
import math
import re
import time
from datetime import timedelta
from decimal import Decimal
from http.client import HTTPException
from ssl import SSLCertVerificationError
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request

from . import redact
from .api.json import Json, as_list, as_object
from .promql.queries import Store
from .requesting import DIRECT, Connection, send

_TIMEOUT: Final = 120.0
_MAX_BYTES: Final = 1 << 26
"""Of an answer. What we ask for has a row for each key, model and token type."""
_PIECE: Final = 1 << 16
_MAX_VALUE: Final = 1e18
"""Nothing that we ask for is larger: not tokens, dollars, nor seconds since the epoch."""
_MAX_RETENTION: Final = 10**12
_WHERE: Final = (
    "Give --prometheus the address under which /api/v1/query answers, with its path, as https://mimir/prometheus"
)
_WHO: Final = "Give --bearer-token-file, --username with --password-file, or --header @FILE; a tenant with --header"
_UNITS: Final = {"y": 365 * 86_400, "w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}


class IncompleteDataError(Exception):
    """Nothing can be said about the window. The text is one line for the user."""


class Prometheus:
    """One server."""

    def __init__(self, address: str, connection: Connection = DIRECT) -> None:
        self._connection = connection
        if "@" in address:
            raise IncompleteDataError(
                "--prometheus has a user or a password in it, which every user of this machine can read: give "
                "--username and --password-file, or --bearer-token-file"
            )
        if "?" in address or "#" in address:
            raise IncompleteDataError(
                "--prometheus has a query in it (?...), which is not sent. A token belongs in --bearer-token-file or "
                "--header @FILE"
            )
        try:
            parts = urlsplit(address)
            parts.port  # noqa: B018 - raises where it is no port, and quotes it
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in {"http", "https"} or not parts.hostname or redact.clean(address) != address:
            raise IncompleteDataError("--prometheus is no address. Write it as http://prometheus:9090")
        self.address: str = address.rstrip("/")

    def query(self, expression: str, at: float) -> list[tuple[dict[str, str], Decimal]]:
        """The labels and values of an expression's series at a moment, in seconds since the epoch."""
        rows = self._rows("query", {"query": expression, "time": f"{at:.3f}"})
        return [(self._labels(row), self._sample(row.get("value"))[1]) for row in rows]

    def query_range(
        self, expression: str, start: float, end: float, step: timedelta
    ) -> list[tuple[dict[str, str], list[tuple[float, Decimal]]]]:
        """The labels of an expression's series, and their values from one moment to another, each with its moment."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step.total_seconds():.0f}s"}
        # VictoriaMetrics moves the moments to multiples of the step, unless it is told not to.
        rows = self._rows("query_range", {"query": expression, **times, "nocache": "1"})
        found = [(self._labels(row), [self._sample(each) for each in as_list(row.get("values")) or ()]) for row in rows]
        around = step.total_seconds() / 2
        if not all(start - around < at < end + around for _, samples in found for at, _ in samples):
            raise self._not_the_api()
        return found

    def _rows(self, path: str, parameters: dict[str, str]) -> list[Json]:
        answer = self._get(path, parameters)
        # Thanos, Mimir and Prometheus' remote read warn of what is missing; VictoriaMetrics' cluster has a field.
        warning = answer.get("warnings") or (answer.get("isPartial") and "the answer is partial")
        if warning:
            first = (as_list(warning) or [warning])[0]
            raise IncompleteDataError(
                f"Prometheus at {redact.url(self.address)} warns: {self._said(str(first))}. A part is no answer: ask "
                "again when all of it answers"
            )
        rows = as_list(as_object(answer.get("data")).get("result"))
        if rows is None:
            raise self._not_the_api()
        return [as_object(row) for row in rows]

    def _labels(self, row: Json) -> dict[str, str]:
        labels = row.get("metric")
        if as_object(labels) is not labels:
            raise self._not_the_api()
        return {str(name): redact.name(str(text)) for name, text in as_object(labels).items()}

    def _sample(self, pair: object) -> tuple[float, Decimal]:
        both = as_list(pair) or []
        try:
            moment, value = float(str(both[0])), float(str(both[1]))
        except (ValueError, IndexError):
            raise self._not_the_api() from None
        if not math.isfinite(moment) or not abs(value) < _MAX_VALUE:
            raise self._not_the_api()
        # A sample is a double: nothing else that its text may hold is a number.
        return moment, Decimal(repr(value))

    def store(self) -> Store:
        """What it says that it is. What answers otherwise is taken for Prometheus, as Thanos and Cortex are used."""
        build = self._about_itself("buildinfo")
        if "Mimir" in str(build.get("application")):
            return "mimir"
        # VictoriaMetrics 1.145 says which Prometheus it looks like to Grafana (2.24.0), and nothing else.
        return "victoria-metrics" if list(build) == ["version"] else "prometheus"

    def retention(self) -> timedelta | None:
        """For how long it keeps samples, if it says so. Only Prometheus itself does."""
        text = str(self._about_itself("runtimeinfo").get("storageRetention", ""))
        found = re.findall(r"(\d{1,6})([ywdhms])(?![a-zA-Z])", text.partition(" or ")[0])
        seconds = sum(int(count) * _UNITS[unit] for count, unit in found)
        return timedelta(seconds=min(seconds, _MAX_RETENTION)) if found else None

    def _about_itself(self, path: str) -> Json:
        try:
            return as_object(self._get(f"status/{path}", {}).get("data"))
        except IncompleteDataError:
            return {}

    def _get(self, path: str, parameters: dict[str, str]) -> Json:
        body = urlencode(parameters, errors="replace").encode() if parameters else None
        request = Request(f"{self.address}/api/v1/{path}", body, dict(self._connection.headers))  # noqa: S310 - the scheme was checked
        shown = redact.url(self.address)
        try:
            with send(request, _TIMEOUT, self._connection.tls) as response:
                content = _read(response, _MAX_BYTES)
        except HTTPError as error:
            with error:
                raise IncompleteDataError(f"Prometheus at {shown} {self._refusal(error)}") from None
        except (OSError, HTTPException, ValueError) as error:
            is_unknown = isinstance(getattr(error, "reason", error), SSLCertVerificationError)
            what = "Give the authority of a private one as --ca-file" if is_unknown else "See that it runs there"
            raise IncompleteDataError(
                f"Prometheus at {shown} does not answer: {redact.reason(error)}. {what}"
            ) from None
        if len(content) > _MAX_BYTES:
            raise IncompleteDataError(f"Prometheus at {shown} answers with more than {_MAX_BYTES >> 20} MiB")
        try:
            found = as_object(json.loads(content))
        except (ValueError, RecursionError):
            raise IncompleteDataError(f"Prometheus at {shown} does not answer in JSON. {_WHERE}") from None
        if found.get("status") != "success":
            raise self._not_the_api()
        return found

    def _not_the_api(self) -> IncompleteDataError:
        return IncompleteDataError(
            f"{redact.url(self.address)} is no Prometheus: its answer is not one of the query API. {_WHERE}"
        )

    def _refusal(self, error: HTTPError) -> str:
        if 300 <= error.code < 400:  # noqa: PLR2004 - HTTP's own numbers
            where = self._said(redact.url(error.headers.get("location") or "somewhere"))
            return f"leads to {where} ({error.code}). Give that address if you trust it: no redirect is followed"
        # The server's own words, which may repeat what it was sent.
        try:
            said = _read(error, 2000).decode(errors="replace")
        except (OSError, HTTPException, ValueError):
            said = ""
        try:
            reason = self._said(str(json.loads(said)["error"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            reason = self._said(said.strip() or str(error.reason))[:100]
        what = {401: f". {_WHO}", 403: f". {_WHO}", 404: f". {_WHERE}"}.get(error.code, "")
        return f"refuses the query ({error.code}): {reason}{what}"

    def _said(self, words: str) -> str:
        """Words of the server's, which may repeat what it was sent."""
        return " ".join(redact.text(words, *self._connection.secrets).split())[:300]


def _read(response: Any, most: int) -> bytes:
    """The body, and little more than `most` bytes of it. A server that sends a byte now and then is not waited for."""
    content, until = bytearray(), time.monotonic() + _TIMEOUT
    while len(content) <= most and (piece := response.read1(_PIECE)):
        content += piece
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(content)
