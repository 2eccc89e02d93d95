"""`otel-claude reconcile`: what was measured against what Anthropic reports, for one window. Fit for cron."""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, get_args

from ..organization.errors import Problem
from ..pricing import PriceTableError, shipped
from ..prometheus import IncompleteDataError
from ..reconcile.compare import Against, Comparison, Row, Tolerance, by_key_and_model, compare
from ..reconcile.measured import measure
from ..reconcile.reported import reported
from ..spending.periods import time_of
from .arguments import Option
from .connections import AdminOptions, OptionError, PrometheusOptions, with_options
from .history import one_of, store_of
from .organization import NO_KEY, NO_MODEL
from .output import console, fail, guard_logs, say, write_json
from .tables import Table, csv_cell, show

_EQUAL, _DIFFERENT, _INCOMPLETE_DATA = 0, 1, 2
_MAX_EXPONENT: Final = 15
_COLUMNS: Final = (
    "api_key", "api_key_name", "model", "type", "ours_usd", "theirs_usd", "difference_usd", "ours_tokens",
    "theirs_tokens", "within_tolerance", "reason", "explanation",
)  # fmt: skip


@with_options
def command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    start: Annotated[
        str,
        Option("--from", metavar="TIME", help="The window's beginning: 2026-11-20, or 2026-11-20T13:00 (UTC)."),
    ],
    end: Annotated[str, Option("--to", metavar="TIME", help="The window's end, itself not in it.")],
    prometheus: Annotated[
        str,
        Option("--prometheus", metavar="URL", help="Where the metrics are: Prometheus, Mimir, VictoriaMetrics."),
    ],
    against: Annotated[str, Option("--against", help="list: the list price; billed: after your discount.")] = "list",
    tolerance: Annotated[
        str, Option("--tolerance", metavar="USD", help="Dollars that a row or the total may differ.")
    ] = "0.01",
    tolerance_percent: Annotated[
        str, Option("--tolerance-percent", metavar="PERCENT", help="The same, in percent of Anthropic's number.")
    ] = "0",
    match: Annotated[
        list[str] | None,
        Option("--match", metavar="MATCHER", help="Narrow what was measured, as 'job=\"checkout\"'. Repeatable."),
    ] = None,
    store: Annotated[
        str | None,
        Option(
            "--store",
            help="What the server is: prometheus, mimir or victoria-metrics. By default what it says of itself.",
        ),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV, a line for each key, model and token type.")] = False,
    *,
    to_prometheus: PrometheusOptions,
    to_admin: AdminOptions,
) -> None:
    """Compare what was measured with what was billed.

    Reads spend and tokens of a window from Prometheus and from Anthropic's Admin API (ANTHROPIC_ADMIN_KEY, or a file
    named by ANTHROPIC_ADMIN_KEY_FILE), and prints both by key and model, with the likely reason of each difference.
    Choose a window that ended at least ten minutes ago. Days are exact; a window of hours can differ by the calls of
    two minutes at its ends.

    Exit code: 0 if everything is within the tolerance, 1 if something is not, 2 if that cannot be told.
    """
    if as_json and as_csv:
        fail("reconcile: choose --json or --csv")
    guard_logs()
    try:
        begins, ends = _window(start, end)
        limits = Tolerance(_amount("--tolerance", tolerance), _amount("--tolerance-percent", tolerance_percent))
        side = one_of("--against", get_args(Against), against)
        server = to_prometheus.connect(prometheus)
        known = shipped().known
        with to_admin.reader() as reader:
            theirs = reported(reader, begins, ends, known)
        found = compare(
            measure(server, begins, ends, known, tuple(match or ()), store_of(store) if store else None),
            theirs,
            limits,
            side,
        )
    except (IncompleteDataError, OptionError, Problem, PriceTableError) as problem:
        if as_json:
            write_json({"verdict": "cannot_tell", "why": str(problem)})
        say(f"reconcile: cannot tell: {problem}")
        sys.exit(_INCOMPLETE_DATA)
    fields = [_fields(row) for row in found.rows]
    if as_json:
        write_json(
            {
                "verdict": "equal" if found.equal else "different",
                "from": begins.isoformat().replace("+00:00", "Z"),
                "to": ends.isoformat().replace("+00:00", "Z"),
                "against": side,
                "tolerance_usd": str(limits.usd),
                "tolerance_percent": str(limits.percent),
                "ours_usd": _plain(found.ours),
                "theirs_usd": _plain(found.theirs),
                "difference_usd": _plain(found.difference),
                "notes": found.notes,
                "rows": fields,
            }
        )
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(map(csv_cell, row.values()) for row in fields)
    else:
        basis = "list price" if side == "list" else "after discount, before credits"
        shown = console()
        shown.print(f"From {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, US dollars ({basis}).")
        _show(shown, found, limits)
    sys.exit(_EQUAL if found.equal else _DIFFERENT)


