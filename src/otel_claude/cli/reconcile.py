"""`otel-claude reconcile`: what was measured against what Anthropic reports, for one window. Fit for cron."""

from __future__ import annotations

import csv
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, NoReturn, get_args

import typer

from ..organization import Problem, Reader
from ..pricing import PriceTableError, shipped
from ..reconcile import Against, Comparison, IncompleteDataError, Prometheus, Tolerance, compare, measure, reported
from ..reconcile.compare import Row
from .output import fail, guard_logs, say, write_json

_EQUAL, _DIFFERENT, _INCOMPLETE_DATA = 0, 1, 2
_DAY: Final = timedelta(days=1)
_COLUMNS: Final = (
    "api_key", "api_key_name", "model", "class", "ours_usd", "theirs_usd", "difference_usd", "ours_tokens",
    "theirs_tokens", "within_tolerance", "reason", "explanation",
)  # fmt: skip


def command(  # noqa: PLR0913, PLR0917 - each is an option of the command
    start: Annotated[
        str,
        typer.Option("--from", metavar="TIME", help="The window's beginning: 2026-11-20, or 2026-11-20T13:00 (UTC)."),
    ],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="The window's end, itself not in it.")],
    prometheus: Annotated[
        str,
        typer.Option("--prometheus", metavar="URL", help="Where the metrics are: Prometheus, Mimir, VictoriaMetrics."),
    ],
    against: Annotated[
        str, typer.Option("--against", help="list: the list price; billed: after your discount.")
    ] = "list",
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="USD", help="Dollars that a row or the total may differ.")
    ] = "0.01",
    tolerance_percent: Annotated[
        str, typer.Option("--tolerance-percent", metavar="PERCENT", help="The same, in percent of Anthropic's number.")
    ] = "0",
    match: Annotated[
        list[str] | None,
        typer.Option("--match", metavar="MATCHER", help="Narrow what was measured, as 'job=\"checkout\"'. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, a line for each key, model and token type.")
    ] = False,
) -> None:
    """Compare what was measured with what was billed.

    Reads spend and tokens of a window from Prometheus and from Anthropic's Admin API (ANTHROPIC_ADMIN_KEY), and prints
    both by key and model, with the likely reason of each difference. Choose a window that ended at least ten minutes
    ago. Days are exact; a window of hours can differ by the calls of two minutes at its ends.

    Exit code: 0 if everything is within the tolerance, 1 if something is not, 2 if that cannot be told.
    """
    if as_json and as_csv:
        fail("reconcile: choose --json or --csv")
    guard_logs()
    try:
        begins, ends = _window(start, end)
        limits = Tolerance(_amount("--tolerance", tolerance), _amount("--tolerance-percent", tolerance_percent))
        side = _against(against)
        server = Prometheus(prometheus)
        known = shipped().known
        with Reader() as reader:
            theirs = reported(reader, begins, ends, known)
        found = compare(measure(server, begins, ends, known, tuple(match or ())), theirs, limits, side)
    except (IncompleteDataError, Problem, PriceTableError) as problem:
        _incomplete_data(str(problem), as_json=as_json)
    if as_json:
        write_json(_json(found, begins, ends, limits, side))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(_fields(row).values() for row in found.rows)
    else:
        from .reconcile_page import show  # noqa: PLC0415 - only a person needs it

        show(found, begins, ends, limits, side)
    sys.exit(_EQUAL if found.equal else _DIFFERENT)


def _incomplete_data(why: str, *, as_json: bool) -> NoReturn:
    if as_json:
        write_json({"verdict": "cannot_tell", "why": why})
    say(f"reconcile: cannot tell: {why}")
    sys.exit(_INCOMPLETE_DATA)


def _window(start: str, end: str) -> tuple[datetime, datetime]:
    begins, ends = _time("--from", start), _time("--to", end)
    if ends <= begins:
        raise IncompleteDataError(f"--to {end} is not after --from {start}")
    if ends > datetime.now(timezone.utc):
        raise IncompleteDataError(f"--to {end} is in the future: what was not used yet cannot be compared")
    if any(moment.second or moment.microsecond for moment in (begins, ends)):
        raise IncompleteDataError("--from and --to must be whole minutes: Anthropic's reports have none smaller")
    if ends - begins > _DAY and (begins.minute or ends.minute):
        raise IncompleteDataError("a window of more than a day must begin and end at whole hours (UTC)")
    return begins, ends


def _time(option: str, text: str) -> datetime:
    try:
        # Python 3.10 reads no `Z`.
        when = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise IncompleteDataError(
            f"{option} {text!r} is no time. Write it as 2026-11-20, or 2026-11-20T13:00 (UTC)"
        ) from None
    return when.astimezone(timezone.utc) if when.tzinfo else when.replace(tzinfo=timezone.utc)


def _amount(option: str, text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise IncompleteDataError(f"{option} {text!r} is no number") from None
    if not found.is_finite() or found < 0:
        raise IncompleteDataError(f"{option} must not be less than 0")
    return found


def _against(text: str) -> Against:
    for known in get_args(Against):
        if known == text:
            return known
    raise IncompleteDataError(f"--against takes list or billed, not {text!r}")


def _json(found: Comparison, begins: datetime, ends: datetime, limits: Tolerance, side: Against) -> dict[str, Any]:
    return {
        "verdict": "equal" if found.equal else "different",
        "from": begins.isoformat().replace("+00:00", "Z"),
        "to": ends.isoformat().replace("+00:00", "Z"),
        "against": side,
        "tolerance_usd": str(limits.usd),
        "tolerance_percent": str(limits.percent),
        "ours_usd": plain(found.ours),
        "theirs_usd": plain(found.theirs),
        "difference_usd": plain(found.difference),
        "notes": list(found.notes),
        "rows": [_fields(row) for row in found.rows],
    }


def _fields(row: Row) -> dict[str, Any]:
    return dict(
        zip(
            _COLUMNS,
            (
                row.hint, row.name, row.model, row.kind, plain(row.ours), plain(row.theirs), plain(row.difference),
                row.our_tokens, row.their_tokens, row.within, row.reason and row.reason.name,
                row.reason and row.reason.text,
            ),
            strict=True,
        )
    )  # fmt: skip


def plain(amount: Decimal) -> str:
    """Dollars with nine decimals: doubles in Prometheus have no more that mean anything."""
    shown = f"{amount:.9f}"
    return shown.removeprefix("-") if not Decimal(shown) else shown
