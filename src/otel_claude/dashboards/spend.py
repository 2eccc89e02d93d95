"""The panels about money: what is spent, by whom, and against which budget."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.names import JOB
from ..promql.queries import RANGE, STEP, Queries
from .panels import BLUE, GREEN, ORANGE, PURPLE, RED, SERVICE_UID, YELLOW, Column, Panel, exemplars, line
from .variables import TAG

COST_COLORS: Final = (
    ("input", BLUE), ("output", PURPLE), ("cache_read", GREEN), ("cache_write_5m", YELLOW), ("cache_write_1h", ORANGE),
    ("web_search", "#5794f2"),
)  # fmt: skip
_NOTHING: Final = "nothing spent"

SPEND: Final = Panel(
    101, "Spend",
    "What the calls in the time range cost, exactly, at the prices of the table (list prices, or your own). "
    "Calls that could not be priced are not in it: see “Unpriced calls”.",
    "stat", "currencyUSD", (line(lambda q: q.spent(RANGE)),), _NOTHING, decimals=2,
)  # fmt: skip
SPEND_LAST_HOUR: Final = Panel(
    102, "Live: last hour",
    "Dollars spent in the last 60 minutes, up to the last export, whatever the time range. A jump without more traffic "
    "means longer prompts, a more expensive model or a cache that stopped working: look at the panels by model and by "
    "type.",
    "stat", "currencyUSD", (line(lambda q: q.raw_increase(c.COST, "1h")),), _NOTHING, decimals=2,
)  # fmt: skip
PROJECTED_MONTH: Final = Panel(
    103, "Projected month",
    "The last 24 hours, thirty times. Too low while there is less than a day of data.",
    "stat", "currencyUSD", (line(lambda q: f"30 * {q.spent('24h')}"),), _NOTHING, decimals=0,
)  # fmt: skip
BUDGET_SHARE: Final = Panel(
    104, "Month vs budget",
    "The projected month against the monthly budget in the field above. Over 100 % the month will end over budget at "
    "this pace: find who spends it in the table below, then a smaller model, a cache or a limit for that caller.",
    "stat", "percentunit", (line(lambda q: f"30 * {q.spent('24h')} / $budget"),), _NOTHING,
    thresholds=((0.8, ORANGE), (1.0, RED)), decimals=0,
)  # fmt: skip
CALLS: Final = Panel(
    105, "Calls", "Calls that ended in the time range, failed ones included. Retries within a call are not counted.",
    "stat", "locale", (line(lambda q: q.calls(RANGE)),), "no calls", decimals=0,
)  # fmt: skip
COST_PER_CALL: Final = Panel(
    106, "Cost per call",
    "Mean dollars of a call that did not fail. It rises with longer prompts and responses, thinking, and a cache that "
    "is not hit.",
    "stat", "currencyUSD", (line(lambda q: q.cost_per_call(RANGE)),), "no calls", decimals=4,
)  # fmt: skip
SPEND_OVER_TIME: Final = Panel(
    110, "Spend over time, by model",
    "Dollars per bar. The bars add up to the spend, but for the first, which begins before the range. "
    "A new colour is a new model: check that it was meant.",
    "bars", "currencyUSD", (line(lambda q: q.spent(STEP, (c.RESPONSE_MODEL,)), "", c.RESPONSE_MODEL),), _NOTHING,
    stacked=True,
)  # fmt: skip
SPEND_BY_TYPE_OVER_TIME: Final = Panel(
    111, "Spend over time, by type",
    "Dollars per bar by what they pay for. Mostly cache_write and little cache_read: the cache is written in vain. "
    "Mostly output: shorter responses or less thinking help more than shorter prompts.",
    "bars", "currencyUSD", (line(lambda q: q.spent(STEP, (c.COST_TYPE,)), "", c.COST_TYPE),), _NOTHING,
    colors=COST_COLORS, stacked=True,
)  # fmt: skip


def _ranking(number: int, title: str, description: str, label: str, nameless: str = "none") -> Panel:
    def ranked(q: Queries) -> str:
        return f"topk(10, {q.named(q.spent(RANGE, (label,)), label, nameless)})"

    return Panel(
        number,
        title,
        description,
        "bargauge",
        "currencyUSD",
        (line(ranked, "", label),),
        _NOTHING,
        base=BLUE,
        decimals=2,
    )


BY_SERVICE: Final = _ranking(120, "Spend by service", "The ten services (`job`) that spent most.", JOB)
BY_MODEL: Final = _ranking(
    121,
    "Spend by model",
    "The ten models that cost most, by the names in the responses. A smaller one may do.",
    c.RESPONSE_MODEL,
)
BY_TYPE: Final = _ranking(
    122, "Spend by token type", "What was paid for: input, cache reads and writes, output, web searches.", c.COST_TYPE
)
BY_TAG: Final = _ranking(
    123, "Spend by $tag",
    "The ten values of the label chosen as “Tag” that spent most. Tags are set by the application "
    "(`otel_claude.tags`); where it sets none, the choice is `job`.", TAG, "without this tag",
)  # fmt: skip
BY_KEY: Final = _ranking(
    124, "Spend by API key", "Keys are shown as in the Console, never whole. An unknown key: find its owner there.",
    c.API_KEY_HINT, "not shown",
)  # fmt: skip
BY_WORKSPACE: Final = _ranking(
    125, "Spend by workspace", "Workspaces as the API names them in its responses.",
    c.WORKSPACE_ID,
)  # fmt: skip
BY_TIER: Final = _ranking(
    126, "Spend by service tier",
    "Standard, priority or batch, as the API served it. Priority Tier has no price per token and shows as unpriced.",
    c.RESPONSE_SERVICE_TIER,
)  # fmt: skip
CALL_COST_OVER_TIME: Final = Panel(
    127, "Cost per call",
    "Estimated p95 and p50 (from buckets in steps of 1, 2, 5). The points are exemplars: each leads to the trace of "
    "one call, the high ones to the expensive calls.",
    "lines", "currencyUSD",
    (
        line(lambda q: q.quantile(0.95, c.CALL_COST, STEP), "p95 (estimate)"),
        line(lambda q: q.quantile(0.5, c.CALL_COST, STEP), "p50 (estimate)"),
        exemplars(c.CALL_COST),
    ),
    "no priced call", colors=(("p95 (estimate)", ORANGE), ("p50 (estimate)", BLUE)),
)  # fmt: skip

_WHO: Final = (JOB, c.REQUEST_MODEL, c.API_KEY_HINT)
RETIREMENTS: Final = Panel(
    134, "Models that retire",
    "Models that were used within a day and whose end on Anthropic's own platform is known: calls fail from then on. "
    "Below zero it is over. What a service spends on one is what has to move.",
    "table", "none",
    (
        line(lambda q: f"{q.retires_at()} - time()"),
        line(lambda q: f"{q.spent_on_models('7d')} and {q.retires_at()}"),
    ),
    "none in use", sorted_by="Spend of 7 days",
    columns=(
        Column(JOB, "Service", link=SERVICE_UID), Column(c.REQUEST_MODEL, "Model"),
        Column("Value #A", "Retires in", "s"), Column("Value #B", "Spend of 7 days", "currencyUSD", decimals=2),
    ),
)  # fmt: skip
TOP_SPENDERS: Final = Panel(
    130, "Top spenders",
    "The twenty most expensive combinations of service, model and key. A service's name leads to its own dashboard. "
    "Much per call with few cache hits is where a cache pays first. A row without a model is batches, whose results do "
    "not say which was asked for.",
    "table", "currencyUSD",
    (
        line(lambda q: f"topk(20, {q.spent(RANGE, _WHO)})"),
        line(lambda q: q.calls(RANGE, _WHO)),
        line(lambda q: q.cost_per_call(RANGE, _WHO)),
        line(lambda q: q.cache_hits(RANGE, _WHO)),
        line(lambda q: q.errors(RANGE, _WHO)),
    ),
    "-", sorted_by="Spend",
    columns=(
        Column(JOB, "Service", link=SERVICE_UID), Column(c.REQUEST_MODEL, "Model"), Column(c.API_KEY_HINT, "API key"),
        Column("Value #A", "Spend", "currencyUSD"), Column("Value #B", "Calls", "locale"),
        Column("Value #C", "Per call", "currencyUSD"), Column("Value #D", "Cache hits", "percentunit"),
        Column("Value #E", "Errors", "percentunit"),
    ),
)  # fmt: skip
