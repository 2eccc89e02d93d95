"""The dashboard "Claude: where to save": what the rules of advice find in the time range, and what batches save."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.names import JOB
from ..promql.queries import RANGE, STEP
from ..spending.advice import ADVICE, EXACT, MODEL, RULES, as_batches, found
from . import batches, spend, tokens
from .panels import BLUE, ORANGE, PURPLE, SAVINGS_UID, SERVICE_UID, Column, Dashboard, Panel, Row, line

_WORTH: Final = "Worth"
_RULES: Final = {rule.id: rule for rule in RULES}


def _stat(number: int, title: str, rule: str) -> Panel:
    return Panel(
        number, title,
        f"{_RULES[rule].arithmetic} Exact, of all services with {_RULES[rule].id} in the table below.",
        "stat", "currencyUSD", (line(lambda q: q.by((), _RULES[rule].usd(q, RANGE))),), "nothing found", decimals=2,
    )  # fmt: skip


def _table(number: int, title: str, description: str, *ids: str) -> Panel:
    """What some rules find. A table of all of them would take more than a second at 500 pods."""
    rules = [_RULES[each] for each in ids]
    return Panel(
        number, title,
        f"{description} Looks for: {', '.join(ids)}. What each means and what to change is in docs/savings.md.",
        "table", "currencyUSD", (line(lambda q: found(rules, q, RANGE)),), "nothing found", sorted_by=_WORTH,
        columns=(
            Column(ADVICE, "Advice", width=140), Column(JOB, "Service", link=SERVICE_UID, width=115),
            Column(MODEL, "Model", width=155), Column("Value #A", _WORTH, "currencyUSD", decimals=2, width=75),
        ),
    )  # fmt: skip


UNREAD: Final = _stat(501, "Cache that costs more than it saves", "cache_unread")
FAST: Final = _stat(502, "Premium of fast mode", "fast_mode")
US_ONLY: Final = _stat(503, "Premium of US-only inference", "us_only")
_AT_MOST: Final = "The most that a change can save in the time range; often it is a part of it."
_ESTIMATE: Final = "What a change would have saved in the time range, under an assumption that its rule names."
TABLES: Final = (
    _table(
        510, "Worth, exactly", "What the same calls would have cost less in the time range.",
        *(rule.id for rule in EXACT),
    ),
    _table(511, "Worth at most: prompts", _AT_MOST, "prompt_uncached", "rate_limited"),
    _table(512, "Worth at most: output and searches", _AT_MOST, "thinking", "web_search"),
    _table(513, "Worth, estimated: the cache", _ESTIMATE, "cache_missed", "cache_ttl_too_long", "cache_ttl_too_short"),
    _table(514, "Worth, estimated: calls", _ESTIMATE, "truncated", "abandoned"),
)  # fmt: skip
PREMIUMS: Final = Panel(
    520, "Premiums over time",
    "Dollars per bar that fast mode and US-only inference cost above the standard price.",
    "bars", "currencyUSD",
    tuple(
        line(lambda q, rule=rule: q.by((), _RULES[rule].usd(q, STEP)), legend)
        for rule, legend in (("fast_mode", "fast mode"), ("us_only", "US only"))
    ),
    "no premium paid", colors=(("fast mode", ORANGE), ("US only", PURPLE)), stacked=True,
)  # fmt: skip
AS_BATCHES: Final = Panel(
    530, "What batches would save, at most",
    "Half of what the tokens of calls cost, by service and model. It is an option and no advice: only work that can "
    "wait for up to a day can be a batch.",
    "table", "currencyUSD", (line(lambda q: f"topk(20, {as_batches(q, RANGE)})"),), "no calls", sorted_by=_WORTH,
    base=BLUE,
    columns=(
        Column(JOB, "Service", link=SERVICE_UID), Column(c.RESPONSE_MODEL, "Model"),
        Column("Value #A", _WORTH, "currencyUSD", decimals=2),
    ),
)  # fmt: skip

SAVINGS: Final = Dashboard(
    SAVINGS_UID, "Claude: where to save",
    "What can be changed so that the same work costs less, with what it is worth in the time range. The same as "
    "`otel-claude advise`. Advice can overlap: do not add it up.",
    (
        Row(
            "",
            (
                (spend.SPEND, 6, 4), (UNREAD, 6, 4), (FAST, 6, 4), (US_ONLY, 6, 4),
                *((table, 8, 8) for table in TABLES), (tokens.CACHE_DOLLARS, 8, 8),
            ),
        ),
        Row("What retires?", ((spend.RETIREMENTS, 24, 7),)),
        Row("Since when?", ((PREMIUMS, 12, 8), (tokens.CACHE_HITS_OVER_TIME, 12, 8))),
        Row("Why does the cache miss?", ((tokens.CACHE_MISSES, 24, 7),)),
        Row("What could wait?", ((AS_BATCHES, 12, 9), (batches.SHARE, 4, 9), (batches.AGAINST_CALLS, 8, 9))),
    ),
    range="now-7d",
)  # fmt: skip
