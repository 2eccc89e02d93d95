"""Periods: stretches of time in UTC, as options write them, and the days and hours that they are made of."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Final, NamedTuple

from ..prometheus import IncompleteDataError

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_FIRST: Final = datetime(2020, 1, 1, tzinfo=timezone.utc)
"""There was no Claude before, and of the year 1 there is no week before to compare with."""
_MAX_BUCKETS: Final = 10_000
"""Prometheus answers for 11,000 moments."""
_LAST: Final = re.compile(r"([1-9][0-9]{0,3})([mhdw])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": HOUR, "d": DAY, "w": 7 * DAY}


class Period(NamedTuple):
    """A stretch of time in UTC, its end excluded."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def before(self, ago: timedelta) -> Period:
        """The period that was so long ago."""
        return Period(self.start - ago, self.end - ago)

    def buckets(self, width: timedelta) -> list[Period]:
        """The days or hours of UTC in it. The first and the last one may be a part of one.

        Raises IncompleteDataError where they are more than a server answers for at once.
        """
        if self.length / width > _MAX_BUCKETS:
            unit = "hours" if width == HOUR else "days"
            raise IncompleteDataError(f"the period has more than {_MAX_BUCKETS:,} {unit}: give a shorter one")
        found: list[Period] = []
        start = self.start
        while start < self.end:
            end = min(floor(start, width) + width, self.end)
            found.append(Period(start, end))
            start = end
        return found

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"


def floor(moment: datetime, width: timedelta) -> datetime:
    """The last multiple of a width, in UTC."""
    return datetime.fromtimestamp(moment.timestamp() // width.total_seconds() * width.total_seconds(), timezone.utc)


def rfc3339(moment: datetime) -> str:
    """A moment as JSON has it."""
    return moment.isoformat().replace("+00:00", "Z")


def time_of(option: str, text: str) -> datetime:
    """A moment as an option writes it. Raises IncompleteDataError where it is none."""
    try:
        # Python 3.10 reads no `Z`.
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        when = when.astimezone(timezone.utc) if when.tzinfo else when.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise IncompleteDataError(
            f"{option} {text!r} is no time. Write it as 2026-11-20, or 2026-11-20T13:00 (UTC)"
        ) from None
    if when < _FIRST:
        raise IncompleteDataError(f"{option} {text!r} is before {_FIRST:%Y}, when nothing was measured")
    return when


def last(text: str) -> timedelta:
    """A length as `--last` writes it: `30m`, `24h`, `7d`, `4w`. Raises IncompleteDataError where it is none."""
    found = _LAST.fullmatch(text.strip())
    if found is None:
        raise IncompleteDataError(f"--last {text!r} is no length of time. Write it as 24h, 7d or 4w")
    return int(found[1]) * _UNITS[found[2]]
