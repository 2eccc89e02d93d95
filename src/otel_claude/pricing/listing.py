"""The price table as rows that people read: what `otel-claude price --list` prints. Does no arithmetic on usage."""

from typing import NamedTuple

from otel_claude.pricing import model_ids as ids
from otel_claude.pricing.rows import Model, Period, Prices, date_of, decimal_text
from otel_claude.pricing.table import PriceTable

_DAY = 86_400


class Listed(NamedTuple):
    """One line of the table. Prices are USD per 1,000,000 tokens as decimal text, None where there is none."""

    model: str
    name: str
    status: str | None
    speed: str
    effective_from: str
    effective_to: str | None
    """The first day on which it no longer holds."""
    prompt_tokens_over: int | None
    input: str | None
    cache_write_5m: str | None
    cache_write_1h: str | None
    cache_read: str | None
    output: str | None
    certainty: str | None
    sources: tuple[str, ...]
    note: str | None
    custom: bool
    """From the user's own file."""


def listing(table: PriceTable, *, model: str | None = None, at: float | None = None) -> list[Listed]:
    """The rows of a table: of one model (any form of its id), of the day of `at` (epoch seconds), or all of them."""
    wanted = None if model is None else ids.find(ids.parse(model).name, table.known)
    if model is not None and wanted is None:
        return []
    day = None if at is None else int(at // _DAY)
    return [
        row
        for known in table.models.values()
        if wanted in (None, known.id)
        for speed, periods in (("standard", known.standard), ("fast", known.fast))
        for period in _of_day(periods, day)
        for row in _lines(known, speed, period)
    ]


def _of_day(periods: tuple[Period, ...], day: int | None) -> list[Period]:
    if day is None:
        return sorted(periods, key=lambda period: (not period.custom, period.start))
    return [period for period in periods if period.covers(day)][:1]


def _lines(model: Model, speed: str, period: Period) -> list[Listed]:
    return [
        Listed(
            model.id,
            model.name,
            model.status,
            speed,
            date_of(period.start),
            None if period.end is None else date_of(period.end),
            over,
            *_texts(model, speed, prices),
            period.certainty,
            period.sources,
            period.note,
            period.custom,
        )
        for over, prices in [(None, period.prices), *period.tiers]
    ]


_Texts = tuple[str | None, str | None, str | None, str | None, str | None]


def _texts(model: Model, speed: str, prices: Prices) -> _Texts:
    if model.unpriced:
        return (None, None, None, None, None)
    new, read, short, long, out = map(decimal_text, prices)
    # A fast row's cache prices are not its own: they follow from the standard row of the day.
    return (new, None, None, None, out) if speed == "fast" else (new, short, long, read, out)
