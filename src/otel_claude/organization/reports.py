"""Reports: how usage and cost are asked for so that every dimension is known, and what the answers add up to. Pure.

The API groups by five dimensions at most and we show six, but speed has two values only: everything is read once
without it, and once more for fast alone; what is left is standard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from .errors import Moved
from .models import Bucket, Cost, Dimensions, UsageRow

DIMENSIONS: Final = ("model", "api_key_id", "workspace_id", "service_tier", "inference_geo")
COMPONENTS: Final = ("cost_type", "token_type")
FAST: Final = ("fast",)
Width = Literal["1m", "1h", "1d"]
Totals: TypeAlias = tuple[Decimal, Decimal]
"""The list amount and the billed amount, in US dollars."""
_FAST, _STANDARD = "fast", "standard"
_NO_SPEED: Final = frozenset({"code_execution", "session_usage"})
MOST: Final = timedelta(days=31)
"""The longest range of one request."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a report covers, and in which buckets."""

    start: datetime
    end: datetime
    width: Width

    def requested(self, *, fast: bool, cost: bool) -> dict[str, Any]:
        """The parameters of a request. By time: what grows while it is read comes last."""
        return {
            "starting_at": self.start,
            "ending_at": self.end,
            "time_bucket_width": self.width,
            "group_by": [*DIMENSIONS, *(COMPONENTS if cost else ())],
            "order_by": "time",
            "order": "asc",
            "limit": 1000,
            **({"speeds": list(FAST)} if fast else {}),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of a range, with their speed, and when the API last refreshed what they say."""

    range: Range
    costs: tuple[Cost, ...]
    uses: tuple[UsageRow, ...]
    as_of: datetime


def midnight(moment: datetime) -> datetime:
    """The day's beginning in UTC."""
    return moment.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def month_to_date(now: datetime) -> Range:
    """The month so far and yesterday, by day."""
    today = midnight(now)
    return Range(min(today.replace(day=1), today - timedelta(days=1)), today + timedelta(days=1), "1d")


def cost_with_speed(everything: Iterable[Cost], fast: Iterable[Cost]) -> tuple[Cost, ...]:
    """The rows with their speed. `fast` was read first: what is not in it is standard."""
    rest = {(row.bucket, row.dimensions, row.kind): row for row in everything}
    found: list[Cost] = []
    for row in fast:
        key = (row.bucket, row.dimensions, row.kind)
        whole = rest.pop(key, None)
        if whole is None or whole.listed < row.listed:
            raise Moved("cost report")
        found.append(replace(row, dimensions=row.dimensions._replace(speed=_FAST)))
        if whole.listed > row.listed:
            rest[key] = replace(whole, listed=whole.listed - row.listed, billed=whole.billed - row.billed)
    standard = (replace(row, dimensions=_with_speed(row.dimensions, row.kind)) for row in rest.values())
    return (*found, *standard)


def use_with_speed(everything: Iterable[UsageRow], fast: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    """The same of usage."""
    rest = {(row.bucket, row.dimensions): row for row in everything}
    found: list[UsageRow] = []
    for row in fast:
        key = (row.bucket, row.dimensions)
        whole = rest.pop(key, None)
        if whole is None:
            raise Moved("usage report")
        left = _less(whole, row)
        found.append(replace(row, dimensions=row.dimensions._replace(speed=_FAST)))
        if left.requests or left.searches or any(count for _, count in left.tokens):
            rest[key] = left
    return (*found, *(replace(row, dimensions=row.dimensions._replace(speed=_STANDARD)) for row in rest.values()))


def between(start: datetime, end: datetime) -> list[Range]:
    """The requests that cover a window of any length: minutes for up to a day, else hours, 31 days at a time.

    Both ends must be whole minutes, and whole hours in a window of more than a day.
    """
    day = timedelta(days=1)
    if end - start <= day and any(moment.minute for moment in (start, end)):
        return [Range(start, end, "1m")]
    days = start == midnight(start) and end == midnight(end)
    found: list[Range] = []
    while start < end:
        stop = min(end, start + MOST)
        found.append(Range(start, stop, "1d" if days else "1h"))
        start = stop
    return found


def within(bucket: Bucket, start: datetime, end: datetime) -> bool:
    """Whether a bucket lies in a stretch of time."""
    return start <= bucket.start and bucket.end <= end


def total(rows: Iterable[Cost]) -> Totals:
    """The list and billed amounts of rows."""
    listed = billed = Decimal(0)
    for row in rows:
        listed += row.listed
        billed += row.billed
    return listed, billed


def _with_speed(dimensions: Dimensions, kind: str) -> Dimensions:
    return dimensions if kind in _NO_SPEED else dimensions._replace(speed=_STANDARD)


def _less(whole: UsageRow, part: UsageRow) -> UsageRow:
    tokens = tuple((name, count - less) for (name, count), (_, less) in zip(whole.tokens, part.tokens, strict=True))
    if any(count < 0 for _, count in tokens):
        raise Moved("usage report")
    requests = None if whole.requests is None or part.requests is None else whole.requests - part.requests
    return replace(whole, tokens=tokens, requests=requests, searches=whole.searches - part.searches)
