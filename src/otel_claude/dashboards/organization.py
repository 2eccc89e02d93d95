"""The panels about what Anthropic reports, and the dashboard that they make."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import organization as o

from ..promql import organization
from ..promql.queries import STEP, Queries
from . import inventory
from .inventory import BEFORE, NOTHING, SAID
from .panels import BLUE, ORANGE, ORGANIZATION_UID, RED, Dashboard, Kind, Panel, Query, Row, line


def _amount(metric: Metric, period: str, *by: str) -> Query:
    return lambda q: organization.in_period(q, metric, period, by)


def _stat(number: int, title: str, description: str, query: Query) -> Panel:
    return Panel(
        number, title, SAID + description, "stat", "currencyUSD", (line(query),), NOTHING, decimals=2,
    )  # fmt: skip


def _month(number: int, title: str, description: str, *by: str, kind: Kind = "bargauge") -> Panel:
    def top(q: Queries) -> str:
        return f"topk(8, {organization.in_period(q, o.ORGANIZATION_LIST_COST, organization.MONTH, by)})"

    return Panel(
        number, title, SAID + description, kind, "currencyUSD", (line(top, "", *by),), NOTHING, base=BLUE, decimals=2,
    )  # fmt: skip


TODAY: Final = _stat(
    701, "Today", "At list price, since midnight in UTC.", _amount(o.ORGANIZATION_LIST_COST, organization.TODAY)
)
YESTERDAY: Final = _stat(
    702, "Yesterday", "At list price, the last whole day in UTC.",
    _amount(o.ORGANIZATION_LIST_COST, organization.YESTERDAY),
)  # fmt: skip
MONTH: Final = _stat(
    703, "This month", "At list price, since the first of the month in UTC.",
    _amount(o.ORGANIZATION_LIST_COST, organization.MONTH),
)  # fmt: skip
BILLED: Final = _stat(
    704, "This month, billed", "After your discount, before credits.",
    _amount(o.ORGANIZATION_BILLED_COST, organization.MONTH),
)  # fmt: skip
LIMIT_USED: Final = Panel(
    705, "Highest use of a spend limit",
    SAID + "At 100 % Anthropic refuses calls. Listing spend limits is an early access preview: without it this is "
    "empty.",
    "stat", "percentunit", (line(lambda q: organization.limit_used(q, ())),), "no spend limits listed",
    thresholds=((0.8, ORANGE), (0.95, RED)), max=1, decimals=0,
)  # fmt: skip
UNEXPLAINED: Final = Panel(
    706, "Unexplained, 24h",
    "What Anthropic reports of the last 24 hours and no instrumented service measured. Needs a day of data, and is "
    "empty on the first of a month. " + BEFORE,
    "stat", "currencyUSD", (line(lambda q: f"sum({organization.unexplained(q)} > 0) or 0 * sum("
                                           f"{organization.reported(q, ())})"),), "not a day of data yet",
    thresholds=((1, ORANGE),), decimals=2,
)  # fmt: skip
DRIFT: Final = Panel(
    707, "Largest drift, 24h",
    "By which share what was measured with a key differs from what Anthropic reports of it. Over 1 %: run otel-claude "
    "reconcile. " + BEFORE,
    "stat", "percentunit", (line(lambda q: f"max({organization.drift(q)})"),), "not a day of data yet",
    thresholds=((0.01, ORANGE),), decimals=2,
)  # fmt: skip
AGE: Final = Panel(
    708, "Age of the report",
    "How long ago Anthropic refreshed what is shown here. Numbers that are older than a quarter of an hour are not "
    "shown at all.",
    "stat", "s", (line(lambda q: q.by((), q.select(o.ORGANIZATION_DATA_AGE,
                                                   q.match(o.ORGANIZATION_PART, "report")), "max")),), NOTHING,
    thresholds=((3600, ORANGE),), decimals=0,
)  # fmt: skip
BY_KEY: Final = _month(
    710, "This month by key", "The eight most expensive keys. Without a name: usage without a key, as in the Console.",
    o.API_KEY_NAME,
)  # fmt: skip
BY_MODEL: Final = _month(711, "This month by model", "The eight most expensive models.", c.RESPONSE_MODEL)
BY_WORKSPACE: Final = _month(712, "This month by workspace", "The eight most expensive workspaces.", o.WORKSPACE_NAME)
BY_TYPE: Final = _month(713, "This month by type", "What is paid for: token types, searches, others.", c.COST_TYPE)
_SERVED: Final = (c.RESPONSE_SERVICE_TIER, c.SPEED, c.INFERENCE_GEO)


def _served(q: Queries) -> str:
    month = organization.in_period(q, o.ORGANIZATION_LIST_COST, organization.MONTH, _SERVED)
    return f"topk(8, {q.named(month, c.INFERENCE_GEO, 'not told')})"


BY_SERVED: Final = Panel(
    714, "This month by tier, speed and geography",
    SAID + "Batch is half the price, fast and US-only cost more. The geography of some models is not reported.",
    "bargauge", "currencyUSD", (line(_served, "", *_SERVED),), NOTHING, base=BLUE, decimals=2,
)  # fmt: skip
OVER_TIME: Final = Panel(
    715, "This month, as it grew",
    SAID + "At list price by model. It begins again at zero on the first of a month.",
    "lines", "currencyUSD",
    (line(_amount(o.ORGANIZATION_LIST_COST, organization.MONTH, c.RESPONSE_MODEL), "", c.RESPONSE_MODEL),), NOTHING,
    stacked=True,
)  # fmt: skip
TOKENS: Final = Panel(
    716, "Tokens today, by type",
    SAID + "Since midnight in UTC.",
    "bargauge", "short",
    (
        line(
            lambda q: f"sort_desc({_amount(o.ORGANIZATION_TOKENS, organization.TODAY, c.TOKEN_TYPE)(q)})",
            "", c.TOKEN_TYPE,
        ),
    ),
    NOTHING, base=BLUE, decimals=1,
)  # fmt: skip
REQUESTS: Final = Panel(
    717, "Requests today, by key",
    SAID + "Since midnight in UTC. The eight busiest keys.",
    "bargauge", "short",
    (
        line(
            lambda q: f"topk(8, {_amount(o.ORGANIZATION_REQUESTS, organization.TODAY, o.API_KEY_NAME)(q)})",
            "", o.API_KEY_NAME,
        ),
    ),
    NOTHING, base=BLUE, decimals=0,
)  # fmt: skip
POLLS: Final = Panel(
    726, "Requests to the Admin API",
    "How often each part was asked for, and with an error what was wrong. A part that is not given to this "
    "organization is asked for once an hour.",
    "bars", "short",
    (
        line(
            lambda q: q.named(
                q.increase(o.ORGANIZATION_POLLS, STEP, (o.ORGANIZATION_PART, c.ERROR_TYPE)),
                c.ERROR_TYPE, "answered",
            ),
            "", o.ORGANIZATION_PART, c.ERROR_TYPE,
        ),
    ),
    NOTHING, stacked=True,
)  # fmt: skip
AGES: Final = Panel(
    727, "Age of the data, by part",
    "Reports are read every five minutes, keys, workspaces and limits every quarter of an hour, the use of keys every "
    "hour.",
    "lines", "s",
    (line(lambda q: q.by((o.ORGANIZATION_PART,), q.select(o.ORGANIZATION_DATA_AGE), "max"), "", o.ORGANIZATION_PART),),
    NOTHING,
)  # fmt: skip

ORGANIZATION: Final = Dashboard(
    ORGANIZATION_UID, "Claude: organization",
    "What Anthropic says that the organization used and was billed, beside what was measured.",
    (
        Row(
            "",
            (
                (TODAY, 3, 4), (YESTERDAY, 3, 4), (MONTH, 3, 4), (BILLED, 3, 4), (LIMIT_USED, 3, 4),
                (UNEXPLAINED, 3, 4), (DRIFT, 3, 4), (AGE, 3, 4),
                (OVER_TIME, 12, 8), (BY_KEY, 6, 8), (BY_MODEL, 6, 8),
                (BY_WORKSPACE, 6, 8), (BY_TYPE, 6, 8), (BY_SERVED, 6, 8), (TOKENS, 6, 8),
            ),
        ),
        Row("Is everything measured?", ((inventory.BESIDE, 16, 9), (REQUESTS, 8, 9))),
        Row("How far do the limits reach?", ((inventory.SPEND_LIMITS, 14, 8), (inventory.RATE_LIMITS, 10, 8))),
        Row("What is there?", ((inventory.KEYS, 24, 8), (inventory.WORKSPACES, 12, 8), (inventory.GROUPS, 12, 8))),
        Row("Can these numbers be trusted?", ((AGES, 12, 8), (POLLS, 12, 8))),
    ),
    about="organization",
)  # fmt: skip
