"""The alerts about Claude Code. They are silent where its telemetry does not arrive."""

from __future__ import annotations

from typing import Final

from otel_claude.semconv import claude_code as cc

from ..dashboards.panels import CLAUDE_CODE_UID
from ..promql import claude_code as code
from ..promql.names import COLLECTOR_LOST
from ..promql.queries import Queries
from .rules import Alert
from .thresholds import Thresholds

_USD: Final = '{{ $value | printf "%.2f" }} USD'
_MONTH: Final = "30d"
_HOUR: Final = "1h"
_USER: Final = f"{{{{ $labels.{code.USER} }}}}"


def claude_code_alerts(q: Queries, t: Thresholds) -> tuple[Alert, ...]:
    """Budgets of developers and teams, an hour that costs too much, failed requests, and what Collectors lost."""
    of_team = q.increase(cc.CODE_COST, _MONTH, (cc.TEAM,), q.present(cc.TEAM))
    lost = q.translator.either(COLLECTOR_LOST)
    return (
        Alert(
            "ClaudeCodeDeveloperBudgetExceeded", "warning",
            f"{code.by_user(q, cc.CODE_COST, _MONTH)} > {t.developer_budget:g}",
            f"Claude Code cost {_USD} for {_USER} in thirty days, over a developer's budget of {t.developer_budget:g} "
            "USD.",
            "Ask what it was for: which model, and are there subagents? If it is meant, raise the budget.",
            dashboard=CLAUDE_CODE_UID, by_job=False,
        ),
        Alert(
            "ClaudeCodeTeamBudgetExceeded", "warning", f"{of_team} > {t.team_budget:g}",
            f"Claude Code cost {_USD} for the team {{{{ $labels.{cc.TEAM} }}}} in thirty days, over a team's budget of "
            f"{t.team_budget:g} USD.",
            "Open the dashboard for this team alone: who and which model grew? If it is meant, raise the budget.",
            dashboard=CLAUDE_CODE_UID, by_job=False, choice=f"?var-team={{{{ $labels.{cc.TEAM} | urlquery }}}}",
        ),
        Alert(
            "ClaudeCodeSessionRunsAway", "warning",
            f"{code.by_user(q, cc.CODE_COST, _HOUR)} > {t.developer_hour:g}",
            f"Claude Code cost {_USD} for {_USER} in the last hour (limit {t.developer_hour:g} USD).",
            "Ask whether it is meant. A session in a loop, or one that nobody watches, is stopped on its machine.",
            "0m", dashboard=CLAUDE_CODE_UID, by_job=False,
        ),
        Alert(
            "ClaudeCodeRequestsFail", "warning",
            f"{code.failed(q, _HOUR)} > {t.code_errors:g} and {q.increase(cc.CODE_ERRORS, _HOUR)} > {t.calls / 2:g}",
            "{{ $value | humanizePercentage }} of the requests of Claude Code in the last hour failed for good.",
            "Look at the statuses on the dashboard: 401 is a key, 429 a limit of the account, 529 the API itself.",
            dashboard=CLAUDE_CODE_UID, by_job=False,
        ),
        Alert(
            "ClaudeCollectorExportsRefused", "warning",
            f"sum(clamp_min({lost} - {lost} offset 10m, 0) or {lost}) > 0",
            "Collectors could not take or send {{ $value }} points in ten minutes.",
            "Read the Collector's log. What applications count comes with their next export; what Claude Code exported "
            "is lost.",
            "0m", dashboard=CLAUDE_CODE_UID, by_job=False,
        ),
    )  # fmt: skip
