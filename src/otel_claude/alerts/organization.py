"""The alerts about what Anthropic reports. They are silent where `otel-claude organization` does not run."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import organization as o

from ..dashboards.panels import ORGANIZATION_UID
from ..promql import organization
from ..promql.queries import Queries
from .rules import Alert
from .service import NO_OUTAGE
from .thresholds import Thresholds

_USD: Final = '{{ $value | printf "%.2f" }} USD'
_SHARE: Final = "{{ $value | humanizePercentage }}"
_LIMIT: Final = (o.SPEND_LIMIT_SCOPE, o.SPEND_LIMIT_PERIOD, o.WORKSPACE_NAME)
_RATE: Final = (o.RATE_LIMIT_GROUP, c.RATE_LIMIT_NAME, o.WORKSPACE_NAME)
_KEY: Final = (c.API_KEY_HINT, o.API_KEY_NAME)


def organization_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Limits, spend that nothing measured, keys, and the data itself."""
    translator = q.translator
    scope, period, workspace = (translator.template(name) for name in _LIMIT)
    group, limit, _ = (translator.template(name) for name in _RATE)
    hint, key = (translator.template(name) for name in _KEY)
    unexplained, reported = organization.unexplained(q), organization.reported(q, _KEY)
    by_hint = organization.reported(q, organization.HINT)
    there = q.select(o.ORGANIZATION_DATA_AGE)
    age = q.by((o.ORGANIZATION_PART,), q.select(o.ORGANIZATION_DATA_AGE), "max")
    return (
        Alert(
            "ClaudeOrganizationSpendLimitNear", "warning",
            f"{organization.limit_used(q, _LIMIT)} > {t.spend_limit_used:g}",
            f"{_SHARE} of the {period} spend limit ({scope} {workspace}) is used. At 100 % Anthropic refuses calls.",
            "Raise the limit in the Console before it is reached, or decide what may stop.", "10m", "30m",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationSpendUnexplained", "warning",
            f"{unexplained} > {t.unexplained_floor:g} and {unexplained} > {t.unexplained:g} * {reported}",
            f"Anthropic reports {_USD} for the key {key} ({hint}) in the last day that no instrumented service spent.",
            "Find the program that uses this key, and instrument it. If nobody knows it, revoke the key.", "1h", "2h",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationDrift", "warning",
            f"{organization.drift(q)} > {t.drift:g} and {by_hint} > {t.drift_floor:g}",
            f"What was measured of the key {hint} in the last day differs by {_SHARE} from what Anthropic reports.",
            "Run otel-claude reconcile for yesterday: it names the likely reason of each difference.", "1h", "2h",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationKeyUnused", "info",
            organization.unused_keys(q, _KEY, t.unused_days),
            f"The key {key} ({hint}) is active and had {{{{ $value }}}} requests in 30 days.",
            "Disable it in the Console if nobody needs it: a key that is not used can only leak.", "1h", "2h",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationRateLimitChanged", "info",
            organization.changed(q, o.CONFIGURED_LIMIT, _RATE),
            f"The limit {limit} of {group} {workspace} was changed within the last hour, to {{{{ $value }}}}.",
            "If nobody of yours changed it, Anthropic did: compare with what your busiest services need.", "1m", "10m",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationSpendLimitChanged", "info",
            organization.changed(q, o.SPEND_LIMIT, _LIMIT),
            f"The {period} spend limit ({scope} {workspace}) was changed within the last hour, to {_USD}.",
            "If nobody of yours changed it, ask your admins: a limit decides when calls are refused.", "1m", "10m",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationDataStale", "warning", f"{age} > {t.organization_age:g}",
            f"The organization's data ({translator.template(o.ORGANIZATION_PART)}) is "
            "{{ $value | humanizeDuration }} old.",
            "Read the log of otel-claude organization: it says what Anthropic's Admin API answered.", "5m", "10m",
            ORGANIZATION_UID, by_job=False,
        ),
        Alert(
            "ClaudeOrganizationAbsent", "warning",
            f"count(last_over_time({there}[1d])) unless on () count(last_over_time({there}[15m])) and on () "
            f"{NO_OUTAGE}",
            "otel-claude organization sent {{ $value }} parts of the organization's data within the last day, and none "
            "in a quarter of an hour.",
            "Look whether its process runs. What Anthropic reports, and the alerts on it, stand still without it.",
            "0m", "15m", ORGANIZATION_UID, by_job=False,
        ),
    )  # fmt: skip
