"""`otel-claude spend`: what was spent, by service, model, key, tag or day. For a person, a spreadsheet or a program."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from .. import redact
from ..api.json import as_list, as_object
from ..files import read
from ..organization.errors import Problem
from ..pricing import UNPRICED_REASONS, PriceTableError, shipped
from ..prometheus import IncompleteDataError
from ..semconv import COST
from ..semconv.claude_code import CODE_COST
from ..spending.organization import read_organization
from ..spending.periods import DAY, HOUR, Period, floor, rfc3339
from ..spending.usage import (
    CODE_DIMENSIONS,
    DIMENSIONS,
    TYPE,
    WIDTHS,
    Key,
    Usage,
    labels_of,
    read_claude_code,
    read_spend,
    read_unpriced,
    read_usage,
)
from .arguments import Option
from .connections import AdminOptions, OptionError, PrometheusOptions, with_options
from .history import HistoryOptions, now, one_of
from .output import console, fail, guard_logs, write_json
from .tables import Table, csv_cell, show

_SCHEMA: Final = 1
_FORMATS: Final = ("table", "csv", "json", "markdown")
_CLAUDE_CODE: Final = "claude-code"
_SOURCES: Final = ("prometheus", _CLAUDE_CODE, "organization")
_SOURCE_SAID: Final = {
    _CLAUDE_CODE: "Of Claude Code alone, as its sessions report it at prices of its own.",
    "organization": "What Anthropic's Admin API reports, at list price.",
}
_USUAL: Final = "7d"
_MAX_FILE: Final = 1 << 26
_MAX_AMOUNT: Final = 10**18
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|&])")
"""What Markdown takes for markup where names may have it."""
_COUNTS: Final = {
    "calls": "Calls",
    "uncached_input_tokens": "Input",
    "cache_read_input_tokens": "Cached",
    "cache_creation_input_tokens": "Written",
    "output_tokens": "Output",
}
"""The counts of a row, and how a table names them."""
_FIELDS: Final = ("usd", *_COUNTS, "share", "cache_hit_ratio")
_UNKNOWN: Final = "(not known)"
_SHOWN: Final = {"day": len("2026-11-20"), "hour": len("2026-11-20T13:00")}
"""How much of a moment is shown."""
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_BAR_WIDTH: Final = 8
_WITH_BARS: Final = 100
"""Characters of a terminal that has place for bars."""
_FEW_DAYS: Final = 3


@dataclass
class _Answer:
    """What was spent. Without a period: in whatever time a file is about."""

    by: tuple[str, ...]
    rows: list[tuple[Key, Usage]]
    source: str
    unpriced: Counter[str] = field(default_factory=Counter[str])
    period: Period | None = None
    trend: list[Decimal] = field(default_factory=list[Decimal])
    width: str = ""
    others: int = 0
    """How many rows the last one stands for, or 0."""
    without: frozenset[str] = frozenset()
    """Counts that are not known."""

    @cached_property
    def usd(self) -> Decimal:
        """US dollars."""
        return sum((usage.total for _, usage in self.rows), Decimal(0))


@with_options
def command(  # noqa: PLR0913 - each is an option of the command
    by: Annotated[
        str,
        Option(
            "--by",
            metavar="LIST",
            help="day, hour, job, model, key, workspace, operation, type, library or tag.<key>; several with commas. "
            "Of Claude Code: day, hour, job, model, user, team, query_source, speed.",
        ),
    ] = "model",
    written: Annotated[str, Option("--format", metavar="FORMAT", help="table, csv, json or markdown.")] = "table",
    top: Annotated[
        float, Option("--top", metavar="N", at_least=0, help="The N largest rows, and one for the rest. 0: all.")
    ] = 0,
    source: Annotated[
        str,
        Option(
            "--source",
            metavar="SOURCE",
            help="prometheus: the calls of applications. claude-code: what Claude Code reports of itself, in the same "
            "server. organization: what the Admin API reports.",
        ),
    ] = "prometheus",
    file: Annotated[
        Path | None, Option("--file", metavar="FILE", help="The JSON of a summary, in place of a server.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON: the same as --format json.")] = False,
    *,
    chosen: HistoryOptions,
    to_prometheus: PrometheusOptions,
    to_admin: AdminOptions,
) -> None:
    """Show what was spent.

    Reads what the rules recorded in Prometheus or Mimir, or the series of VictoriaMetrics: dollars, calls and tokens of
    a period, seven days up to now unless --from or --last say otherwise. `--source organization` shows in the same form
    what Anthropic's Admin API reports at list price, `--source claude-code` what the sessions of Claude Code report.

    Exit code: 0, or 2 for what could not be answered.
    """
    guard_logs()
    try:
        written = "json" if as_json else one_of("--format", _FORMATS, written)
        is_code = one_of("--source", _SOURCES, source) == _CLAUDE_CODE
        dimensions = _dimensions(by, CODE_DIMENSIONS if is_code else DIMENSIONS)
        if file is not None:
            answer = _of_file(file, dimensions)
        elif source == "organization":
            answer = _of_organization(to_admin, chosen, dimensions)
        else:
            answer = _of_store(to_prometheus, chosen, dimensions, source, trend=written == "table")
    except (IncompleteDataError, OptionError, Problem, PriceTableError) as problem:
        fail(f"spend: {problem}")
    _cut(answer, int(top))
    {"table": _show, "json": _write_json, "csv": _write_csv, "markdown": _write_markdown}[written](answer)


def _dimensions(by: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(filter(None, (each.strip() for each in by.split(",")))))
    for dimension in found:
        labels_of(dimension, known)
    if not found:
        raise IncompleteDataError("--by is empty: choose what to tell apart, as job,model")
    if len(WIDTHS.keys() & set(found)) > 1:
        raise IncompleteDataError("--by takes day or hour, not both")
    return found


def _of_store(
    connection: PrometheusOptions, chosen: HistoryOptions, by: tuple[str, ...], source: str, *, trend: bool
) -> _Answer:
    moment = now()
    is_code = source == _CLAUDE_CODE
    opened = chosen.server(connection, CODE_DIMENSIONS if is_code else DIMENSIONS)
    period = chosen.period(opened.queries, _USUAL, moment)
    history = opened.open(period, moment)
    found = (read_claude_code if is_code else read_usage)(history, by, shipped().known)
    if not found:
        if is_code:
            raise opened.nothing("Claude Code exported", f"from {period}", "otel-claude doctor --claude-code")
        raise opened.nothing("otel-claude measured", f"from {period}")
    # Dollars by type have no calls beside them.
    unpriced = read_unpriced(history) if TYPE in by else sum((use.unpriced for use in found.values()), Counter[str]())
    answer = _Answer(by, _ordered(found, by), source, unpriced, period)
    if is_code and not any(use.calls for use in found.values()):
        # Without its events nobody counts them.
        answer.without = frozenset({"calls"})
    if trend:
        answer.width = "hour" if period.length <= _FEW_DAYS * DAY else "day"
        answer.trend = read_spend(history, WIDTHS[answer.width], CODE_COST if is_code else COST)
    return answer


def _of_organization(connection: AdminOptions, chosen: HistoryOptions, by: tuple[str, ...]) -> _Answer:
    if chosen.where:
        raise IncompleteDataError("--where is for what was measured: the organization's reports are whole")
    newest = floor(now() - HOUR / 6, HOUR)
    period = chosen.period_up_to(newest, _USUAL)
    if period.end > newest:
        raise IncompleteDataError(
            f"whole hours are reported up to {rfc3339(newest)}, and the period ends later: give --to"
        )
    with connection.reader() as reader:
        found = read_organization(reader, period, by, shipped().known)
    return _Answer(by, _ordered(found, by), "organization", period=period)


def _of_file(file: Path, by: tuple[str, ...]) -> _Answer:
    """The JSON that `summary.json` writes."""
    if not set(by) <= {"model", TYPE}:
        raise IncompleteDataError("a summary is told apart by model and type alone: give --by model, type or both")
    try:
        summary = as_object(json.loads(read(file, _MAX_FILE, waits=True)))
        found: dict[Key, Usage] = {}
        for each in as_list(summary["models"]) or ():
            model = as_object(each)
            name = redact.name(str(model["model"]))
            for part, usd in as_object(model["parts"]).items():
                kind = redact.name(part)
                usage = found.setdefault(tuple(name if dimension == "model" else kind for dimension in by), Usage())
                usage.usd[kind] = usage.usd.get(kind, Decimal(0)) + _amount(usd)
            if TYPE not in by:
                found[name,].calls = int(_amount(model["calls"]))
                found[name,].tokens.update({each: int(_amount(n)) for each, n in as_object(model["tokens"]).items()})
        unpriced = Counter[str]()
        for each in as_list(summary["unpriced"]) or ():
            reason = redact.name(str(as_object(each)["reason"]))
            unpriced[reason] += int(_amount(as_object(each)["calls"]))
    except OSError as error:
        raise IncompleteDataError(f"--file {file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        raise IncompleteDataError(f"--file {file}: it is not the JSON of a summary") from None
    return _Answer(by, _ordered({key: usage for key, usage in found.items() if usage != Usage()}, by), "file", unpriced)


def _amount(given: object) -> Decimal:
    """A number of a summary. Raises ValueError or ArithmeticError for what can be none."""
    amount = Decimal(str(given))
    if not abs(amount) < _MAX_AMOUNT:
        raise ValueError
    return amount


def _ordered(found: dict[Key, Usage], by: tuple[str, ...]) -> list[tuple[Key, Usage]]:
    """By time where that comes first, and the most expensive first."""
    by_time = by[0] in WIDTHS

    def place(item: tuple[Key, Usage]) -> tuple[str, Decimal, list[str]]:
        key, usage = item
        return (key[0] or "") if by_time else "", -usage.total, [value or "" for value in key]

    return sorted(found.items(), key=place)


def _cut(answer: _Answer, top: int) -> None:
    """Puts all but the largest rows into one, so that they still add up."""
    if not top or len(answer.rows) <= top:
        return
    by_usd = sorted(range(len(answer.rows)), key=lambda number: -answer.rows[number][1].total)
    largest, others = sorted(by_usd[:top]), by_usd[top:]
    rest = Usage()
    for number in others:
        rest.add(answer.rows[number][1])
    answer.rows = [*(answer.rows[number] for number in largest), ((None,) * len(answer.by), rest)]
    answer.others = len(others)


def _write_json(answer: _Answer) -> None:
    rows = [_fields(answer, key, usage) for key, usage in answer.rows]
    if answer.others:
        rows[-1]["others"] = answer.others
    write_json(
        {
            "schema": _SCHEMA,
            "source": answer.source,
            "from": answer.period and rfc3339(answer.period.start),
            "to": answer.period and rfc3339(answer.period.end),
            "usd": usd_text(answer.usd),
            "by": list(answer.by),
            "rows": rows,
            "unpriced_calls": answer.unpriced.total(),
            "unpriced": [{"reason": reason, "calls": count} for reason, count in answer.unpriced.most_common()],
        }
    )


def _write_csv(answer: _Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*answer.by, *_FIELDS])
    for key, usage in answer.rows:
        writer.writerow(["" if cell is None else csv_cell(cell) for cell in _fields(answer, key, usage).values()])


def _fields(answer: _Answer, key: Key, usage: Usage) -> dict[str, Any]:
    """A row as JSON and CSV have it."""
    without = _COUNTS.keys() if TYPE in answer.by else answer.without
    counts = (None if name in without else count for name, count in zip(_COUNTS, _counts(usage), strict=True))
    share, ratio = (None if each is None else f"{each:.6f}" for each in (_share(answer, usage), _hit_ratio(usage)))
    values = usd_text(usage.total), *counts, share, ratio
    return dict(zip(answer.by, key, strict=True)) | dict(zip(_FIELDS, values, strict=True))


def _counts(usage: Usage) -> tuple[int, ...]:
    tokens = usage.tokens
    written = tokens["cache_write_5m"] + tokens["cache_write_1h"]
    return usage.calls, tokens["input"], tokens["cache_read"], written, tokens["output"]


def _hit_ratio(usage: Usage) -> Decimal | None:
    """The share of input tokens that the cache gave."""
    _, uncached, from_cache, written, _ = _counts(usage)
    total = uncached + from_cache + written
    return Decimal(from_cache) / total if total else None


def _share(answer: _Answer, usage: Usage) -> Decimal | None:
    return usage.total / answer.usd if answer.usd else None


def usd_text(amount: Decimal) -> str:
    """Dollars to a billionth, with two decimals or as many as are needed."""
    whole, _, decimals = f"{amount:.9f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _table(answer: _Answer, *, bars: str = "") -> Table:
    """`bars`: the character that bars are made of, if there are any."""
    kinds = TYPE in answer.by
    titles = () if kinds else (*_COUNTS.values(), "Hits")
    columns = (*(each.capitalize() for each in answer.by), "USD", "Share", *([""] if bars else []), *titles)
    total, rows = Usage(), list[tuple[str, ...]]()
    for _, usage in answer.rows:
        total.add(usage)
    highest = max((usage.total for _, usage in answer.rows), default=Decimal(0))
    last = answer.rows[-1] if answer.others else None
    for row in (*answer.rows, (("Total",), total)):
        key, usage = row
        names = [_shown(dimension, each) for dimension, each in zip(answer.by, key, strict=False)]
        if row is last:
            names = [f"{answer.others} others"]
        amounts = [f"{usage.total:,.{2 if answer.usd >= 1 else 6}f}", _percent(_share(answer, usage))]
        if bars:
            amounts.append(bars * round(_BAR_WIDTH * usage.total / highest) if highest and usage is not total else "")
        if not kinds:
            counts = zip(_COUNTS, _counts(usage), strict=True)
            amounts += ["" if name in answer.without else _compact(count) for name, count in counts]
            amounts.append(_percent(_hit_ratio(usage)))
        rows.append((*names, *[""] * (len(answer.by) - len(names)), *amounts))
    return Table("", columns, rows, len(answer.by))


def _compact(count: int) -> str:
    """A count in at most seven characters: 81,216, then 1.62M."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count / size:.4g}{unit}"
    return f"{count:,}"


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _shown(dimension: str, text: str | None) -> str:
    """A value as a table has it: a day or an hour without the rest of its moment."""
    if text is None:
        return _UNKNOWN
    return text[: _SHOWN[dimension]].replace("T", " ") if dimension in _SHOWN and text.endswith("Z") else text


