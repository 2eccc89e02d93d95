"""How prices look on a terminal: of stored answers, and of the table (`otel-claude price --list`)."""

from __future__ import annotations

import time
from difflib import get_close_matches
from typing import Final, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from ..pricing import UNPRICED_REASONS, PriceTable
from ..pricing.price_file import date_of, day_of
from ..pricing.types import DAY, Model, Period, decimal_text
from ..summary.render import retires, times
from .answers import Answers
from .output import console, fail, write_json
from .priced import TOKEN_TYPES, Priced

PER_MILLION: Final = 1_000_000
_NAMES: Final = {"input": "input, uncached"}
_STATUS_STYLES: Final = {"exact": "green", "lower_bound": "yellow", "unpriced": "red"}


def show_price(found: Priced, answers: Answers, *, table: str, at: str) -> None:
    """Total, parts and why."""
    shown = console()
    total = {"exact": "", "lower_bound": "at least "}.get(found.status)
    said = "not known" if total is None else f"{total}${decimal_text(found.total)}"
    shown.print(Text.assemble((said, "bold"), " ", (f"({found.status})", _STATUS_STYLES[found.status])))
    what = f"{times(found.answers, 'answer')} in {answers.form}" if found.answers != 1 else answers.form
    free = "".join(f"; {count:,} {why}, free" for why, count in answers.free.items())
    shown.print(f"{what[0].upper()}{what[1:]}{free}. Prices of {at}, from the table of {table}.")
    if found.parts:
        shown.print()
        shown.print(_parts(found))
    if found.saved or found.overhead:
        net = found.saved - found.overhead
        sign = "+" if net > 0 else "-" if net < 0 else ""
        saved, overhead, balance = map(decimal_text, (found.saved, found.overhead, abs(net)))
        shown.print(f"\nThe cache saved ${saved}, cost ${overhead} more: net {sign}${balance}.")
    for model, day in found.retirements.items():
        shown.print(Text(f"\n{model} {retires(day, time.time())}.", "yellow"))
    for reason, count in found.reasons.items():
        known = UNPRICED_REASONS.get(reason)
        many = f" ({times(count, 'answer')})" if found.answers > 1 else ""
        shown.print(
            Text.assemble("\n", (f"{reason}{many}", "yellow"), f": {known.meaning}\n{known.remedy}" if known else "")
        )


def _parts(found: Priced) -> Table:
    made = grid("Type", "Tokens", "USD per million", "USD")
    made.show_footer = True
    made.columns[0].footer, made.columns[-1].footer = "total", decimal_text(found.total)
    for kind, amount in found.parts.items():
        tokens = found.tokens.get(kind)
        if amount or tokens:
            made.add_row(
                _NAMES.get(kind, kind.replace("_", " ")),
                "" if tokens is None else f"{tokens:,}",
                _rate(found, kind, amount),
                decimal_text(amount),
            )
    if len(found.models) > 1:
        for model, parts in found.models.items():
            made.add_row(f"  {model}", "", "", decimal_text(sum(parts.values())), style="dim")
    return made


def _rate(found: Priced, kind: str, amount: int) -> str:
    """The price of a million tokens, where there was one: of one model, and a whole number of pico-dollars."""
    tokens = found.tokens.get(kind)
    if kind not in TOKEN_TYPES or not tokens or not amount or len(found.models) != 1 or found.by_iterations:
        return ""
    rate, rest = divmod(amount, tokens)
    return "" if rest else decimal_text(rate * PER_MILLION)


class Listed(NamedTuple):
    """One line of the table. Prices are USD per 1,000,000 tokens as decimal text, None where there is none."""

    model: str
    name: str
    status: str | None
    retires: str | None
    """The day on which Anthropic's own platform stops serving it."""
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
    wanted = None if model is None else table.id_of(model)
    return [
        row
        for known in table.models.values()
        if model is None or known.id == wanted
        for speed, periods in (("standard", known.standard), ("fast", known.fast))
        for period in _of_day(periods, at)
        for row in _lines(known, speed, period)
    ]


