"""Head: what an answer's headers say: who was served, and each rate limit, of whatever family and name.

Source: Anthropic's rate-limit page (August 2026); the `unified` headers of subscriptions are undocumented. Read once
for every attempt, so header names are looked up and not parsed again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, Final, NamedTuple

from .json import text

_LIMIT: Final = re.compile(
    rb"anthropic-(ratelimit|priority|fast)-([a-z0-9-]{1,60})-(limit|remaining|reset|utilization)", re.IGNORECASE
)
_FIELDS: Final = ("limit", "remaining", "utilization", "reset")
"""Those of a `Limit`, in its order."""
_IDENTITY: Final = {"request-id": 0, "anthropic-organization-id": 1, "anthropic-workspace-id": 2}
_ID: Final = ""
"""No limit has this name."""
_MOST_LIMITS: Final = 32
"""Limits read of one answer. The API sends at most a dozen."""
_MOST_LIMIT_NAMES: Final = 100
"""Names of limits that are known in the process: they become labels, and names of span attributes."""
_MOST_NAMES: Final = 512
"""Header names remembered in the process: they come from outside."""
_LONGEST_NAME: Final = 100
"""Bytes of a header's name that is remembered. Those that tell something are shorter."""
_LONGEST_VALUE: Final = 64
"""Bytes of a limit's value. Numbers and times are shorter, and times are remembered."""
_MOST_DIGITS: Final = 18
"""What OTLP's 64-bit integers hold."""


class Limit(NamedTuple):
    """One rate limit. `reset` is when it is full again, in seconds since the epoch; `utilization` is 0 to 1."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    utilization: float | None = None
    reset: float | None = None


class Head(NamedTuple):
    """The limits and the ids in an answer's headers. Every header is optional off the first-party API."""

    limits: tuple[Limit, ...] = ()
    request_id: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None


def head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The `Head` of raw header pairs. What is no number, or no time, is left out."""
    ids: list[str | None] = [None, None, None]
    found: dict[str, list[Any]] = {}
    for key, raw in headers:
        place = _places.get(key, _UNSEEN)
        if place is None:
            continue
        if place is _UNSEEN and (place := _place(key)) is None:
            continue
        name, field = place
        if name == _ID:
            ids[field] = text(raw.decode("latin-1"))
        elif len(raw) <= _LONGEST_VALUE and (value := _READ[field](raw)) is not None:
            values = found.get(name)
            if values is None:
                if len(found) >= _MOST_LIMITS:
                    continue
                values = found[name] = [None, None, None, None]
            values[field] = value
    return Head(tuple([_limit(name, *values) for name, values in found.items()]), *ids)


def _limit(
    name: str, limit: int | None, remaining: int | None, utilization: float | None, reset: float | None
) -> Limit:
    if utilization is None and limit and remaining is not None:
        utilization = min(1.0, max(0.0, 1 - remaining / limit))
    return Limit(name, limit, remaining, utilization, reset)


_Place = tuple[str, int] | None
"""What a header tells: a field of the limit of a name, or one of the ids, or nothing."""
_UNSEEN: Final = ("", 0)
_places: dict[bytes, _Place] = {}
_limit_names: set[str] = set()


def _place(key: bytes) -> _Place:
    """`anthropic-fast-input-tokens-limit` is the field `limit` of the limit `fast_input_tokens`."""
    place: _Place = None
    if (name := key.lower().decode("latin-1")) in _IDENTITY:
        place = (_ID, _IDENTITY[name])
    elif match := _LIMIT.fullmatch(key):
        family, name, field = (part.decode("ascii").lower() for part in match.groups())
        name = (name if family == "ratelimit" else f"{family}_{name}").replace("-", "_")
        if name in _limit_names or len(_limit_names) < _MOST_LIMIT_NAMES:
            _limit_names.add(name)
            place = (name, _FIELDS.index(field))
    if len(_places) < _MOST_NAMES and len(key) <= _LONGEST_NAME:
        _places[key] = place
    return place


def _whole(raw: bytes) -> int | None:
    return int(raw) if raw.isdigit() and len(raw) <= _MOST_DIGITS else None


def _ratio(raw: bytes) -> float | None:
    if b"_" in raw:
        return None  # Python's own notation of numbers, and nobody else's.
    try:
        value = float(raw)
    except ValueError:
        return None
    # A limit that is overrun is full: told as more than 1, as subscriptions may be.
    return min(value, 1.0) if 0 <= value < math.inf else None


@lru_cache(maxsize=64)
def _time(raw: bytes) -> float | None:
    """Seconds since the epoch, of RFC 3339 or of such seconds as the `unified` family sends."""
    if raw.isdigit():
        return float(raw) if len(raw) <= _MOST_DIGITS else None
    try:
        # Python 3.10 reads no `Z`.
        time = datetime.fromisoformat(raw.decode("ascii").replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


_READ: Final = (_whole, _whole, _ratio, _time)
