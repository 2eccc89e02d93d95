"""Head: what an answer's headers say: who was served, and each rate limit, of whatever family and name.

Source: Anthropic's rate-limit page (August 2026); the `unified` headers of subscriptions are undocumented. Read once
for every attempt, so names of headers are not parsed again.
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from .json import text

_LIMIT: Final = re.compile(
    rb"anthropic-(ratelimit|priority|fast)-([a-z0-9-]{1,60})-(limit|remaining|reset|utilization)", re.IGNORECASE
)
_FIELDS: Final = ("limit", "remaining", "utilization", "reset")
"""Those of a `Limit`, in its order."""
_IDENTITY: Final = ("request-id", "anthropic-organization-id", "anthropic-workspace-id")
_MOST_LIMITS: Final = 32
"""Limits read of one answer. The API sends at most a dozen."""
_MOST_LIMIT_NAMES: Final = 100
"""Names of limits that are known in the process: they become labels, and names of span attributes."""
_MOST_PLANS: Final = 64
"""Sets of header names remembered in the process: they come from outside."""
_LONGEST_NAMES: Final = 8_192
"""Bytes of a set of header names that is remembered. Those of the API are shorter."""
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
    told = dict(headers)
    names = tuple(told)
    plan = _plans.get(names) or _plan(names)
    limits: list[Limit] = []
    for name, size, left, share, full in plan.limits:
        limit, remaining = _whole(told.get(size)), _whole(told.get(left))
        utilization, reset = _ratio(told.get(share)), _time(told.get(full))
        if utilization is None and limit and remaining is not None:
            # More than the limit can remain: the two are not told at one moment.
            utilization = max(0.0, 1 - remaining / limit)
        found = Limit(name, limit, remaining, utilization, reset)
        if found[1:] != _UNTOLD:
            limits.append(found)
    return Head(tuple(limits), *[_id(told.get(key)) for key in plan.ids])


_UNTOLD: Final = (None, None, None, None)


class _Plan(NamedTuple):
    """Which headers tell what, of answers with the same headers: a server sends few sets of them."""

    limits: tuple[tuple[str, bytes, bytes, bytes, bytes], ...]
    """Each limit's name, and where its size, what remains, the used share and the reset time stand."""
    ids: tuple[bytes, ...]


_NOWHERE: Final = b"\n"
"""No header has this name."""
_plans: dict[tuple[bytes, ...], _Plan] = {}
_limit_names: set[str] = set()


def _plan(names: tuple[bytes, ...]) -> _Plan:
    """`anthropic-fast-input-tokens-limit` is the field `limit` of the limit `fast_input_tokens`."""
    ids = [_NOWHERE] * len(_IDENTITY)
    limits: dict[str, list[bytes]] = {}
    for key in names:
        if (lowered := key.lower().decode("latin-1")) in _IDENTITY:
            ids[_IDENTITY.index(lowered)] = key
        elif match := _LIMIT.fullmatch(key):
            family, name, field = (part.decode("ascii").lower() for part in match.groups())
            name = (name if family == "ratelimit" else f"{family}_{name}").replace("-", "_")
            if name in limits or (len(limits) < _MOST_LIMITS and _is_known(name)):
                limits.setdefault(name, [_NOWHERE] * len(_FIELDS))[_FIELDS.index(field)] = key
    places = [(name, size, left, share, full) for name, (size, left, share, full) in limits.items()]
    plan = _Plan(tuple(places), tuple(ids))
    if sum(map(len, names)) <= _LONGEST_NAMES:
        if len(_plans) >= _MOST_PLANS:
            _plans.clear()
        _plans[names] = plan
    return plan


def _is_known(name: str) -> bool:
    if name not in _limit_names and len(_limit_names) < _MOST_LIMIT_NAMES:
        _limit_names.add(name)
    return name in _limit_names


def _id(raw: bytes | None) -> str | None:
    return None if raw is None else text(raw.decode("latin-1"))


def _whole(raw: bytes | None) -> int | None:
    return int(raw) if raw is not None and raw.isdigit() and len(raw) <= _MOST_DIGITS else None


def _ratio(raw: bytes | None) -> float | None:
    # An underscore is Python's own notation of numbers, and nobody else's.
    if raw is None or len(raw) > _LONGEST_VALUE or b"_" in raw:
        return None
    try:
        value = float(raw)
    except ValueError:
        return None
    # A limit that is overrun is full: told as more than 1, as subscriptions may be.
    return min(value, 1.0) if 0 <= value < math.inf else None


def _time(raw: bytes | None) -> float | None:
    return None if raw is None or len(raw) > _LONGEST_VALUE else _seconds(raw)


@lru_cache(maxsize=64)
def _seconds(raw: bytes) -> float | None:
    """Seconds since the epoch, of RFC 3339 or of such seconds as the `unified` family sends."""
    if raw.isdigit():
        return float(raw) if len(raw) <= _MOST_DIGITS else None
    try:
        # Python 3.10 reads no `Z`.
        time = datetime.fromisoformat(raw.decode("ascii").replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None
