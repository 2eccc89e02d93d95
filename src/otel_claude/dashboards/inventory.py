"""The tables about what Anthropic reports: keys beside what was measured of them, limits, and what there is."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import organization as o

from ..promql import organization
from .panels import Column, Panel, line

NOTHING: Final = "otel-claude organization does not run"
SAID: Final = "As Anthropic's Admin API reports it, about five minutes late. "
BEFORE: Final = "Batches are left out: they are measured when their results are read. "
_HINT: Final = 220
"""Pixels that a key needs as the Console shows it."""

BESIDE: Final = Panel(
    720, "Reported and measured, last day, by key",
    "Anthropic's report beside what instrumented services measured. A key with much in the first column and nothing in "
    "the second is used by a program that is not instrumented. " + BEFORE,
    "table", "none",
    (
        line(lambda q: organization.reported(q, (c.API_KEY_HINT,))),
        line(lambda q: organization.measured(q, (c.API_KEY_HINT,))),
        line(organization.drift),
        line(lambda q: q.by((c.API_KEY_HINT, o.API_KEY_NAME), q.select(o.API_KEY_INFO), "max")),
    ),
    "not a day of data yet",
    columns=(
        Column(o.API_KEY_NAME, "Key"), Column(c.API_KEY_HINT, "As the Console shows it", width=_HINT),
        Column("Value #A", "Reported", "currencyUSD", decimals=2),
        Column("Value #B", "Measured", "currencyUSD", decimals=2),
        Column("Value #C", "Drift", "percentunit"), Column("Value #D", "Keys"),
    ),
    sorted_by="Reported",
)  # fmt: skip
_CAP: Final = (o.SPEND_LIMIT_SCOPE, o.WORKSPACE_NAME, o.SPEND_LIMIT_PERIOD)
SPEND_LIMITS: Final = Panel(
    721, "Spend limits",
    SAID + "What counts against a limit is the billed amount of its period.",
    "table", "none",
    (
        line(lambda q: q.by(_CAP, q.select(o.SPEND_LIMIT), "max")),
        line(lambda q: q.by(_CAP, q.select(o.SPEND_LIMIT_SPENT), "max")),
        line(lambda q: organization.limit_used(q, _CAP)),
    ),
    "no spend limits listed",
    columns=(
        Column(o.SPEND_LIMIT_SCOPE, "Of"), Column(o.WORKSPACE_NAME, "Workspace"),
        Column(o.SPEND_LIMIT_PERIOD, "Period"), Column("Value #A", "Limit", "currencyUSD", decimals=2),
        Column("Value #B", "Spent", "currencyUSD", decimals=2), Column("Value #C", "Used", "percentunit"),
    ),
    sorted_by="Used",
)  # fmt: skip
_RATE: Final = (o.RATE_LIMIT_GROUP, o.WORKSPACE_NAME, c.RATE_LIMIT_NAME)
RATE_LIMITS: Final = Panel(
    722, "Configured rate limits",
    SAID + "Per minute, by group of models. With a workspace: set for that workspace alone.",
    "table", "none", (line(lambda q: q.by(_RATE, q.select(o.CONFIGURED_LIMIT), "max")),), NOTHING,
    columns=(
        Column(o.RATE_LIMIT_GROUP, "Group"), Column(o.WORKSPACE_NAME, "Workspace"),
        Column(c.RATE_LIMIT_NAME, "Limit of"), Column("Value #A", "Per minute", "locale"),
    ),
    sorted_by="Per minute",
)  # fmt: skip
GROUPS: Final = Panel(
    723, "Models that share limits",
    SAID + "The models of a group draw on the same limits.",
    "table", "none",
    (line(lambda q: q.by((o.RATE_LIMIT_GROUP, c.REQUEST_MODEL), q.select(o.RATE_LIMIT_MODEL), "max")),),
    NOTHING,
    columns=(
        Column(o.RATE_LIMIT_GROUP, "Group"), Column(c.REQUEST_MODEL, "Model"), Column("Value #A", "In it", "locale"),
    ),
)  # fmt: skip
_KEY: Final = (o.API_KEY_NAME, c.API_KEY_HINT)
KEYS: Final = Panel(
    724, "API keys",
    SAID + "A key that is active and that nobody used for 30 days can only leak.",
    "table", "none",
    (
        line(lambda q: q.by((*_KEY, o.API_KEY_STATUS, o.WORKSPACE_NAME), q.select(o.API_KEY_INFO), "max")),
        line(lambda q: q.by(_KEY, q.select(o.API_KEY_REQUESTS), "max")),
        line(lambda q: f"time() - {q.by(_KEY, q.select(o.API_KEY_CREATED), 'max')}"),
    ),
    NOTHING,
    columns=(
        Column(o.API_KEY_NAME, "Name"), Column(c.API_KEY_HINT, "As the Console shows it", width=_HINT),
        Column(o.API_KEY_STATUS, "Status"), Column(o.WORKSPACE_NAME, "Workspace"), Column("Value #A", "Keys"),
        Column("Value #B", "Requests in 30 days", "locale"), Column("Value #C", "Age", "s"),
    ),
    sorted_by="Requests in 30 days",
)  # fmt: skip
WORKSPACES: Final = Panel(
    725, "Workspaces",
    SAID + "Those that are not archived.",
    "table", "none",
    (line(lambda q: q.by((o.WORKSPACE_NAME, c.WORKSPACE_ID), q.select(o.WORKSPACE_INFO), "max")),),
    NOTHING,
    columns=(
        Column(o.WORKSPACE_NAME, "Name"), Column(c.WORKSPACE_ID, "Id", width=300),
        Column("Value #A", "There", "locale"),
    ),
)  # fmt: skip
