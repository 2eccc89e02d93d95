"""`otel-claude explain`: why spend of one period differs from another, and whether it is normal."""

from __future__ import annotations

from datetime import datetime
from decimal import Context, Decimal
from statistics import median
from typing import Annotated, Any, Final, NamedTuple

from ..organization.errors import Problem
from ..pricing import PriceTableError, shipped
from ..prometheus import IncompleteDataError
from ..spending.explain import MEASURES, Cause, Part, explain
from ..spending.periods import DAY, Period, rfc3339, time_of
from ..spending.usage import Key, Usage, labels_of, read_spend, read_usage
from .arguments import Option
from .connections import OptionError, PrometheusOptions, with_options
from .history import HistoryOptions, OpenedStore, now
from .output import console, fail, guard_logs, say, write_json
from .spend import usd_text
from .tables import Table, show

_SCHEMA: Final = 1
_USUAL: Final = "1d"
_WEEK: Final = 7 * DAY
_MOST_PERIODS: Final = 8
_FEW_PERIODS: Final = 3
"""Of fewer nothing is said to be normal."""
_MOST_ROWS: Final = 10
_IN_DOLLARS: Final = frozenset({"new", "gone"})
_SIX_DIGITS: Final = Context(prec=6)
_TITLES: Final[dict[Cause, str]] = {
    "calls": "More or fewer calls",
    "input": "Longer or shorter inputs",
    "output": "Longer or shorter outputs",
    "thinking": "More or less thinking",
    "cache": "Cache: hits, writes, lifetimes",
    "price": "Price per token: models, tiers, speed",
    "web_search": "Web searches",
    "new": "New",
    "gone": "Gone",
    "other": "Other",
}


class _Normal(NamedTuple):
    """What the same period of earlier weeks cost, in US dollars, the latest first."""

    weeks_between: int
    usd: list[Decimal]


