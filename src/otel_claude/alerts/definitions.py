"""All rules: the recorded series, and the alerts on them."""

from __future__ import annotations

from typing import Final

from ..promql.queries import Queries
from .budgets import TagBudget, budget_alerts
from .claude_code import claude_code_alerts
from .organization import organization_alerts
from .recording import recording_groups
from .rules import Alert, Group
from .service import limit_alerts, reliability_alerts, telemetry_alerts
from .spend import savings_alerts, spend_alerts, value_alerts
from .thresholds import Thresholds

_SLOTS: Final = "5m"
"""The interval of alerts on what is recorded each five minutes, and on what Anthropic reports as often."""


def alert_groups(q: Queries, thresholds: Thresholds, budgets: tuple[TagBudget, ...] = ()) -> tuple[Group, ...]:
    """The alerts, by what they are about."""
    return (
        Group("otel-claude-alerts-spend", spend_alerts(q, thresholds), _SLOTS),
        *budget_alerts(q, budgets),
        Group("otel-claude-alerts-value", value_alerts(q, thresholds), _SLOTS),
        *savings_groups(q, thresholds),
        Group("otel-claude-alerts-reliability", reliability_alerts(q, thresholds), "2m"),
        Group("otel-claude-alerts-limits", limit_alerts(q, thresholds)),
        Group("otel-claude-alerts-telemetry", telemetry_alerts(q, thresholds)),
        Group("otel-claude-alerts-claude-code", claude_code_alerts(q, thresholds), _SLOTS),
        Group("otel-claude-alerts-organization", organization_alerts(q, thresholds), _SLOTS),
    )


def savings_groups(q: Queries, thresholds: Thresholds) -> tuple[Group, ...]:
    """The alert on savings, where a threshold was given. It looks back for a week, so once an hour is enough."""
    alerts = savings_alerts(q, thresholds)
    return (Group("otel-claude-alerts-savings", alerts, "1h"),) if alerts else ()


def all_alerts(q: Queries, thresholds: Thresholds, budgets: tuple[TagBudget, ...] = ()) -> tuple[Alert, ...]:
    """Every alert."""
    groups = alert_groups(q, thresholds, budgets)
    return tuple(rule for group in groups for rule in group.rules if isinstance(rule, Alert))


def all_groups(q: Queries, thresholds: Thresholds) -> tuple[Group, ...]:
    """Every group, what is recorded first."""
    return (*recording_groups(q.translator, q.store), *alert_groups(q, thresholds))