def _window(start: str, end: str) -> tuple[datetime, datetime]:
    begins, ends = time_of("--from", start), time_of("--to", end)
    if ends <= begins:
        raise IncompleteDataError(f"--to {end} is not after --from {start}")
    if ends > datetime.now(timezone.utc):
        raise IncompleteDataError(f"--to {end} is in the future: what was not used yet cannot be compared")
    if any(moment.second or moment.microsecond for moment in (begins, ends)):
        raise IncompleteDataError("--from and --to must be whole minutes: Anthropic's reports have none smaller")
    if ends - begins > timedelta(days=1) and (begins.minute or ends.minute):
        raise IncompleteDataError("a window of more than a day must begin and end at whole hours (UTC)")
    return begins, ends


def _amount(option: str, text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise IncompleteDataError(f"{option} {text!r} is no number") from None
    # Written out, an amount of a large exponent would fill the memory.
    if not found.is_finite() or found < 0 or (found and not -_MAX_EXPONENT <= found.adjusted() <= _MAX_EXPONENT):
        raise IncompleteDataError(f"{option} must be from 0 to 10^{_MAX_EXPONENT}, and with as many decimals")
    return found


def _fields(row: Row) -> dict[str, Any]:
    """A row as JSON and CSV have it."""
    name, why = row.reason or (None, None)
    usd = _plain(row.ours), _plain(row.theirs), _plain(row.difference)
    place = row.hint, row.name, row.model, row.kind
    return dict(zip(_COLUMNS, (*place, *usd, row.our_tokens, row.their_tokens, row.within, name, why), strict=True))


def _plain(amount: Decimal) -> str:
    """Dollars with nine decimals: doubles in Prometheus have no more that mean anything."""
    shown = f"{amount:.9f}"
    return shown.removeprefix("-") if not Decimal(shown) else shown


def _usd(amount: Decimal) -> str:
    """Dollars with four decimals, never `-0.0000`."""
    text = f"{amount:,.4f}"
    return "0.0000" if text == "-0.0000" else text


def _show(shown: Any, found: Comparison, limits: Tolerance) -> None:
    """Prints a comparison as tables for a person."""
    for note in found.notes:
        shown.print(note)
    shown.print()
    sums = [(_key(row), row.model or NO_MODEL, *_amounts(row)) for row in by_key_and_model(found.rows)]
    sums.append(("Total", "", *_amounts(found)))
    show(shown, Table("Spend", ("Key", "Model", "Ours", "Theirs", "Difference"), sums, 2))
    differences: list[tuple[str, ...]] = []
    amounts: dict[tuple[str, str], Decimal] = {}
    for row in found.rows:
        if row.reason is None:
            continue
        tokens = row.our_tokens - row.their_tokens
        why, more = row.reason.name.replace("_", " "), f"{tokens:+,}" if tokens else "0"
        key, model = row.name or _key(row), row.model or NO_MODEL
        differences.append((key, model, row.kind, why, _usd(row.difference), more))
        at = (_key(row), row.reason.text)
        amounts[at] = amounts.get(at, Decimal(0)) + row.difference
    if differences:
        columns = ("Key", "Model", "Type", "Likely reason", "Difference", "Tokens")
        shown.print()
        show(shown, Table("Differences", columns, differences, 4))
    shown.print()
    # Each reason once, with the key and the amount that it explains.
    for (key, text), amount in sorted(amounts.items(), key=lambda pair: -abs(pair[1])):
        shown.print(f"{_usd(amount):>12}  {key}: {text}", soft_wrap=True)
    allowed = f"{limits.usd.normalize():f} USD" + (f" or {limits.percent.normalize():f} %" if limits.percent else "")
    count = sum(not row.within for row in found.rows)
    if found.equal:
        shown.print(f"Equal: every row and the total are within {allowed}.")
    else:
        rows = "the total" if not count else "1 row" if count == 1 else f"{count} rows"
        shown.print(f"Different: {rows} by more than {allowed}.")


def _amounts(of: Row | Comparison) -> tuple[str, str, str]:
    return _usd(of.ours), _usd(of.theirs), _usd(of.difference)


def _key(row: Row) -> str:
    if row.hint is None:
        return NO_KEY
    return f"{row.name} ({row.hint})" if row.name else row.hint
