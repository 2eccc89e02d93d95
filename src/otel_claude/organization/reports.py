"""Reports: how usage and cost are asked for so that every dimension is known, and what the responses add up to. Pure.

The API groups by five dimensions at most and we show six, but speed has two values only: everything is read once
without it, and once more for fast alone; what is left is standard.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from .errors import Moved
from .models import Bucket, Cost, UsageRow

Totals: TypeAlias = tuple[Decimal, Decimal]
"""The list amount and the billed amount, in US dollars."""
_NO_SPEED: Final = frozenset({"code_execution", "session_usage"})
_DAY: Final = timedelta(days=1)
_MAX_RANGE: Final = timedelta(days=31)
"""The longest range of one request."""


class Range(NamedTuple):
    """What a report covers, and in which buckets."""

    start: datetime
    end: datetime
    width: Literal["1m", "1h", "1d"]

    def parameters(self, *, cost: bool) -> dict[str, Any]:
        """The parameters of a request. By time: what grows while it is read comes last."""
        dimensions = ["model", "api_key_id", "workspace_id", "service_tier", "inference_geo"]
        return {
            "starting_at": self.start,
            "ending_at": self.end,
            "time_bucket_width": self.width,
            "group_by": [*dimensions, "cost_type", "token_type"] if cost else dimensions,
            "order_by": "time",
            "order": "asc",
            "limit": 1000,
        }


class Report(NamedTuple):
    """All rows of a range, with their speed, and when the API last refreshed what they say."""

    range: Range
    costs: tuple[Cost, ...]
    usage: tuple[UsageRow, ...]
    as_of: datetime


def midnight(moment: datetime) -> datetime:
    """The day's beginning in UTC."""
    return moment.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)


def month_to_date(now: datetime) -> Range:
    """The month so far and yesterday, by day."""
    today = midnight(now)
    return Range(min(today.replace(day=1), today - _DAY), today + _DAY, "1d")


def cost_with_speed(everything: Iterable[Cost], fast: Iterable[Cost]) -> tuple[Cost, ...]:
    """The rows with their speed. `fast` was read first: what is not in it is standard."""
    rest = {row[:3]: row for row in everything}
    found: list[Cost] = []
    for row in fast:
        whole = rest.pop(row[:3], None)
        if whole is None or whole.listed < row.listed:
            raise Moved("cost report")
        found.append(row._replace(dimensions=row.dimensions._replace(speed="fast")))
        if whole.listed > row.listed:
            rest[row[:3]] = whole._replace(listed=whole.listed - row.listed, billed=whole.billed - row.billed)
    for row in rest.values():
        speed = None if row.kind in _NO_SPEED else "standard"
        found.append(row._replace(dimensions=row.dimensions._replace(speed=speed)))
    return tuple(found)


def usage_with_speed(everything: Iterable[UsageRow], fast: Iterable[UsageRow]) -> tuple[UsageRow, ...]:
    """The same of usage."""
    rest = {row[:2]: row for row in everything}
    found: list[UsageRow] = []
    for row in fast:
        whole = rest.pop(row[:2], None)
        tokens = {} if whole is None else {name: count - row.tokens[name] for name, count in whole.tokens.items()}
        if whole is None or any(count < 0 for count in tokens.values()):
            raise Moved("usage report")
        found.append(row._replace(dimensions=row.dimensions._replace(speed="fast")))
        requests = None if whole.requests is None or row.requests is None else whole.requests - row.requests
        if requests or any(tokens.values()):
            rest[row[:2]] = whole._replace(tokens=tokens, requests=requests)
    found += [row._replace(dimensions=row.dimensions._replace(speed="standard")) for row in rest.values()]
    return tuple(found)


def between(start: datetime, end: datetime) -> list[Range]:
    """The requests that cover a window of any length: minutes for up to a day, else hours, 31 days at a time.

    Both ends must be whole minutes, and whole hours in a window of more than a day.
    """
    if end - start <= _DAY and (start.minute or end.minute):
        return [Range(start, end, "1m")]
    width = "1d" if start == midnight(start) and end == midnight(end) else "1h"
    found: list[Range] = []
    while start < end:
        found.append(Range(start, min(end, start + _MAX_RANGE), width))
        start = found[-1].end
    return found


def within(bucket: Bucket, start: datetime, end: datetime) -> bool:
    """Whether a bucket lies in a stretch of time."""
    return start <= bucket.start and bucket.end <= end


def total(rows: Iterable[Cost]) -> Totals:
    """The list and billed amounts of rows."""
    found = list(rows)
    return sum((row.listed for row in found), Decimal(0)), sum((row.billed for row in found), Decimal(0))
