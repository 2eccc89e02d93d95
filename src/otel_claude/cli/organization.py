"""`otel-claude organization`: what Anthropic says that the organization used and was billed, exported or printed."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated, Final

from .. import redact
from ..organization.errors import ABSENT, FINAL, Problem
from ..organization.metrics import MONTH, TODAY, YESTERDAY, periods, spent
from ..organization.models import Cost
from ..organization.poller import MIN_INTERVAL, USUAL_INTERVAL, Poller, Snapshot, Times, logger
from ..organization.reports import Report, within
from .arguments import Option
from .connections import AdminOptions, OptionError, with_options
from .output import console, fail, guard_logs, say
from .tables import Table, show

_NOT_READ: Final = 2
NO_KEY: Final = "(no API key)"
NO_MODEL: Final = "(no model)"
_FRESH_SECONDS: Final = 90


@with_options
def command(
    once: Annotated[bool, Option("--once", help="Read everything once, print it, and export nothing.")] = False,
    interval: Annotated[
        float, Option("--interval", metavar="SECONDS", at_least=MIN_INTERVAL, help="How often the reports are read.")
    ] = USUAL_INTERVAL,
    *,
    to_admin: AdminOptions,
) -> None:
    """Show what the organization used and was billed.

    Reads Anthropic's Admin API with ANTHROPIC_ADMIN_KEY (sk-ant-admin…, never a normal key), or with the file that
    ANTHROPIC_ADMIN_KEY_FILE names, and exports spend, tokens,
    spend limits, rate limits and keys over OTLP, to where OTEL_EXPORTER_OTLP_ENDPOINT says, until it is terminated. Run
    one of it. With --once it prints them instead.

    Exit code: 0 when terminated, or when all was read; 2 if the credential is not accepted, or, with --once, if the
    amounts could not be read.
    """
    from ..organization import service  # noqa: PLC0415 - --help needs neither the SDK nor OpenTelemetry's

    logging.basicConfig(format="otel-claude: %(message)s", level=logging.WARNING)
    # The SDK logs each retry of its own; what comes of them is said by us.
    logging.getLogger("anthropic").setLevel(logging.ERROR)
    guard_logs()
    try:
        reader = to_admin.reader()
    except (OptionError, Problem) as problem:
        fail(str(problem))
    with reader:
        poller = Poller(reader, Times(report=interval))
        if once:
            _once(poller)
        else:
            service.run(poller, lambda: _started(poller, service.endpoint(os.environ), interval))


def _started(poller: Poller, endpoint: str, interval: float) -> None:
    if _is_final(poller.seen()):
        sys.exit(_NOT_READ)  # It was logged when it was met.
    say(f"exporting to {redact.url(endpoint)}, reading every {interval:g} s")


def _is_final(seen: Snapshot) -> bool:
    return any(problem.kind in FINAL for problem in seen.problems.values())


def _once(poller: Poller) -> None:
    logger.disabled = True  # What is wrong is said below, after the tables.
    try:
        poller.poll()
    finally:
        logger.disabled = False
    seen = poller.seen()
    if not _is_final(seen):
        shown = console()
        shown.print(_as_of(seen))
        for table in _tables(seen):
            shown.print()
            show(shown, table)
    # One credential that is not accepted is one message, not one for each part.
    for text in dict.fromkeys(str(problem) for problem in seen.problems.values()):
        say(text)
    if any(part == "report" or problem.kind not in ABSENT for part, problem in seen.problems.items()):
        sys.exit(_NOT_READ)


def _tables(seen: Snapshot) -> list[Table]:
    """What is worth seeing at once."""
    workspaces = seen.workspaces or {}
    names = {key.id: key.name for key in seen.api_keys or ()}

    def workspace(id_: str | None) -> str:
        return workspaces.get(id_ or "", id_ or "")

    def key_and_model(row: Cost) -> tuple[str, ...]:
        key = row.dimensions.key_id
        return NO_KEY if key is None else names.get(key, key), row.dimensions.model or NO_MODEL

    found: list[Table] = []
    if seen.report is not None:
        titles = {TODAY: "Today", YESTERDAY: "Yesterday", MONTH: "Month"}
        title = "US dollars at list price"
        found.append(_amounts(title, ("Key", "Model"), titles, seen.now, seen.report, key_and_model))
        titles["billed"] = "Month, billed"
        found.append(_amounts("By type", ("Type",), titles, seen.now, seen.report, lambda row: (row.kind,)))
    if seen.spend_limits:
        found.append(_spend_limits(seen, workspace))
    if seen.rate_limits:
        found.append(_rate_limits(seen, workspace))
    if seen.api_keys is not None:
        use = seen.key_use
        rows = [
            (
                key.name,
                key.hint or "",
                workspace(key.workspace_id),
                key.status,
                "not known" if use is None else f"{use.get(key.id, 0):,}",
            )
            for key in seen.api_keys
        ]
        found.append(Table("API keys", ("Name", "Key", "Workspace", "Status", "Requests in 30 days"), rows, 4))
    return found


def _usd(amount: Decimal) -> str:
    """Dollars with four decimals; what is there but rounds to nothing is `<0.0001`."""
    shown = f"{amount:,.4f}"
    return "<0.0001" if amount > 0 and shown == "0.0000" else shown


def _as_of(seen: Snapshot) -> str:
    """How old the amounts are."""
    if seen.report is None:
        return "The amounts are not known."
    when = seen.report.as_of.astimezone(timezone.utc)
    late = (datetime.fromtimestamp(seen.now, timezone.utc) - when).total_seconds()
    ago = "" if late < _FRESH_SECONDS else f", {int(late // 60)} minutes ago"
    return f"As Anthropic reports it, refreshed {when:%Y-%m-%d %H:%M} UTC{ago}. Days and months are in UTC."


def _amounts(
    title: str,
    columns: tuple[str, ...],
    titles: dict[str, str],
    now: float,
    report: Report,
    named: Callable[[Cost], tuple[str, ...]],
) -> Table:
    """Sums of costs by `named`, in the columns of `titles`: periods at list price, and what the month was billed."""
    sums: dict[tuple[str, ...], dict[str, Decimal]] = {}
    for row in report.costs:
        amounts = sums.setdefault(named(row), dict.fromkeys((TODAY, YESTERDAY, MONTH, "billed"), Decimal(0)))
        for period, span in periods(now).items():
            if within(row.bucket, *span):
                amounts[period] += row.listed
                if period == MONTH:
                    amounts["billed"] += row.billed
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][MONTH], pair[0]))
    rows = [(*of, *(_usd(amounts[period]) for period in titles)) for of, amounts in ordered]
    whole = (sum((amounts[period] for amounts in sums.values()), Decimal(0)) for period in titles)
    rows.append(("Total", *[""] * (len(columns) - 1), *map(_usd, whole)))
    return Table(title, (*columns, *titles.values()), rows, len(columns))


def _spend_limits(seen: Snapshot, workspace: Callable[[str | None], str]) -> Table:
    rows: list[tuple[str, ...]] = []
    for limit in seen.spend_limits or ():
        scope = f"{limit.scope.replace('_', ' ')} {workspace(limit.workspace_id)}".strip()
        amount = spent(seen, limit)
        share = "" if amount is None or not limit.usd else f"{amount / limit.usd * 100:.1f} %"
        rows.append((scope, limit.period, _usd(limit.usd), "not known" if amount is None else _usd(amount), share))
    return Table("Spend limits", ("Of", "Period", "Limit", "Spent", "Used"), rows, 2)


def _rate_limits(seen: Snapshot, workspace: Callable[[str | None], str]) -> Table:
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for limit in seen.rate_limits or ():
        sums.setdefault((limit.group, workspace(limit.workspace_id)), {})[limit.name] = limit.value
    text_columns = ("Group", "Workspace") if any(where for _, where in sums) else ("Group",)
    rows: list[tuple[str, ...]] = []
    for of, values in sums.items():
        counts = (values.get(name) for name in ("requests", "input_tokens", "output_tokens"))
        rows.append((*of[: len(text_columns)], *("" if count is None else f"{count:,}" for count in counts)))
    columns = (*text_columns, "Requests", "Input tokens", "Output tokens")
    return Table("Rate limits per minute", columns, rows, len(text_columns))