@with_options
def command(
    against: Annotated[
        list[str] | None,
        Option("--against", metavar="FROM TO", help="The period before. By default the one just before.", number=2),
    ] = None,
    weekday: Annotated[bool, Option("--week-before", help="Against the same time a week before.")] = False,
    by: Annotated[
        list[str] | None,
        Option("--tag", metavar="KEY", help="Tell services apart by a tag too, as team. Repeatable."),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
    *,
    chosen: HistoryOptions,
    to_prometheus: PrometheusOptions,
) -> None:
    """Say why spend changed.

    Compares a period (--from and --to, or --last; a day up to now unless they say otherwise) with the one just before,
    with the same time a week before, or with any other. The difference is divided exactly: more or fewer calls, longer
    or shorter inputs and outputs, thinking, the cache, the price of a token, web searches, services that are new or
    gone. The method is in docs/answers.md.

    Exit code: 0, or 2 for what could not be answered.
    """
    guard_logs()
    dimensions = ("model", "job", *(f"tag.{key}" for key in by or ()))
    moment = now()
    try:
        for dimension in dimensions:
            labels_of(dimension)
        opened = chosen.server(to_prometheus)
        after = chosen.period(opened.queries, _USUAL, moment)
        before = _before(after, against, weekday=weekday)
        found = [_read(opened, period, dimensions, moment) for period in (before, after)]
        _is_any(found, opened)
        parts = explain(*found)
        normal = _earlier(opened, after, moment)
    except (IncompleteDataError, OptionError, Problem, PriceTableError) as problem:
        fail(f"explain: {problem}")
    unpriced = sum(usage.unpriced.total() for usage in found[1].values())
    totals = [sum((usage.total for usage in usages.values()), Decimal(0)) for usages in found]
    if as_json:
        write_json(_json((before, after), totals, parts, dimensions[1:], normal))
    else:
        _show((before, after), totals, parts, normal)
    if unpriced:
        say(f"{unpriced:,} calls have no exact price, so their dollars are missing here, in whole or in part")


def _before(after: Period, against: list[str] | None, *, weekday: bool) -> Period:
    if against is None:
        return after.before(_WEEK if weekday else after.length)
    if weekday:
        raise IncompleteDataError("--against and --week-before both say what is compared with: give one")
    start, end = (time_of("--against", text) for text in against)
    if end <= start:
        raise IncompleteDataError("--against: its end is not after its beginning")
    return Period(start, end)


def _read(opened: OpenedStore, period: Period, by: tuple[str, ...], moment: datetime) -> dict[Key, Usage]:
    return read_usage(opened.open(period, moment), by, shipped().known, every=True)


def _earlier(opened: OpenedStore, period: Period, moment: datetime) -> _Normal:
    """The same period of earlier weeks, as far back as all is recorded."""
    weeks = max(1, -(-period.length // _WEEK))
    found: list[Decimal] = []
    for number in range(1, _MOST_PERIODS + 1):
        earlier = period.before(number * weeks * _WEEK)
        history = opened.recorded(earlier, moment)
        if history is None:
            break
        found.append(sum(read_spend(history, earlier.length), Decimal(0)))
    return _Normal(weeks, found)


def _is_any(found: list[dict[Key, Usage]], opened: OpenedStore) -> None:
    if not any(found):
        raise opened.nothing("otel-claude measured", "in either period")


def _json(
    periods: tuple[Period, Period],
    totals: list[Decimal],
    parts: list[Part],
    names: tuple[str, ...],
    normal: _Normal,
) -> dict[str, Any]:
    before, after = (
        {"from": rfc3339(period.start), "to": rfc3339(period.end), "usd": usd_text(usd)}
        for period, usd in zip(periods, totals, strict=True)
    )
    causes = [
        {
            "cause": cause,
            "usd": usd_text(usd),
            "where": [
                {
                    **dict(zip(names, part.service, strict=True)),
                    "model": part.model,
                    **({} if part.before_model is None else {"model_before": part.before_model}),
                    "usd": usd_text(part.usd),
                    "before": _number(part.before),
                    "after": _number(part.after),
                }
                for part in parts
                if part.cause == cause
            ],
            "measure": MEASURES[cause],
        }
        for cause, usd in _causes(parts)
    ]
    return {
        "schema": _SCHEMA,
        "before": before,
        "after": after,
        "change_usd": usd_text(totals[1] - totals[0]),
        "causes": causes,
        "normal": {
            "weeks_between": normal.weeks_between,
            "periods_usd": [usd_text(usd) for usd in normal.usd],
            "median_usd": usd_text(median(normal.usd)) if normal.usd else None,
            "is_normal": min(normal.usd) <= totals[1] <= max(normal.usd) if len(normal.usd) >= _FEW_PERIODS else None,
        },
    }


def _causes(parts: list[Part]) -> list[tuple[Cause, Decimal]]:
    """Each cause and its dollars, the largest first."""
    sums: dict[Cause, Decimal] = {}
    for part in parts:
        sums[part.cause] = sums.get(part.cause, Decimal(0)) + part.usd
    return sorted(sums.items(), key=lambda each: -abs(each[1]))


def _number(value: Decimal) -> str:
    """A quantity with six digits that count, without an exponent."""
    return f"{_SIX_DIGITS.create_decimal(value):f}"


def _show(periods: tuple[Period, Period], totals: list[Decimal], parts: list[Part], normal: _Normal) -> None:
    shown = console()
    before, after = totals
    digits = 2 if max(totals) >= 1 else 6
    for name, period, usd in zip(("Before", "After"), periods, totals, strict=True):
        shown.print(f"{name + ':':8} {usd:>14,.{digits}f}  {period}", soft_wrap=True)
    share = f"  ({(after - before) / before:+.1%})" if before else ""
    shown.print(f"{'Change:':8} {after - before:>+14,.{digits}f}{share}")
    shown.print(_said_of(normal, after, digits), soft_wrap=True)
    shown.print()
    rows = [(_TITLES[cause], f"{usd:+,.{digits}f}") for cause, usd in _causes(parts)]
    show(shown, Table("Why", ("Cause", "USD"), [*rows, ("Total", f"{after - before:+,.{digits}f}")], 1))
    if parts:
        shown.print()
        columns = ("Service", "Model", "What changed", "From", "To", "USD")
        show(shown, Table("Where", columns, [_row(part, digits) for part in parts[:_MOST_ROWS]], 3))
    if len(parts) > _MOST_ROWS:
        shown.print(f"and {len(parts) - _MOST_ROWS} smaller ones: see --json")


def _row(part: Part, digits: int) -> tuple[str, ...]:
    service = ", ".join(value or "(not known)" for value in part.service)
    model = part.model or "(not known)"
    if part.before_model is not None:
        model = f"{part.before_model} -> {model}"
    quantities = (f"{value:,.4g}" if value < 1000 else f"{value:,.0f}" for value in (part.before, part.after))  # noqa: PLR2004
    what = _TITLES[part.cause] if part.cause in _IN_DOLLARS else MEASURES[part.cause]
    return service, model, what, *quantities, f"{part.usd:+,.{digits}f}"


def _said_of(normal: _Normal, usd: Decimal, digits: int) -> str:
    """Where a period's dollars lie among those of earlier weeks."""
    count = len(normal.usd)
    if count < _FEW_PERIODS:
        return (
            f"Whether that is normal cannot be told: {count} earlier weeks are recorded, and {_FEW_PERIODS} are needed."
        )
    low, middle, high = min(normal.usd), median(normal.usd), max(normal.usd)
    place = "normal: within" if low <= usd <= high else "more than" if usd > high else "less than"
    earlier = "weeks" if normal.weeks_between == 1 else f"periods, {normal.weeks_between} weeks apart"
    return (
        f"That is {place} what the same time cost in the last {count} {earlier}: "
        f"{low:,.{digits}f} to {high:,.{digits}f}, median {middle:,.{digits}f}."
    )
