"""Rules: what a recording rule and an alert are, as data, and how Prometheus writes them down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ..dashboards.panels import LIMITS_UID, USAGE_UID
from ..promql.names import JOB, NameTranslator

Json = dict[str, Any]
Severity = Literal["critical", "warning", "info"]

GRAFANA: Final = "http://localhost:3000"
"""Where `deploy/compose.yaml` serves the dashboards."""
RUNBOOKS: Final = "docs/runbooks.md"
"""A path in the repository, unless the export is told where the runbooks are published."""


@dataclass(frozen=True)
class Recording:
    """A query whose result is kept under a name of its own."""

    name: str
    expression: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Alert:
    """One alert. `summary` says what is wrong with value and unit, `action` what to do first."""

    name: str
    severity: Severity
    expression: str
    summary: str
    action: str
    wait: str = "5m"
    """For how long it must hold."""
    keep: str = "10m"
    """For how long it stays after it held."""
    dashboard: Literal[
        "otel-claude-usage",
        "otel-claude-savings",
        "otel-claude-limits",
        "otel-claude-organization",
        "otel-claude-code",
    ] = USAGE_UID
    by_job: bool = True
    labels: tuple[tuple[str, str], ...] = ()
    """What tells it from another of the same name."""
    choice: str = ""
    """What its dashboard shows, where that is no service: the query of its address."""


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Recording | Alert, ...]
    interval: str = "1m"


@dataclass(frozen=True)
class Places:
    """Where the links of alerts lead."""

    grafana: str = GRAFANA
    runbooks: str = RUNBOOKS
    translator: NameTranslator = field(default_factory=NameTranslator)


def rules_json(groups: tuple[Group, ...], places: Places) -> Json:
    """A rule file as Prometheus reads it."""
    return {
        "groups": [
            {
                "name": group.name,
                "interval": group.interval,
                "rules": [_rule(rule, places) for rule in group.rules],
            }
            for group in groups
        ]
    }


def _rule(rule: Recording | Alert, places: Places) -> Json:
    if isinstance(rule, Recording):
        labels = {"labels": dict(rule.labels)} if rule.labels else {}
        return {"record": rule.name, "expr": rule.expression, **labels}
    return {
        "alert": rule.name,
        "expr": rule.expression,
        "for": rule.wait,
        "keep_firing_for": rule.keep,
        "labels": {"severity": rule.severity, **dict(rule.labels)},
        "annotations": {
            "summary": rule.summary,
            "description": rule.action,
            "runbook_url": f"{places.runbooks}#{rule.name.lower()}",
            "dashboard_url": f"{places.grafana}/d/{rule.dashboard}{_choice(rule)}",
        },
    }


def _choice(alert: Alert) -> str:
    """The dashboard narrowed to what the alert is about."""
    if not alert.by_job:
        return alert.choice
    return f"?var-job={{{{ $labels.{JOB} | urlquery }}}}"


LIMITS: Final = LIMITS_UID