def _of_day(periods: tuple[Period, ...], at: float | None) -> list[Period]:
    if at is None:
        return sorted(periods, key=lambda period: (not period.custom, period.start))
    return [period for period in periods if period.covers(at // DAY)][:1]


def _lines(model: Model, speed: str, period: Period) -> list[Listed]:
    rows: list[Listed] = []
    for over, prices in ((None, period.prices), *period.tiers):
        shown: dict[str, str | None] = dict.fromkeys(prices._fields)
        if not model.unpriced:
            shown.update(zip(prices._fields, map(decimal_text, prices), strict=True))
        if speed == "fast":
            # Its cache prices are not its own: they follow from the standard row of the day.
            shown.update(cache_read=None, cache_write_5m=None, cache_write_1h=None)
        rows.append(
            Listed(
                model=model.id,
                name=model.name,
                status=model.status,
                retires=None if model.retires is None else date_of(model.retires),
                speed=speed,
                effective_from=date_of(period.start),
                effective_to=None if period.end is None else date_of(period.end),
                prompt_tokens_over=over,
                **shown,
                certainty=period.certainty,
                sources=period.sources,
                note=period.note,
                custom=period.custom,
            )
        )
    return rows


def show_list(table: PriceTable, *, model: str | None, at: float | None, chosen: bool, as_json: bool) -> None:
    """The price table. `chosen`: whether somebody chose that time. Else it is now, or None for all times."""
    after = chosen and at is not None and at // DAY > day_of(table.date)
    if model is not None and table.id_of(model) is None:
        close = get_close_matches(model, table.known, 3, 0.6)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        fail(f"price: the table has no model {model!r}.{hint} All of them: otel-claude price --list")
    rows = listing(table, model=model, at=at)
    if as_json:
        write_json(
            {
                "table": table.name,
                "unit": "USD per 1,000,000 tokens",
                "after_price_table": after,
                "rows": [row._asdict() for row in rows],
            }
        )
        return
    shown = console()
    made = grid("Model", "From", "Input", "Read", "5m", "1h", "Output")
    for row in rows:
        prices = (row.input, row.cache_read, row.cache_write_5m, row.cache_write_1h, row.output)
        made.add_row(_variant(row), row.effective_from, *(price or "" for price in prices))
    shown.print(made)
    shown.print(f"\nUSD per million tokens; Read, 5m and 1h are the cache's. Table of {table.name}.")
    if any(row.speed == "fast" for row in rows):
        shown.print("In fast mode, cache prices stand in the same ratio to the input's as in standard mode.")
    if after:
        shown.print("That day is after the table's date: prices may have changed since.")
    today = date_of(int((time.time() if at is None else at) // DAY))
    if ends := {row.model: row.retires for row in rows if row.retires is not None and row.retires > today}:
        listed = ", ".join(f"{name} on {day}" for name, day in ends.items())
        shown.print(f"Retire on Anthropic's own platform: {listed}.")
    without = [name for name, known in table.models.items() if known.unpriced and model is None]
    if without:
        shown.print(f"Published without a price: {', '.join(without)}.")
    if not rows and not without:
        shown.print("No price is in force on that day.")


def _variant(row: Listed) -> str:
    speed = "" if row.speed == "standard" else f" {row.speed}"
    tier = "" if row.prompt_tokens_over is None else f" >{row.prompt_tokens_over // 1000}k"
    return f"{row.model}{speed}{tier}{' (own)' if row.custom else ''}"


def grid(*columns: str) -> Table:
    """A table whose first column is a name, and whose last ones are amounts."""
    made = Table(
        box=box.SIMPLE,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1),
        header_style="dim",
        footer_style="bold",
        border_style="dim",
    )
    made.add_column(columns[0], overflow="fold", min_width=16)
    for name in columns[1:]:
        made.add_column(name, justify="left" if name in ("From", "What") else "right", no_wrap=True)
    return made
