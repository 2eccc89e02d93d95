"""How prices look on a terminal: of stored answers, of the table, and against other libraries."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from ..pricing import UNPRICED_REASONS, PriceTable
from ..pricing.listing import Listed, listing
from ..pricing.rows import decimal_text
from ..summary.render import times
from .answers import Stored
from .output import console, fail, write_json
from .price_file_check import CLASSES, Difference, Result, check
from .priced import TOKEN_TYPES, Priced

_PER: Final = 1_000_000
_NAMES: Final = {"input": "input, uncached"}
_STATUS_STYLES: Final = {"exact": "green", "lower_bound": "yellow", "unpriced": "red"}


def show_price(found: Priced, stored: Stored, *, table: str, at: str) -> None:
    """Total, parts and why."""
    shown = console()
    total = {"exact": "", "lower_bound": "at least "}.get(found.status)
    said = "not known" if total is None else f"{total}${decimal_text(found.total)}"
    shown.print(Text.assemble((said, "bold"), " ", (f"({found.status})", _STATUS_STYLES[found.status])))
    what = f"{times(len(stored.answers), 'answer')} in {stored.form}" if len(stored.answers) != 1 else stored.form
    free = "".join(f"; {count:,} {why}, free" for why, count in stored.free.items())
    shown.print(f"{what[0].upper()}{what[1:]}{free}. Prices of {at}, from the table of {table}.")
    if found.parts:
        shown.print()
        shown.print(_parts(found))
    if found.saved or found.overhead:
        net = found.saved - found.overhead
        sign = "+" if net > 0 else "-" if net < 0 else ""
        balance = f"{sign}${decimal_text(abs(net))}"
        shown.print(
            f"\nThe cache saved ${decimal_text(found.saved)}, cost ${decimal_text(found.overhead)} more: net {balance}."
        )
    for reason, count in found.reasons.items():
        known = UNPRICED_REASONS.get(reason)
        many = f" ({times(count, 'answer')})" if len(stored.answers) > 1 else ""
        shown.print(
            Text.assemble("\n", (f"{reason}{many}", "yellow"), f": {known.meaning}\n{known.remedy}" if known else "")
        )


def _parts(found: Priced) -> Table:
    made = _grid("Type", "Tokens", "USD per million", "USD")
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
    return "" if rest else decimal_text(rate * _PER)


def show_list(table: PriceTable, *, model: str | None, at: float | None, as_json: bool) -> None:
    """The price table."""
    if model is not None and not table.knows(model):
        close = get_close_matches(model, table.known, 3, 0.6)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        fail(f"price: the table has no model {model!r}.{hint} All of them: otel-claude price --list")
    rows = listing(table, model=model, at=at)
    if as_json:
        write_json({"table": table.name, "unit": "USD per 1,000,000 tokens", "rows": [row._asdict() for row in rows]})
        return
    shown = console()
    made = _grid("Model", "From", "Input", "Read", "5m", "1h", "Output")
    for row in rows:
        prices = (row.input, row.cache_read, row.cache_write_5m, row.cache_write_1h, row.output)
        made.add_row(_variant(row), row.effective_from, *(price or "" for price in prices))
    shown.print(made)
    shown.print(f"\nUSD per million tokens; Read, 5m and 1h are the cache's. Table of {table.name}.")
    if any(row.speed == "fast" for row in rows):
        shown.print("In fast mode, cache prices stand in the same ratio to the input's as in standard mode.")
    without = [name for name, known in table.models.items() if known.unpriced and model is None]
    if without:
        shown.print(f"Published without a price: {', '.join(without)}.")
    if not rows and not without:
        shown.print("No price is in force on that day.")


def _variant(row: Listed) -> str:
    parts = [row.model]
    if row.speed != "standard":
        parts.append(row.speed)
    if row.prompt_tokens_over is not None:
        parts.append(f">{row.prompt_tokens_over // 1000}k")
    if row.custom:
        parts.append("(own)")
    return " ".join(parts)


def show_check(table: PriceTable, *, at: float, as_json: bool) -> None:
    """How the table compares with other libraries'. Exits with 1 if a number differs, or a model is not known here."""
    results = check(table, at=at)
    if as_json:
        write_json({"table": table.name, "libraries": [_result_json(result) for result in results]})
    else:
        shown = console()
        for result in results:
            _show_result(shown, result, table)
        if not any(result.installed for result in results):
            shown.print("Nothing to compare with: pip install genai-prices litellm")
    sys.exit(1 if any(_differs(row, table) for result in results for row in result.differences) else 0)


def _differs(row: Difference, table: PriceTable) -> bool:
    """Whether one of the two must be wrong, or we lack a model; a number that one of them does not have is no error."""
    return None not in (row.ours, row.theirs) or not table.knows(row.model)


def _show_result(shown: Any, result: Result, table: PriceTable) -> None:
    if not result.installed:
        shown.print(f"{result.library}: not installed.\n")
        return
    differing = [row for row in result.differences if _differs(row, table)]
    verdict = f"{len(differing) or 'none'} {'differ' if len(differing) > 1 else 'differs'}"
    shown.print(Text.assemble((result.library, "bold"), f": {result.compared:,} prices compared, {verdict}."))
    if result.lacks:
        shown.print(f"It has no prices of: {', '.join(result.lacks)}.")
    if differing:
        made = _grid("Model", "What", "Ours", "Theirs")
        for row in differing:
            made.add_row(row.model, row.what, *_numbers(row))
        shown.print(made)
    for title, side in (("Only in our table", "theirs"), ("Only there", "ours")):
        _show_missing(shown, title, [row for row in result.differences if getattr(row, side) is None])
    shown.print()


def _show_missing(shown: Any, title: str, rows: list[Difference]) -> None:
    models: dict[str, list[str]] = {}
    for row in rows:
        models.setdefault(row.model, []).append("everything" if row.what == "model" else row.what)
    if models:
        made = Table(title, "", box=None, pad_edge=False, padding=(0, 1), header_style="dim")
        for model, whats in models.items():
            made.add_row(model, ", ".join(_shortened(whats)))
        shown.print(made)


def _shortened(whats: list[str]) -> list[str]:
    """All classes with one modifier, such as every `... batch`, by the modifier alone."""
    for modifier in {what.partition(" ")[2] for what in whats} - {""}:
        every = [f"{kind} {modifier}" for kind in CLASSES]
        if set(every) <= set(whats):
            whats = [*(what for what in whats if what not in every), modifier]
    return whats


def _numbers(difference: Difference) -> tuple[str, str]:
    """Dollars per million tokens, or per thousand searches."""
    many = 1000 if difference.what == "web_search" else _PER
    ours, theirs = (
        "none" if number is None else f"{(number * many / 10**12).normalize():f}"
        for number in (difference.ours, difference.theirs)
    )
    return ours, theirs


def _result_json(result: Result) -> dict[str, Any]:
    differences = [
        {"model": row.model, "what": row.what, "ours": ours, "theirs": theirs}
        for row in result.differences
        for ours, theirs in [_numbers(row)]
    ]
    return {**result._asdict(), "differences": differences}


def _grid(*columns: str) -> Table:
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
