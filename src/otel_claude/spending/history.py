"""History: by how much counters grew in a period and in each of its days or hours, read from a store.

Prometheus and Mimir have what the rules recorded (`promql.recorded`): hours where a period is long, and slots of five
minutes at its ends. VictoriaMetrics has the raw series. Without rules, raw series are read for up to a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple

from ..prometheus import IncompleteDataError, Prometheus
from ..promql.queries import HOURLY, Queries
from ..promql.recorded import ALIVE, BACKFILLED, DUE, HOURS, MINUTES, RULES, Level
from ..semconv import Metric
from .periods import DAY, Period, floor, rfc3339

SLOT: Final = timedelta(seconds=MINUTES.slot)
_HOUR: Final = timedelta(seconds=HOURS.slot)


def recorded_after(level: Level) -> timedelta:
    """How long after its end a slot is recorded at the latest. The next one is recorded later."""
    return timedelta(seconds=level.delay + level.slot - 0.001)


class _Piece(NamedTuple):
    """A part of a bucket that is read at once."""

    bucket: int
    level: Level | None
    period: Period


class Filter(NamedTuple):
    """What no matcher can say: which values of several labels are kept."""

    labels: tuple[str, ...]
    keeps: Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class History:
    """Reads a period. `level`: the slots it is read from. None: the raw series, whole."""

    server: Prometheus
    queries: Queries
    period: Period
    level: Level | None
    filters: tuple[Filter, ...] = ()

    def growth(
        self, metric: Metric, by: tuple[str, ...], *matchers: str, buckets: Sequence[Period] = ()
    ) -> Iterator[tuple[int, dict[str, str], Decimal]]:
        """By how much a counter grew: in which bucket, with which labels in OpenTelemetry's names, and the amount.

        Without buckets the whole period is one.
        """
        pieces = [piece for number, each in enumerate(buckets or [self.period]) for piece in self._pieces(number, each)]
        by = tuple(dict.fromkeys((*by, *(label for each in self.filters for label in each.labels))))
        names = {self.queries.translator.bare(name): name for name in by}
        for run in _runs(pieces):
            for at, labels, value in self._read(metric, by, matchers, run):
                known = {names[key]: text for key, text in labels.items() if key in names}
                if value and all(each.keeps(known) for each in self.filters):
                    yield run[at].bucket, known, value

    def _pieces(self, number: int, bucket: Period) -> Iterator[_Piece]:
        """Whole hours from hours, the rest from slots."""
        if self.level is HOURS:
            first, end = -(-bucket.start.timestamp() // HOURS.slot) * HOURS.slot, floor(bucket.end, _HOUR)
            start = datetime.fromtimestamp(first, timezone.utc)
            if start < end:
                ends = Period(bucket.start, start), Period(end, bucket.end)
                yield _Piece(number, HOURS, Period(start, end))
                yield from (_Piece(number, MINUTES, each) for each in ends if each.length)
                return
            yield _Piece(number, MINUTES, bucket)
            return
        yield _Piece(number, self.level, bucket)

    def _read(
        self, metric: Metric, by: tuple[str, ...], matchers: tuple[str, ...], run: list[_Piece]
    ) -> Iterator[tuple[int, Mapping[str, str], Decimal]]:
        """The rows of pieces that are alike and follow each other: which of them, its labels and the amount."""
        level, period = run[0].level, run[0].period
        window, at = f"{int(period.length.total_seconds())}s", period.end
        if level is not None:
            expression = self.queries.increase(metric, window, by, *matchers, level=level.name)
            at += recorded_after(level)
        else:
            expression = self.queries.raw_increase(metric, window, by, *matchers)
        if len(run) == 1:
            for labels, value in self.server.query(expression, at.timestamp()):
                yield 0, labels, value
            return
        step = run[1].period.end - period.end
        until = at + (len(run) - 1) * step
        for labels, samples in self.server.query_range(expression, at.timestamp(), until.timestamp(), step):
            for moment, value in samples:
                yield round((moment - at.timestamp()) / step.total_seconds()), labels, value


def _runs(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Pieces of one level and length, equally far from each other: they are asked for in one query."""
    for _, alike in groupby(sorted(pieces, key=_kind), key=_kind):
        run: list[_Piece] = []
        for piece in alike:
            if len(run) > 1 and piece.period.end - run[-1].period.end != run[1].period.end - run[0].period.end:
                yield run
                run = []
            run.append(piece)
        yield run


def _kind(piece: _Piece) -> tuple[str, timedelta]:
    return piece.level.name if piece.level else "", piece.period.length


def newest(queries: Queries, now: datetime) -> datetime:
    """The end of the newest period that can be read."""
    return floor(now - recorded_after(MINUTES), SLOT) if queries.recorded else floor(now, SLOT)


