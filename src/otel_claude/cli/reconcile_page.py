"""Reconcile page: a comparison as tables for a person."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ..organization.page import NO_KEY, NO_MODEL, Table
from ..reconcile import Against, Comparison, Tolerance
from ..reconcile.compare import Row, by_key_and_model
from .organization import rich_table
from .output import console


def show(found: Comparison, begins: datetime, ends: datetime, limits: Tolerance, side: Against) -> None:
    """Prints it."""
    shown = console()
    shown.print(f"From {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, US dollars ({_against(side)}).")
    for note in found.notes:
        shown.print(note)
    shown.print()
    shown.print(rich_table(_sums(found)))
    differences = _differences(found)
    if differences.rows:
        shown.print()
        shown.print(rich_table(differences))
    shown.print()
    for line in _reasons(found):
        shown.print(line, soft_wrap=True)
    shown.print(_verdict(found, limits))


def _against(side: Against) -> str:
    return "list price" if side == "list" else "after discount, before credits"


def usd(amount: Decimal) -> str:
    """Dollars with four decimals, never `-0.0000`."""
    text = f"{amount:,.4f}"
    return "0.0000" if text == "-0.0000" else text


def _sums(found: Comparison) -> Table:
    rows = [
        (_key(row), row.model or NO_MODEL, usd(row.ours), usd(row.theirs), usd(row.difference))
        for row in by_key_and_model(found.rows)
    ]
    rows.append(("Total", "", usd(found.ours), usd(found.theirs), usd(found.difference)))
    return Table("Spend", ("Key", "Model", "Ours", "Theirs", "Difference"), tuple(rows), 2)


def _differences(found: Comparison) -> Table:
    rows = tuple(
        (
            row.name or _key(row),
            row.model or NO_MODEL,
            row.kind,
            row.reason.name.replace("_", " "),
            usd(row.difference),
            f"{row.our_tokens - row.their_tokens:+,}" if row.our_tokens != row.their_tokens else "0",
        )
        for row in found.rows
        if row.reason is not None
    )
    columns = ("Key", "Model", "Type", "Likely reason", "Difference", "Tokens")
    return Table("Differences", columns, rows, 4)


def _reasons(found: Comparison) -> list[str]:
    """Each reason once, with the key and the amount that it explains."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in found.rows:
        if row.reason is not None:
            at = (_key(row), row.reason.text)
            sums[at] = sums.get(at, Decimal(0)) + row.difference
    ordered: list[tuple[tuple[str, str], Decimal]] = sorted(sums.items(), key=lambda pair: -abs(pair[1]))
    return [f"{usd(amount):>12}  {key}: {text}" for (key, text), amount in ordered]


def _verdict(found: Comparison, limits: Tolerance) -> str:
    allowed = f"{limits.usd.normalize():f} USD" + (f" or {limits.percent.normalize():f} %" if limits.percent else "")
    if found.equal:
        return f"Equal: every row and the total are within {allowed}."
    count = sum(not row.within for row in found.rows)
    rows: Any = "the total" if not count else "1 row" if count == 1 else f"{count} rows"
    return f"Different: {rows} by more than {allowed}."


def _key(row: Row) -> str:
    if row.hint is None:
        return NO_KEY
    return f"{row.name} ({row.hint})" if row.name else row.hint
