"""The panels about what Anthropic reports, and the dashboard that they make."""

from __future__ import annotations

from typing import Final

from otel_claude import conventions as c
from otel_claude import conventions_organization as o
from otel_claude.conventions import Metric

from . import queries_organization as organization
from .panels import ORANGE, ORGANIZATION_UID, RED, Column, Dashboard, Kind, Panel, Query, Row, line
from .queries import STEP, Queries

_NOTHING: Final = "otel-claude organization does not run"
_SAID: Final = "As Anthropic's Admin API reports it, about five minutes late. "
_BEFORE: Final = "Batches are left out: they are measured when their results are read. "


def _amount(metric: Metric, period: str, *by: str) -> Query:
    return lambda q: organization.in_period(q, metric, period, by)


def _stat(number: int, title: str, description: str, query: Query) -> Panel:
    return Panel(
        number, title, _SAID + description, "stat", "currencyUSD", (line(query),), _NOTHING, decimals=2,
    )  # fmt: skip


def _month(number: int, title: str, description: str, *by: str, kind: Kind = "bargauge") -> Panel:
    def top(q: Queries) -> str:
        return f"topk(8, {organization.in_period(q, o.ORGANIZATION_LIST_COST, organization.MONTH, by)})"

    return Panel(
        number, title, _SAID + description, kind, "currencyUSD", (line(top, "", *by),), _NOTHING, decimals=2,
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
    705, "Fullest spend limit",
    _SAID + "At 100 % Anthropic refuses calls. Listing spend limits is an early access preview: without it this is "
    "empty.",
    "stat", "percentunit", (line(lambda q: organization.limit_used(q, ())),), "no spend limits listed",
    thresholds=((0.8, ORANGE), (0.95, RED)), most=1, decimals=0,
)  # fmt: skip
UNEXPLAINED: Final = Panel(
    706, "Unexplained, last day",
    "What Anthropic reports of the last 24 hours and no instrumented service measured. Needs a day of data, and is "
    "empty on the first of a month. " + _BEFORE,
    "stat", "currencyUSD", (line(lambda q: f"sum({organization.unexplained(q)} > 0) or 0 * sum("
                                           f"{organization.reported(q, ())})"),), "not a day of data yet",
    thresholds=((1, ORANGE),), decimals=2,
)  # fmt: skip
DRIFT: Final = Panel(
    707, "Largest drift, last day",
    "By which share what was measured with a key differs from what Anthropic reports of it. Over 1 %: run otel-claude "
    "reconcile. " + _BEFORE,
    "stat", "percentunit", (line(lambda q: f"max({organization.drift(q)})"),), "not a day of data yet",
    thresholds=((0.01, ORANGE),), decimals=2,
)  # fmt: skip
AGE: Final = Panel(
    708, "Age of the report",
    "How long ago Anthropic refreshed what is shown here. Numbers that are older than a quarter of an hour are not "
    "shown at all.",
    "stat", "s", (line(lambda q: q.by((), q.select(o.ORGANIZATION_DATA_AGE,
                                                   q.match(o.ORGANIZATION_PART, "report")), "max")),), _NOTHING,
    thresholds=((3600, ORANGE),), decimals=0,
)  # fmt: skip
BY_KEY: Final = _month(
    710, "This month by key", "The eight dearest keys. Without a name: usage without a key, as in the Console.",
    o.API_KEY_NAME,
)  # fmt: skip
BY_MODEL: Final = _month(711, "This month by model", "The eight dearest models.", c.RESPONSE_MODEL)
BY_WORKSPACE: Final = _month(712, "This month by workspace", "The eight dearest workspaces.", o.WORKSPACE_NAME)
BY_CLASS: Final = _month(713, "This month by class", "What is paid for: token classes, searches, others.", c.COST_TYPE)
BY_SERVED: Final = _month(
    714, "This month by tier, speed and geography", "Batch is half the price, fast and US-only are dearer.",
    c.RESPONSE_SERVICE_TIER, c.SPEED, c.INFERENCE_GEO,
)  # fmt: skip
OVER_TIME: Final = Panel(
    715, "This month, as it grew",
    _SAID + "At list price by model. It begins again at zero on the first of a month.",
    "lines", "currencyUSD",
    (line(_amount(o.ORGANIZATION_LIST_COST, organization.MONTH, c.RESPONSE_MODEL), "", c.RESPONSE_MODEL),), _NOTHING,
    stacked=True,
)  # fmt: skip
TOKENS: Final = Panel(
    716, "Tokens today, by class",
    _SAID + "Since midnight in UTC.",
    "bargauge", "short", (line(_amount(o.ORGANIZATION_TOKENS, organization.TODAY, c.TOKEN_CLASS), "", c.TOKEN_CLASS),),
    _NOTHING,
)  # fmt: skip
REQUESTS: Final = Panel(
    717, "Requests today, by key",
    _SAID + "Since midnight in UTC. The eight busiest keys.",
    "bargauge", "short",
    (
        line(
            lambda q: f"topk(8, {_amount(o.ORGANIZATION_REQUESTS, organization.TODAY, o.API_KEY_NAME)(q)})",
            "", o.API_KEY_NAME,
        ),
    ),
    _NOTHING,
)  # fmt: skip
BESIDE: Final = Panel(
    720, "Reported and measured, last day, by key",
    "Anthropic's report beside what instrumented services measured. A key with much in the first column and nothing in "
    "the second is used by a program that is not instrumented. " + _BEFORE,
    "table", "none",
    (
        line(lambda q: organization.reported(q, (c.API_KEY_HINT,))),
        line(lambda q: organization.measured(q, (c.API_KEY_HINT,))),
        line(organization.drift),
        line(lambda q: q.by((c.API_KEY_HINT, o.API_KEY_NAME), q.select(o.API_KEY_INFO), "max")),
    ),
    "not a day of data yet",
    columns=(
        Column(o.API_KEY_NAME, "Key"), Column(c.API_KEY_HINT, "As the Console shows it"),
        Column("Value #A", "Reported", "currencyUSD"), Column("Value #B", "Measured", "currencyUSD"),
        Column("Value #C", "Drift", "percentunit"), Column("Value #D", "Keys"),
    ),
    sorted_by="Reported",
)  # fmt: skip
_CAP: Final = (o.SPEND_LIMIT_SCOPE, o.WORKSPACE_NAME, o.SPEND_LIMIT_PERIOD)
SPEND_LIMITS: Final = Panel(
    721, "Spend limits",
    _SAID + "What counts against a limit is the billed amount of its period.",
    "table", "none",
    (
        line(lambda q: q.by(_CAP, q.select(o.SPEND_LIMIT), "max")),
        line(lambda q: q.by(_CAP, q.select(o.SPEND_LIMIT_SPENT), "max")),
        line(lambda q: organization.limit_used(q, _CAP)),
    ),
    "no spend limits listed",
    columns=(
        Column(o.SPEND_LIMIT_SCOPE, "Of"), Column(o.WORKSPACE_NAME, "Workspace"),
        Column(o.SPEND_LIMIT_PERIOD, "Period"), Column("Value #A", "Limit", "currencyUSD"),
        Column("Value #B", "Spent", "currencyUSD"), Column("Value #C", "Used", "percentunit"),
    ),
    sorted_by="Used",
)  # fmt: skip
_RATE: Final = (o.RATE_LIMIT_GROUP, o.WORKSPACE_NAME, c.RATE_LIMIT_NAME)
RATE_LIMITS: Final = Panel(
    722, "Configured rate limits",
    _SAID + "Per minute, by group of models. With a workspace: set for that workspace alone.",
    "table", "none", (line(lambda q: q.by(_RATE, q.select(o.CONFIGURED_LIMIT), "max")),), _NOTHING,
    columns=(
        Column(o.RATE_LIMIT_GROUP, "Group"), Column(o.WORKSPACE_NAME, "Workspace"),
        Column(c.RATE_LIMIT_NAME, "Limit of"), Column("Value #A", "Per minute", "locale"),
    ),
    sorted_by="Per minute",
)  # fmt: skip
GROUPS: Final = Panel(
    723, "Models that share limits",
    _SAID + "The models of a group draw on the same limits.",
    "table", "none",
    (line(lambda q: q.by((o.RATE_LIMIT_GROUP, c.REQUEST_MODEL), q.select(o.RATE_LIMIT_MODEL), "max")),),
    _NOTHING,
    columns=(
        Column(o.RATE_LIMIT_GROUP, "Group"), Column(c.REQUEST_MODEL, "Model"), Column("Value #A", "In it", "locale"),
    ),
)  # fmt: skip
_KEY: Final = (o.API_KEY_NAME, c.API_KEY_HINT)
KEYS: Final = Panel(
    724, "API keys",
    _SAID + "A key that is active and that nobody used for 30 days can only leak.",
    "table", "none",
    (
        line(lambda q: q.by((*_KEY, o.API_KEY_STATUS, o.WORKSPACE_NAME), q.select(o.API_KEY_INFO), "max")),
        line(lambda q: q.by(_KEY, q.select(o.API_KEY_REQUESTS), "max")),
        line(lambda q: f"time() - {q.by(_KEY, q.select(o.API_KEY_CREATED), 'max')}"),
    ),
    _NOTHING,
    columns=(
        Column(o.API_KEY_NAME, "Name"), Column(c.API_KEY_HINT, "As the Console shows it"),
        Column(o.API_KEY_STATUS, "Status"), Column(o.WORKSPACE_NAME, "Workspace"), Column("Value #A", "Keys"),
        Column("Value #B", "Requests in 30 days", "locale"), Column("Value #C", "Age", "s"),
    ),
    sorted_by="Requests in 30 days",
)  # fmt: skip
WORKSPACES: Final = Panel(
    725, "Workspaces",
    _SAID + "Those that are not archived.",
    "table", "none",
    (line(lambda q: q.by((o.WORKSPACE_NAME, c.WORKSPACE_ID), q.select(o.WORKSPACE_INFO), "max")),),
    _NOTHING,
    columns=(Column(o.WORKSPACE_NAME, "Name"), Column(c.WORKSPACE_ID, "Id"), Column("Value #A", "There", "locale")),
)  # fmt: skip
POLLS: Final = Panel(
    726, "Questions to the Admin API",
    "How often each part was asked for, and with an error what was wrong. A part that is not given to this "
    "organization is asked for once an hour.",
    "bars", "short",
    (
        line(
            lambda q: q.grown(o.ORGANIZATION_POLLS, STEP, (o.ORGANIZATION_PART, c.ERROR_TYPE)), "",
            o.ORGANIZATION_PART, c.ERROR_TYPE,
        ),
    ),
    _NOTHING, stacked=True, step="5m",
)  # fmt: skip
AGES: Final = Panel(
    727, "Age of the data, by part",
    "Reports are read every five minutes, keys, workspaces and limits every quarter of an hour, the use of keys every "
    "hour.",
    "lines", "s",
    (line(lambda q: q.by((o.ORGANIZATION_PART,), q.select(o.ORGANIZATION_DATA_AGE), "max"), "", o.ORGANIZATION_PART),),
    _NOTHING,
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
                (BY_WORKSPACE, 6, 8), (BY_CLASS, 6, 8), (BY_SERVED, 6, 8), (TOKENS, 6, 8),
            ),
        ),
        Row("Is everything measured?", ((BESIDE, 16, 9), (REQUESTS, 8, 9))),
        Row("How far do the limits reach?", ((SPEND_LIMITS, 12, 8), (RATE_LIMITS, 12, 8))),
        Row("What is there?", ((KEYS, 12, 9), (WORKSPACES, 6, 9), (GROUPS, 6, 9))),
        Row("Can these numbers be trusted?", ((AGES, 12, 8), (POLLS, 12, 8))),
    ),
    about="organization",
)  # fmt: skip
