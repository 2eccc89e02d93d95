"""All rules: the recorded series, and the alerts on them."""

from __future__ import annotations

from ..promql.names import NameTranslator
from .budgets import TagBudget, budget_alerts
from .organization import organization_alerts
from .recording import recording_groups
from .rules import Alert, Group
from .service import limit_alerts, reliability_alerts, telemetry_alerts
from .spend import spend_alerts, value_alerts
from .thresholds import Thresholds


def alert_groups(
    translator: NameTranslator, thresholds: Thresholds, budgets: tuple[TagBudget, ...] = ()
) -> tuple[Group, ...]:
    """The alerts, by what they are about."""
    return (
        Group("otel-claude-alerts-spend", spend_alerts(translator, thresholds)),
        *budget_alerts(translator, budgets),
        Group("otel-claude-alerts-value", value_alerts(translator, thresholds)),
        Group("otel-claude-alerts-reliability", reliability_alerts(translator, thresholds)),
        Group("otel-claude-alerts-limits", limit_alerts(translator, thresholds)),
        Group("otel-claude-alerts-telemetry", telemetry_alerts(translator)),
        Group("otel-claude-alerts-organization", organization_alerts(translator, thresholds)),
    )


def all_alerts(
    translator: NameTranslator, thresholds: Thresholds, budgets: tuple[TagBudget, ...] = ()
) -> tuple[Alert, ...]:
    """Every alert."""
    groups = alert_groups(translator, thresholds, budgets)
    return tuple(rule for group in groups for rule in group.rules if isinstance(rule, Alert))


def all_groups(translator: NameTranslator, thresholds: Thresholds) -> tuple[Group, ...]:
    """Every group, what is recorded first."""
    return (*recording_groups(translator), *alert_groups(translator, thresholds))
