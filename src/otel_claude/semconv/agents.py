"""The names of what Managed Agents sessions and the Claude Agent SDK report of themselves.

They stand apart from `semconv.metrics` because no number of theirs is ours: Anthropic's servers and the `claude`
program worked them out. None is added to a metric of calls. Imports `semconv` alone.

`gen_ai.agent.*` and the operation `invoke_agent` follow the main branch of the OpenTelemetry GenAI semantic conventions
as of 2026-11.
"""

from __future__ import annotations

from typing import Final

from .attributes import ERROR_TYPE, RATE_LIMIT_NAME, TOKEN_TYPE
from .metrics import counter, gauge

INVOKE_AGENT: Final = "invoke_agent"
"""`gen_ai.operation.name` of all of them."""
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"

SESSION_TOKENS: Final = gauge(
    "claude.session.usage.tokens",
    unit="{token}",
    attributes=(AGENT_ID, AGENT_NAME, TOKEN_TYPE),
    tags=False,
    description=(
        "What the Managed Agents sessions that the API reported in the last 15 minutes have used in their whole lives, "
        "together."
    ),
)
SESSION_COST: Final = gauge(
    "claude.session.list_cost.usd",
    unit="{USD}",
    attributes=(AGENT_ID, AGENT_NAME),
    tags=False,
    description=(
        "What the sessions that the API reported in the last 15 minutes have cost in US dollars at list price, "
        "together. By the API, in whole cents, the time they ran included."
    ),
)
SESSION_MAX_COST: Final = gauge(
    "claude.session.list_cost.max.usd",
    unit="{USD}",
    attributes=(AGENT_ID, AGENT_NAME),
    tags=False,
    description="What the most expensive of these sessions has cost in US dollars at list price.",
)
SESSION_BUDGET: Final = gauge(
    "claude.session.budget.utilization",
    unit="1",
    attributes=(AGENT_ID, AGENT_NAME),
    tags=False,
    description="The used share of its budget, of the session that has used most of it. At 1 the API stops it.",
)
SESSIONS: Final = gauge(
    "claude.sessions",
    unit="{session}",
    attributes=(AGENT_ID, AGENT_NAME),
    tags=False,
    description="How many Managed Agents sessions the API reported in the last 15 minutes.",
)

SESSION_METRICS: Final = (SESSION_TOKENS, SESSION_COST, SESSION_MAX_COST, SESSION_BUDGET, SESSIONS)
"""Emitted where an application asks the API about Managed Agents sessions."""

REPORTED_BY: Final = "claude.reported_by"
CLAUDE_CODE: Final = "claude_code"
"""The program that the Claude Agent SDK runs. It counts tokens, and works out their cost by prices of its own."""
SKIPPED_REASON: Final = "claude.skipped.reason"
RATE_LIMIT_STATUS: Final = "claude.rate_limit.status"
TOKEN_TYPES: Final = ("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "output")
"""Values of `claude.token.type`. `cache_write`: written to the cache for an unknown time."""
SKIPPED_REASONS: Final = {
    "failed": "otel-claude failed while it counted the result. A warning in the program's log says where.",
    "resumed": "The session was resumed, and its totals do not say what is new (claude before 2.1.309).",
    "no_usage": "The result has no usage by model, or one that cannot be read.",
}

AGENT_TOKENS: Final = counter(
    "claude.agent.usage.tokens",
    unit="{token}",
    attributes=(REPORTED_BY, TOKEN_TYPE),
    description="Tokens that the Claude Agent SDK reported, by model and type.",
)
AGENT_COST: Final = counter(
    "claude.agent.cost.usd",
    unit="{USD}",
    attributes=(REPORTED_BY,),
    description=(
        "What the Claude Agent SDK reported as cost in US dollars, by model: an estimate of the claude program's, and "
        "no part of claude.client.cost.usd."
    ),
)
AGENT_RESULTS: Final = counter(
    "claude.agent.results",
    unit="{result}",
    attributes=(REPORTED_BY, ERROR_TYPE),
    description="Results that the Claude Agent SDK gave, one for each turn, by how the turn ended.",
)
AGENT_RESULTS_SKIPPED: Final = counter(
    "claude.agent.results.skipped",
    unit="{result}",
    attributes=(REPORTED_BY, SKIPPED_REASON),
    description="Results whose tokens and cost are in no metric, and why.",
)
AGENT_RATE_LIMITS: Final = counter(
    "claude.agent.rate_limit.events",
    unit="{event}",
    attributes=(REPORTED_BY, RATE_LIMIT_NAME, RATE_LIMIT_STATUS),
    description=(
        "Changes of a rate limit that the Claude Agent SDK reported. How much is used, and until when, is in "
        "claude.client.rate_limit.utilization and .reset."
    ),
)

AGENT_METRICS: Final = (AGENT_TOKENS, AGENT_COST, AGENT_RESULTS, AGENT_RESULTS_SKIPPED, AGENT_RATE_LIMITS)
"""Emitted where the Claude Agent SDK is instrumented."""
