"""The panels about change and plans: who spends more or less than a week ago, and how much of which budget is used."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.names import BUDGET, BUDGET_USED, JOB
from ..promql.queries import RANGE, Queries
from .panels import ORANGE, RED, SERVICE_UID, Column, Panel, Query, line
from .variables import TAG

_WEEK: Final = "1w"
_MOST: Final = 10
_SPENDER: Final = (JOB, c.RESPONSE_MODEL)
_VALUE: Final = "tag_value"
"""The label that the value of the chosen tag is moved to, whichever tag that is: a table's columns have fixed names."""


def _moved_most(q: Queries, by: tuple[str, ...], shown: str) -> str:
    """What is shown of those whose spend changed most, up or down."""
    now, before, labels = q.spent(RANGE, by), q.spent(RANGE, by, ago=_WEEK), by
    if by == (TAG,):
        now, before, labels = q.relabelled(now, TAG, _VALUE), q.relabelled(before, TAG, _VALUE), (_VALUE,)
    # One sum over both, which are told apart by a label: as a difference each would be written twice, to stand for 0
    # where the other has no value.
    change = q.by(labels, f'label_replace({now}, "when", "now", "", "") or -1 * {before}')
    values = {"change": change, "now": now, "before": before}
    return f"{values[shown]} and topk({_MOST}, abs({change}))"


def _movers(number: int, title: str, description: str, by: tuple[str, ...], *columns: Column) -> Panel:
    return Panel(
        number, title, description, "table", "currencyUSD",
        (
            line(lambda q: _moved_most(q, by, "now")),
            line(lambda q: _moved_most(q, by, "before")),
            line(lambda q: _moved_most(q, by, "change")),
        ),
        "-", sorted_by="Change",
        columns=(
            *columns,
            Column("Value #A", "Spend", "currencyUSD"), Column("Value #B", "A week before", "currencyUSD"),
            Column("Value #C", "Change", "currencyUSD"),
        ),
    )  # fmt: skip


MOVERS: Final = _movers(
    131,
    "Top movers against last week",
    "The ten pairs of service and model whose spend differs most from that of the same hours a week ago, up or down. "
    "New ones have no week before. Needs metrics that are kept for longer than a week and the time range.",
    _SPENDER,
    Column(JOB, "Service", link=SERVICE_UID),
    Column(c.RESPONSE_MODEL, "Model"),
)
TAG_MOVERS: Final = _movers(
    132,
    "Top movers against last week, by $tag",
    "The ten values of the label chosen as “Tag” whose spend differs most from that of the same hours a week ago, up "
    "or down. A row without a value is what does not have this tag.",
    (TAG,),
    Column(_VALUE, "Value"),
)


def _amount(q: Queries, what: str, ago: str) -> str:
    """A quantity of each service and model, in the time range or the same hours of the week before."""
    if what == "usd":
        return q.spent(RANGE, _SPENDER, ago=ago)
    if what == "requests":
        return q.requests(RANGE, _SPENDER, ago=ago)
    tokens = {
        name: q.increase(metric, RANGE, _SPENDER, ago=ago)
        for name, metric in (("input", c.INPUT_TOKENS), ("output", c.OUTPUT_TOKENS), ("cached", c.CACHE_READ_TOKENS))
    }
    return f"({tokens['input']} + {tokens['output']})" if what == "tokens" else tokens[what]


def _per(part: str, whole: str, ago: str) -> Query:
    """A quantity per another, of those whose spend changed most."""

    def query(q: Queries) -> str:
        quotient = f"{_amount(q, part, ago)} / {_amount(q, whole, ago)}"
        return f"{quotient} and {_moved_most(q, _SPENDER, 'change')}"

    return query


def _grew(part: str, whole: str = "") -> Query:
    """By which share a quantity, or one per another, is more than a week before."""

    def query(q: Queries) -> str:
        now, before = (
            f"({_amount(q, part, ago)}{f' / {_amount(q, whole, ago)}' if whole else ''})" for ago in ("", _WEEK)
        )
        return f"{now} / {before} - 1 and {_moved_most(q, _SPENDER, 'change')}"

    return query


WHY: Final = Panel(
    135, "What changed against last week",
    "The ten pairs of service and model whose spend differs most from that of the same hours a week ago, and by how "
    "much calls, tokens per call and the price of a token changed: the largest is usually why. A dearer model shows as "
    "a pair that is new beside one that ends. `otel-claude explain` divides the difference among its causes exactly.",
    "table", "percentunit",
    (
        line(lambda q: _moved_most(q, _SPENDER, "change")),
        line(_grew("requests")), line(_grew("input", "requests")), line(_grew("output", "requests")),
        line(_per("cached", "input", _WEEK)), line(_per("cached", "input", "")), line(_grew("usd", "tokens")),
    ),
    "-", sorted_by="Change",
    columns=(
        Column(JOB, "Service", link=SERVICE_UID), Column(c.RESPONSE_MODEL, "Model"),
        Column("Value #A", "Change", "currencyUSD", decimals=2), Column("Value #B", "Calls", "percentunit"),
        Column("Value #C", "Input per call", "percentunit"), Column("Value #D", "Output per call", "percentunit"),
        Column("Value #E", "Cache hits before", "percentunit"), Column("Value #F", "Cache hits", "percentunit"),
        Column("Value #G", "Price of a token", "percentunit"),
    ),
)  # fmt: skip
BUDGETS: Final = Panel(
    133, "Budgets of tags, used",
    "The share of each budget that the last thirty days used, as recorded at each full hour. Budgets are given as "
    "`otel-claude export rules --budget tenant=acme:500`. Not narrowed by the choices above. Over 100 %: choose the "
    "tag and its value above, and find what grew.",
    "bargauge", "percentunit", (line(lambda q: q.by((BUDGET,), BUDGET_USED, "max"), "", BUDGET),), "no budget given",
    thresholds=((0.8, ORANGE), (1.0, RED)), decimals=0,
)  # fmt: skip