def _show(answer: _Answer) -> None:
    shown = console()
    blocks = shown.encoding.lower().startswith("utf")
    if answer.period is not None:
        shown.print(" ".join((f"From {answer.period}, US dollars.", _SOURCE_SAID.get(answer.source, ""))).rstrip())
    if blocks and (highest := max(answer.trend, default=Decimal(0))) > 0:
        steps = (round(max(Decimal(0), usd) / highest * (len(_BLOCKS) - 1)) for usd in answer.trend)
        drawn = "".join(_BLOCKS[step] for step in steps)
        shown.print(f"Each {answer.width}: {drawn}  at most {highest:,.2f}", soft_wrap=True)
    shown.print()
    bars = "" if shown.width < _WITH_BARS else "█" if blocks else "#"
    show(shown, _table(answer, bars=bars))
    for reason, count in answer.unpriced.most_common():
        known = UNPRICED_REASONS.get(reason)
        text = f": {known.meaning} {known.remedy}" if known else ""
        calls = "1 call is" if count == 1 else f"{count:,} calls are"
        shown.print(f"{calls} not in it, or in part ({reason}){text}", soft_wrap=True)


def _write_markdown(answer: _Answer) -> None:
    def line(cells: Sequence[str]) -> str:
        plain = (_MARKUP.sub(r"\\\1", cell) for cell in cells)
        return f"| {' | '.join(plain)} |\n"

    table = _table(answer)
    sides = ["---"] * table.text_columns + ["---:"] * (len(table.columns) - table.text_columns)
    sys.stdout.write("".join(line(cells) for cells in (table.columns, sides, *table.rows)))
