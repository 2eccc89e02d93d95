"""What a request of the Admin API asks for: times, buckets, groups, filters, pages. Raises the API's own refusals.

Which words the real API uses for each refusal is not published; the rules are those of the SDK's documentation.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Final

from starlette.datastructures import QueryParams

from otel_claude_demo.simulator.failures import invalid
from otel_claude_demo.simulator.jsons import Json
from otel_claude_demo.simulator.reports import OTHER_DIMENSIONS, SIMULATED, WIDTHS, ReportQuery

DAY: Final = 86_400
_FIRST: Final = datetime(2026, 1, 1, tzinfo=timezone.utc).timestamp()
_MOST_DAYS, _OLDEST_DAYS, _MOST_GROUPS = 31, 365, 5
_KEPT = 100
_FILTERS: Final = {
    "models": "model", "api_key_ids": "api_key_id", "workspace_ids": "workspace_id", "speeds": "speed",
    "service_tiers": "service_tier", "inference_geos": "inference_geo", "context_windows": "context_window",
    "products": "product",
}  # fmt: skip
FAN_OUT: Final = frozenset({"cost_type", "token_type"})


def many(query: QueryParams, name: str) -> list[str]:
    """The values of a list, as the SDK writes it."""
    return query.getlist(f"{name}[]") or query.getlist(name)


def analytics(query: QueryParams, now: float, *, cost: bool) -> tuple[ReportQuery, frozenset[str]]:
    """What an analytics report is to contain, and by which components its cost is split."""
    start = _time(query, "starting_at")
    if start is None:
        raise invalid("starting_at: Field required")
    width = _width(query.get("time_bucket_width"))
    end = _time(query, "ending_at")
    if end is None and width is not None:
        raise invalid("ending_at: Required when time_bucket_width is set")
    end = end if end is not None else min(now, start + _MOST_DAYS * DAY)
    if start < _FIRST or start < now - _OLDEST_DAYS * DAY:
        raise invalid("starting_at: Must be within the last 365 days and no earlier than 2026-01-01T00:00:00Z")
    if start > now:
        raise invalid("starting_at: Must not be in the future")
    if end <= start:
        raise invalid("ending_at: Must be after starting_at")
    if end - start > _MOST_DAYS * DAY:
        raise invalid("The range may span at most 31 days")
    if width == WIDTHS["1m"] and end - start > DAY:
        raise invalid("The range may span at most 24 hours with time_bucket_width=1m")
    groups = many(query, "group_by")
    split = frozenset(groups) & FAN_OUT if cost else frozenset[str]()
    unknown = set(groups) - set(SIMULATED) - set(OTHER_DIMENSIONS) - split
    if unknown:
        raise invalid(f"group_by: Input should be a known dimension, not {min(unknown)!r}")
    named = tuple(dict.fromkeys(name for name in groups if name not in split))
    if len(named) > _MOST_GROUPS:
        raise invalid("group_by: At most 5 dimensions, not counting cost_type and token_type")
    return ReportQuery(start, end, width, named, filters(query)), split


def older(query: QueryParams, now: float, most: dict[str, int], usual: dict[str, int]) -> tuple[ReportQuery, int]:
    """What one of the older reports is to contain, and how many of its buckets a page has."""
    start = _time(query, "starting_at")
    if start is None:
        raise invalid("starting_at: Field required")
    width = query.get("bucket_width", "1d")
    if width not in most:
        raise invalid(f"bucket_width: Input should be {' or '.join(map(repr, most))}")
    size = WIDTHS[width]
    limit = whole(query.get("limit"), usual[width], most[width])
    begins = start // size * size
    end = _time(query, "ending_at")
    # Only buckets that are over before `ending_at` are returned.
    end = (end if end is not None else now + size) // size * size
    return ReportQuery(begins, end, size, tuple(many(query, "group_by")), filters(query)), limit


def filters(query: QueryParams) -> dict[str, frozenset[str]]:
    """The accepted values by dimension."""
    return {of: frozenset(many(query, name)) for name, of in _FILTERS.items() if many(query, name)}


def whole(text: str | None, usual: int, most: int) -> int:
    """The value of `limit`."""
    if text is None:
        return usual
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid(f"limit: Input should be between 1 and {most}")
    return int(text)


class Cursors:
    """Pages by an opaque cursor. What follows the first page is what was there when it was asked for."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[str, Sequence[Any], Json]] = OrderedDict()
        self._made = 0

    def page(self, cursor: str, about: str) -> tuple[Sequence[Any], Json]:
        """What a cursor stands for; a refusal if it is of another request."""
        found = self._waiting.get(cursor)
        if found is None or found[0] != about:
            raise invalid("page: Invalid page token")
        return found[1], found[2]

    def keep(self, rest: Sequence[Any], about: str, more: Json) -> str | None:
        """The cursor for what is left, if anything is."""
        if not rest:
            return None
        self._made += 1
        cursor = "page_" + base64.urlsafe_b64encode(f"{self._made}".encode()).decode().rstrip("=")
        self._waiting[cursor] = (about, rest, more)
        while len(self._waiting) > _KEPT:
            self._waiting.popitem(last=False)
        return cursor


def _width(text: str | None) -> int | None:
    if text is None:
        return None
    if text not in WIDTHS:
        raise invalid("time_bucket_width: Input should be '1m', '1h' or '1d'")
    return WIDTHS[text]


def _time(query: QueryParams, name: str) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise invalid(f"{name}: Input should be a valid datetime") from None
    if found.tzinfo is None:
        raise invalid(f"{name}: Input should have timezone info")
    return found.timestamp()
