"""`otel-claude advise`: what to change so that Claude costs less, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from .. import semconv as c
from ..organization.errors import Problem
from ..pricing import PriceTableError, shipped
from ..prometheus import IncompleteDataError
from ..promql.names import JOB
from ..promql.queries import HOURLY, RAW, Queries
from ..promql.recorded import HOURS
from ..spending.advice import RULES, Certainty, Rule
from ..spending.history import SLOT, History, recorded_after
from ..spending.options import Choice, options, read_costs, retirements
from ..spending.periods import HOUR, Period, floor, rfc3339
from ..spending.usage import read_spend
from .arguments import Option
from .connections import OptionError, PrometheusOptions, with_options
from .history import HistoryOptions, OpenedStore, now
from .output import console, fail, guard_logs, write_json
from .spend import usd_text
from .tables import Table, show

_SCHEMA: Final = 1
_USUAL: Final = "7d"
_MONTH: Final = timedelta(days=30)
_NAMES: Final = {JOB: "job", c.RESPONSE_MODEL: "model", c.REQUEST_MODEL: "model", c.CACHE_MISS_REASON: "miss_reason"}
_MOST_OPTIONS: Final = 10
_EPOCH: Final = date(1970, 1, 1).toordinal()
_OPTION_TITLES: Final = {"cheaper_model": "Cheaper model", "batch": "As batches"}
_OPTION_RISKS: Final = {
    "cheaper_model": "A decision about quality; another model can also need more or fewer tokens for the same.",
    "batch": "Results come within a day, usually within an hour.",
}
_SUCCESSOR_RISK: Final = "Another model answers differently, and can need more or fewer tokens for the same."


@dataclass(frozen=True)
class _Advice:
    """One place to which a rule applies, with its numbers."""

    id: str
    certainty: Certainty
    title: str
    where: dict[str, str]
    usd: Decimal
    worth: Decimal
    """Dollars by which it is decided whether it is worth saying."""
    evidence: dict[str, dict[str, str]]
    arithmetic: str
    change: str
    risk: str
    docs: str


@with_options
def command(
    min_usd: Annotated[
        float, Option("--min-usd", metavar="USD", at_least=0, help="US dollars a month from which on advice is given.")
    ] = 5,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
    *,
    chosen: HistoryOptions,
    to_prometheus: PrometheusOptions,
) -> None:
    """Say where money can be saved, and how much.

    Looks at a period (seven days up to now, unless --from or --last say otherwise; from three days on it is made of
    whole hours) and says what to change, ranked by what that is worth in a month of thirty days. Each has its
    certainty: exact, an upper bound, or an estimate. Advice can overlap: do not add it up. Options are apart: what the
    same tokens cost with a cheaper model or as batches. The rules are in docs/savings.md.

    Exit code: 0, or 2 for what could not be answered.
    """
    guard_logs()
    moment = now()
    try:
        opened = chosen.server(to_prometheus)
        period = _period(chosen, opened.queries, moment)
        history = opened.open(period, moment)
        total = _total(opened, history)
        table = shipped()
        costs = read_costs(history, table)
        advice = [*_by_rules(opened, history), *map(_successor, retirements(costs, table, period.end))]
        choices = list(options(costs, table, period.end))
    except (IncompleteDataError, OptionError, Problem, PriceTableError) as problem:
        fail(f"advise: {problem}")
    monthly = Decimal(_MONTH / period.length)
    advice = sorted((each for each in advice if each.worth * monthly >= min_usd), key=lambda each: -each.usd)
    choices = sorted((each for each in choices if each.saved * monthly >= min_usd), key=lambda each: -each.saved)
    if as_json:
        write_json(_json(period, total, advice, choices, monthly))
    else:
        _show(period, total, advice, choices, monthly)


def _period(chosen: HistoryOptions, queries: Queries, moment: datetime) -> Period:
    """The period that is looked at. A long one is read from hours, so that it begins and ends with whole ones."""
    period = chosen.period(queries, _USUAL, moment)
    if period.length.total_seconds() < HOURLY:
        return period
    # Hours are recorded an hour after they end: a period up to now ends with the last one that is.
    newest = moment - recorded_after(HOURS) if queries.recorded and chosen.end is None else period.end
    end = floor(min(period.end, newest), HOUR)
    if chosen.start is None:
        return Period(end - period.length, end)
    return Period(floor(period.start + HOUR - SLOT, HOUR), end)


def _total(opened: OpenedStore, history: History) -> Decimal:
    usd = sum(read_spend(history, history.period.length), Decimal(0))
    if not usd:
        raise IncompleteDataError(
            f"Prometheus at {opened.server.address} has no spend that otel-claude measured from {history.period}"
        )
    return usd


def _by_rules(opened: OpenedStore, history: History) -> Iterator[_Advice]:
    """What the rules find. A rule of single slots needs the recorded ones."""
    level = history.level
    # Histograms have no tags: they say alone whether there are enough calls, and how long prompts are.
    tag = opened.queries.translator.label(c.TAG_PREFIX)
    untagged = tuple(each for each in opened.queries.where if not each.startswith(tag))
    queries, at = replace(opened.queries, untagged_where=untagged), history.period.end
    if level is not None:
        queries, at = replace(queries, slots=level.name), at + recorded_after(level)
    elif queries.recorded:
        queries = replace(queries, slots=RAW)
    window = f"{int(history.period.length.total_seconds())}s"
    for rule in RULES:
        if not (rule.slots and queries.slots == RAW):
            yield from _found(rule, opened, queries, window, at.timestamp())


def _found(rule: Rule, opened: OpenedStore, queries: Queries, window: str, at: float) -> Iterator[_Advice]:
    dollars = rule.usd(queries, window)
    rows = [
        (_row(rule, queries, labels), usd) for labels, usd in opened.server.query(dollars, at) if opened.keeps(labels)
    ]
    if not rows:
        return
    evidence = {name: expression(queries, window) for name, expression in rule.evidence.items()}
    values = {
        name: {tuple(_row(rule, queries, labels).items()): value for labels, value in opened.server.query(query, at)}
        for name, query in evidence.items()
    }
    for row, usd in rows:
        known = {"usd": {"value": usd_text(usd), "query": dollars}}
        for name, query in evidence.items():
            value = values[name].get(tuple(row.items()))
            if value is not None:
                known[name] = {"value": usd_text(value), "query": query}
        yield _Advice(
            rule.id, rule.certainty, rule.title, row, usd, usd, known, rule.arithmetic, rule.change, rule.risk,
            f"docs/{rule.docs}",
        )  # fmt: skip


def _row(rule: Rule, queries: Queries, labels: Mapping[str, str]) -> dict[str, str]:
    """Where it is, by the names that users give places."""
    return {_NAMES[label]: labels.get(queries.translator.bare(label), "") for label in rule.by}


def _successor(choice: Choice) -> _Advice:
    """Advice about a model that retires."""
    retires = date.fromordinal(_EPOCH + (choice.retires or 0)).isoformat()
    costs = "less" if choice.saved >= 0 else "more"
    return _Advice(
        "model_retires", "estimate", f"{choice.place.model} retires on {retires}", choice.place._asdict(),
        choice.saved, choice.usd,
        {
            "usd": {"value": usd_text(choice.usd)},
            "usd_at_successor": {"value": usd_text(choice.usd_then)},
            "retires": {"value": retires},
            "successor": {"value": choice.model or ""},
        },
        f"What it cost, and the same tokens at the price of {choice.model}{_tiers(choice)}, which is {costs}.",
        f"Try {choice.model}. From {retires} on calls of {choice.place.model} fail.",
        _SUCCESSOR_RISK, "docs/runbooks.md#claudemodelretires",
    )  # fmt: skip


def _tiers(choice: Choice) -> str:
    return f" for prompts up to {choice.longer:,} tokens" if choice.longer else ""


def _arithmetic(choice: Choice) -> str:
    usd, then = usd_text(choice.usd), usd_text(choice.usd_then)
    if choice.model is None:
        return f"{usd} USD for tokens of calls, {then} USD for the same as batches"
    return f"{usd} USD for tokens, {then} USD for the same at the price of {choice.model}{_tiers(choice)}"


def _json(
    period: Period, total: Decimal, advice: list[_Advice], choices: list[Choice], monthly: Decimal
) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "from": rfc3339(period.start),
        "to": rfc3339(period.end),
        "usd": usd_text(total),
        "advice": [
            {
                "id": each.id,
                "certainty": each.certainty,
                "title": each.title,
                "usd": usd_text(each.usd),
                "usd_per_month": usd_text(each.usd * monthly),
                "where": each.where,
                "evidence": each.evidence,
                "arithmetic": each.arithmetic,
                "change": each.change,
                "risk": each.risk,
                "docs": each.docs,
            }
            for each in advice
        ],
        "options": [
            {
                "id": each.id,
                "usd": usd_text(each.saved),
                "usd_per_month": usd_text(each.saved * monthly),
                "where": each.place._asdict(),
                **({"model": each.model} if each.model else {}),
                "arithmetic": _arithmetic(each),
                "risk": _OPTION_RISKS[each.id],
            }
            for each in choices
        ],
    }


def _show(period: Period, total: Decimal, advice: list[_Advice], choices: list[Choice], monthly: Decimal) -> None:
    shown = console()
    shown.print(f"From {period}: {total:,.2f} US dollars.", soft_wrap=True)
    shown.print()
    if not advice:
        shown.print("No advice: nothing that the rules look for is worth that much.", soft_wrap=True)
    else:
        rows = [
            (str(number), each.title, *_place(each.where), each.certainty, f"{each.usd * monthly:,.2f}")
            for number, each in enumerate(advice, 1)
        ]
        columns = ("", "Advice", "Service", "Model", "Certainty", "USD a month")
        show(shown, Table("What to change", columns, rows, 5))
        for each in {each.title: each for each in advice}.values():
            _explain(shown, each)
    if choices:
        shown.print()
        rows = [
            (
                _OPTION_TITLES[each.id],
                each.place.job,
                each.place.model,
                each.model or "",
                f"{each.saved * monthly:,.2f}",
            )
            for each in choices[:_MOST_OPTIONS]
        ]
        columns = ("Option", "Service", "Model", "Instead", "USD a month")
        show(shown, Table("Options: true of any history, and a decision of yours", columns, rows, 4))
    more = f"{len(choices) - _MOST_OPTIONS} more options, and " if len(choices) > _MOST_OPTIONS else ""
    shown.print()
    shown.print(f"With --json: {more}the numbers behind each advice with their queries.", soft_wrap=True)


def _explain(shown: Any, advice: _Advice) -> None:
    """What a rule says, once for all its places."""
    from rich.table import Table as Grid  # noqa: PLC0415 - this alone needs Rich

    lines = Grid.grid(padding=(0, 1))
    for name, text in (
        ("Change", advice.change), ("Worth", advice.arithmetic), ("Risk", advice.risk), ("More", advice.docs),
    ):  # fmt: skip
        lines.add_row(f"  {name}:", text)
    shown.print()
    shown.print(advice.title, style="bold", soft_wrap=True)
    shown.print(lines)


def _place(where: Mapping[str, str]) -> tuple[str, str]:
    reason = f" ({where['miss_reason']})" if where.get("miss_reason") else ""
    return where["job"], f"{where.get('model', 'all')}{reason}"
