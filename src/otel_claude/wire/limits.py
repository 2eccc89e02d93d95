"""Limit: one rate limit as response headers report it, of whatever family and name.

Source: Anthropic's rate-limit page (August 2026); `unified` headers of subscriptions are undocumented.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Final, NamedTuple

_HEADER: Final = re.compile(
    rb"anthropic-(ratelimit|priority|fast)-([a-z0-9-]{1,60})-(limit|remaining|reset|utilization)", re.IGNORECASE
)
_MOST_NAMES: Final = 32
"""Limits read of one response. The API sends at most a dozen."""
_MOST_HEADERS: Final = 512
"""Header names remembered in the process: names come from outside."""


class Limit(NamedTuple):
    """One rate limit. `reset` is when it is full again, in seconds since the epoch; `utilization` is 0 to 1."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    utilization: float | None = None
    reset: float | None = None


def limits(headers: Iterable[tuple[bytes, bytes]]) -> tuple[Limit, ...]:
    """Every limit in raw header pairs. What is no number, or no time, is left out."""
    found: dict[str, dict[str, float]] = {}
    for key, raw in headers:
        parsed = _parsed.get(key, _UNSEEN)
        if parsed is _UNSEEN:
            parsed = _parse_name(key)
        if parsed is None:
            continue
        name, field = parsed
        value = _VALUES[field](raw)
        if value is not None and (name in found or len(found) < _MOST_NAMES):
            found.setdefault(name, {})[field] = value
    return tuple([_limit(name, values) for name, values in found.items()])


def _limit(name: str, values: dict[str, float]) -> Limit:
    limit, remaining, utilization = values.get("limit"), values.get("remaining"), values.get("utilization")
    if utilization is None and limit and remaining is not None:
        utilization = min(1.0, max(0.0, 1 - remaining / limit))
    return Limit(
        name,
        None if limit is None else int(limit),
        None if remaining is None else int(remaining),
        utilization,
        values.get("reset"),
    )


_UNSEEN: Final = ("", "")
_parsed: dict[bytes, tuple[str, str] | None] = {}


def _parse_name(key: bytes) -> tuple[str, str] | None:
    """The limit's name and field of a header: `anthropic-fast-input-tokens-limit` is (`fast_input_tokens`, `limit`)."""
    parsed = None
    if match := _HEADER.fullmatch(key):
        family, name, field = (part.decode("ascii").lower() for part in match.groups())
        words = name if family == "ratelimit" else f"{family}-{name}"
        parsed = (words.replace("-", "_"), field)
    if len(_parsed) < _MOST_HEADERS:
        _parsed[key] = parsed
    return parsed


def _whole(raw: bytes) -> float | None:
    return int(raw) if raw.isdigit() and len(raw) < 19 else None  # noqa: PLR2004 - what OTLP's int64 holds


def _ratio(raw: bytes) -> float | None:
    try:
        value = float(raw)
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def _time(raw: bytes) -> float | None:
    """Seconds since the epoch, of RFC 3339 or of such seconds as the `unified` family sends."""
    if raw.isdigit():
        return _whole(raw)
    try:
        # Python 3.10 reads no `Z`.
        time = datetime.fromisoformat(raw.decode("ascii").replace("Z", "+00:00"))
        return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


_VALUES: Final = {"limit": _whole, "remaining": _whole, "reset": _time, "utilization": _ratio}