def open_history(server: Prometheus, queries: Queries, period: Period, now: datetime) -> tuple[History, str | None]:
    """How a period is read, and what the user is to know about that. Raises IncompleteDataError where it cannot be."""
    if period.end > now:
        raise IncompleteDataError(f"the period ends in the future ({rfc3339(period.end)})")
    kept = server.retention()
    if kept is not None and now - period.start > kept:
        raise IncompleteDataError(
            f"Prometheus at {server.address} keeps {kept.days} days, and the period begins earlier: give a later --from"
        )
    if not queries.recorded:
        return History(server, queries, period, None), None
    if period.start.timestamp() % MINUTES.slot or period.end.timestamp() % MINUTES.slot:
        raise IncompleteDataError("a period begins and ends at whole five minutes: growth is recorded for those")
    if (history := recorded_history(server, queries, period, now)) is not None:
        return history, None
    if now < period.end + recorded_after(MINUTES) and _is_evaluated(server, now):
        raise IncompleteDataError(
            f"the period's end is recorded six minutes after it: give --to {rfc3339(newest(queries, now))}, or wait"
        )
    if period.length <= DAY:
        return History(server, queries, period, None), (
            "not all of this period is recorded, so the raw series are read, and what they lack is missing. Install "
            "the rules: otel-claude export rules"
        )
    ends = _recorded_ends(server, period)
    if ends is None:
        raise IncompleteDataError(
            f"Prometheus at {server.address} has no recorded series from {period}, and raw ones are read for up to a "
            "day. Install the rules (otel-claude export rules), and fill in the time before (export backfill)"
        )
    raise IncompleteDataError(
        f"not all of {period} is recorded, only from {rfc3339(ends.start)} to {rfc3339(ends.end)}, or with gaps. "
        "Choose --from and --to within that, or fill in what is missing (otel-claude export backfill)"
    )


def recorded_history(server: Prometheus, queries: Queries, period: Period, now: datetime) -> History | None:
    """How a period is read that was recorded from its beginning to its end. None where it was not."""
    if not is_recorded(server, period, now):
        return None
    level = MINUTES if queries.recorded else None
    if level and period.length.total_seconds() >= HOURLY and _has_hours(server, period, now):
        level = HOURS
    return History(server, queries, period, level)


def is_recorded(server: Prometheus, period: Period, now: datetime) -> bool:
    """Whether a period is made of whole slots, and growth was recorded from its first one to its last."""
    start, end, slot = period.start.timestamp(), period.end.timestamp(), MINUTES.slot
    if start % slot or end % slot or now < period.end + recorded_after(MINUTES):
        return False
    backfilled = f'{BACKFILLED}{{{RULES}="{MINUTES.name}"}}'
    if not server.query(f"count_over_time({ALIVE}[10m]) or count_over_time({backfilled}[10m])", start + 2 * slot):
        return False
    # Corrections reach as far back as their window. Rules that were away for longer have lost what the raw series have.
    length, far = (f"{seconds:.0f}s" for seconds in (period.length.total_seconds(), MINUTES.window))
    either = f"max(count_over_time({ALIVE}[{far}]) or count_over_time({backfilled}[10m]))"
    known = f"count_over_time(({either})[{length}:{MINUTES.name}])"
    return any(count >= period.length / SLOT for _, count in server.query(known, end))


def _is_evaluated(server: Prometheus, now: datetime) -> bool:
    return bool(server.query(f"count_over_time({ALIVE}[15m])", now.timestamp()))


def _has_hours(server: Prometheus, period: Period, now: datetime) -> bool:
    """Whether hours are recorded from the first whole one in a period to the last."""
    first = floor(period.start + _HOUR, _HOUR) + _HOUR
    if now < floor(period.end, _HOUR) + recorded_after(HOURS):
        return False
    known = " or ".join(f'count_over_time({name}{{{RULES}="{HOURS.name}"}}[3h])' for name in (DUE, BACKFILLED))
    return bool(server.query(known, (first + recorded_after(HOURS)).timestamp()))


def _recorded_ends(server: Prometheus, period: Period) -> Period | None:
    """The first slot and the last one that are recorded in a period."""
    window = f"[{int(period.length.total_seconds())}s:{MINUTES.name}]"
    ends: list[datetime] = []
    for edge in ("min", "max"):
        slot = f'timestamp({ALIVE}) or timestamp({BACKFILLED}{{{RULES}="{MINUTES.name}"}})'
        rows = server.query(f"{edge}({edge}_over_time(({slot}){window}))", period.end.timestamp())
        known = (float(at) for _, at in rows if 0 <= at <= period.end.timestamp())
        ends += [floor(datetime.fromtimestamp(at, timezone.utc), SLOT) for at in known]
    return Period(*ends) if len(ends) > 1 else None
