"""Page: what is seen of an organization as tables of text, for a person. Pure; knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from .metrics import MONTH, TODAY, YESTERDAY, periods, spent
from .models import Cost, Dimensions
from .poller import Snapshot
from .reports import Report, within

NO_KEY: Final = "(no API key)"
NO_MODEL: Final = "(no model)"
_NEAR: Final = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, the names of its columns, and rows of cells. The first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text_columns: int = 1


def tables(seen: Snapshot) -> list[Table]:
    """What is worth seeing at once."""
    found: list[Table] = []
    if seen.report is not None:
        found.append(_amounts("US dollars at list price", seen, seen.report, ("Key", "Model"), _key_and_model(seen)))
        found.append(_amounts("By type", seen, seen.report, ("Type",), lambda row: (row.kind,), billed=True))
    if seen.spend_limits:
        found.append(_spend_limits(seen))
    if seen.rate_limits:
        found.append(_rate_limits(seen))
    if seen.keys is not None:
        found.append(_keys(seen))
    return found


def usd(amount: Decimal) -> str:
    """Dollars with four decimals; what is there but rounds to nothing is `<0.0001`."""
    shown = f"{amount:,.4f}"
    return "<0.0001" if amount > 0 and shown == "0.0000" else shown


def as_of(seen: Snapshot) -> str:
    """How old the amounts are."""
    if seen.report is None:
        return "The amounts are not known."
    when = seen.report.as_of.astimezone(timezone.utc)
    late = datetime.fromtimestamp(seen.now, timezone.utc) - when
    ago = "" if late < _NEAR else f", {int(late.total_seconds() // 60)} minutes ago"
    return f"As Anthropic reports it, refreshed {when:%Y-%m-%d %H:%M} UTC{ago}. Days and months are in UTC."


def _key_and_model(seen: Snapshot) -> Callable[[Cost], tuple[str, ...]]:
    names = {key.id: key.name for key in seen.keys or ()}

    def named(row: Cost) -> tuple[str, ...]:
        dimensions: Dimensions = row.dimensions
        key = NO_KEY if dimensions.key_id is None else names.get(dimensions.key_id, dimensions.key_id)
        return key, dimensions.model or NO_MODEL

    return named


def _amounts(
    title: str,
    seen: Snapshot,
    report: Report,
    columns: tuple[str, ...],
    named: Callable[[Cost], tuple[str, ...]],
    billed: bool = False,
) -> Table:
    spans = periods(datetime.fromtimestamp(seen.now, timezone.utc))
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for row in report.costs:
        of = sums.setdefault(named(row), dict.fromkeys((TODAY, YESTERDAY, MONTH, "billed"), Decimal(0)))
        for period, span in spans.items():
            if within(row.bucket, *span):
                of[period] += row.listed
                if period == MONTH:
                    of["billed"] += row.billed
    shown = (TODAY, YESTERDAY, MONTH, *(("billed",) if billed else ()))
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][MONTH], pair[0]))
    rows = [(*of, *(usd(amounts[period]) for period in shown)) for of, amounts in ordered]
    whole = {period: sum((of[period] for of in sums.values()), Decimal(0)) for period in shown}
    rows.append(("Total", *[""] * (len(columns) - 1), *(usd(whole[period]) for period in shown)))
    titles = {TODAY: "Today", YESTERDAY: "Yesterday", MONTH: "Month", "billed": "Month, billed"}
    return Table(title, (*columns, *(titles[period] for period in shown)), tuple(rows), len(columns))


def _spend_limits(seen: Snapshot) -> Table:
    names = {workspace.id: workspace.name for workspace in seen.workspaces or ()}
    rows: list[tuple[str, ...]] = []
    for limit in seen.spend_limits or ():
        scope = limit.scope.replace("_", " ")
        dimensions = f"{scope} {names.get(limit.workspace_id or '', limit.workspace_id or '')}".strip()
        amount = spent(seen, limit)
        share = "" if amount is None or not limit.usd else f"{amount / limit.usd * 100:.1f} %"
        rows.append((dimensions, limit.period, usd(limit.usd), "not known" if amount is None else usd(amount), share))
    return Table("Spend limits", ("Of", "Period", "Limit", "Spent", "Used"), tuple(rows), 2)


_LIMITS: Final = ("requests", "input_tokens", "output_tokens")


def _rate_limits(seen: Snapshot) -> Table:
    names = {workspace.id: workspace.name for workspace in seen.workspaces or ()}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for limit in seen.rate_limits or ():
        where = "" if limit.workspace_id is None else names.get(limit.workspace_id, limit.workspace_id)
        sums.setdefault((limit.group, where), {})[limit.name] = limit.value
    rows = tuple(
        (*of, *(f"{values[name]:,}" if name in values else "" for name in _LIMITS)) for of, values in sums.items()
    )
    columns = ("Group", "Workspace", "Requests", "Input tokens", "Output tokens")
    if not any(where for _, where in sums):
        rows = tuple((row[0], *row[2:]) for row in rows)
        columns = (columns[0], *columns[2:])
    return Table("Rate limits per minute", columns, rows, len(columns) - len(_LIMITS))


def _keys(seen: Snapshot) -> Table:
    names = {workspace.id: workspace.name for workspace in seen.workspaces or ()}
    rows: Iterable[tuple[str, ...]] = (
        (
            key.name,
            key.hint or "",
            names.get(key.workspace_id or "", key.workspace_id or ""),
            key.status,
            "not known" if seen.key_use is None else f"{seen.key_use.get(key.id, 0):,}",
        )
        for key in seen.keys or ()
    )
    return Table("API keys", ("Name", "Key", "Workspace", "Status", "Requests in 30 days"), tuple(rows), 4)
