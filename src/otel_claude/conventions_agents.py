"""Conventions of agents: the names of what Managed Agents sessions and the Claude Agent SDK report of themselves.

They stand apart from `conventions` because no number of theirs is ours: Anthropic's servers and the `claude` program
worked them out. None is added to a metric of calls. Imports conventions alone.

`gen_ai.agent.*` and the operation `invoke_agent` follow the main branch of the OpenTelemetry GenAI semantic conventions
as of 2026-11.
"""

from __future__ import annotations

from typing import Final

from .conventions import ERROR_TYPE, RATE_LIMIT_NAME, TOKEN_CLASS, Metric

INVOKE_AGENT: Final = "invoke_agent"
"""`gen_ai.operation.name` of all of them."""
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"

SESSION_TOKENS: Final = Metric(
    "claude.session.usage.tokens", "gauge", "{token}",
    "What the Managed Agents sessions heard of in the last 15 minutes have used in their whole lives, together.",
    (AGENT_ID, AGENT_NAME, TOKEN_CLASS), tags=False,
)  # fmt: skip
SESSION_COST: Final = Metric(
    "claude.session.list_cost.usd", "gauge", "{USD}",
    "What the sessions heard of in the last 15 minutes have cost in US dollars at list price, together. By the API, in "
    "whole cents, the time they ran included.",
    (AGENT_ID, AGENT_NAME), tags=False,
)  # fmt: skip
SESSION_HIGHEST_COST: Final = Metric(
    "claude.session.list_cost.highest.usd", "gauge", "{USD}",
    "What the most expensive of these sessions has cost in US dollars at list price.",
    (AGENT_ID, AGENT_NAME), tags=False,
)  # fmt: skip
SESSION_BUDGET: Final = Metric(
    "claude.session.budget.utilization", "gauge", "{ratio}",
    "The used share of its budget, of the session that has used most of it. At 1 the API stops it.",
    (AGENT_ID, AGENT_NAME), tags=False,
)  # fmt: skip
SESSIONS: Final = Metric(
    "claude.sessions", "gauge", "{session}",
    "How many Managed Agents sessions were heard of in the last 15 minutes.",
    (AGENT_ID, AGENT_NAME), tags=False,
)  # fmt: skip

SESSION_METRICS: Final = (SESSION_TOKENS, SESSION_COST, SESSION_HIGHEST_COST, SESSION_BUDGET, SESSIONS)
"""Emitted where an application hears of Managed Agents sessions."""

REPORTED_BY: Final = "claude.reported_by"
CLAUDE_CODE: Final = "claude_code"
"""The program that the Claude Agent SDK runs. It counts tokens, and works out their cost by prices of its own."""
UNCOUNTED_REASON: Final = "claude.uncounted.reason"
RATE_LIMIT_STATUS: Final = "claude.rate_limit.status"
TOKEN_CLASSES: Final = ("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "output")
"""Values of `claude.token.class`. `cache_write`: written to the cache for a time that was not told."""
UNCOUNTED_REASONS: Final = {
    "resumed": "The session was resumed, and its totals did not tell what was new (claude before 2.1.309).",
    "no_usage": "The result told no usage by model, or one that cannot be read.",
    "failed": "otel-claude failed while it counted the result. A warning in the program's log says where.",
}

AGENT_TOKENS: Final = Metric(
    "claude.agent.usage.tokens", "counter", "{token}",
    "Tokens that the Claude Agent SDK reported, by model and class.", (REPORTED_BY, TOKEN_CLASS),
)  # fmt: skip
AGENT_COST: Final = Metric(
    "claude.agent.cost.usd", "counter", "{USD}",
    "What the Claude Agent SDK reported as cost in US dollars, by model: an estimate of the claude program's, and no "
    "part of claude.client.cost.usd.", (REPORTED_BY,),
)  # fmt: skip
AGENT_RESULTS: Final = Metric(
    "claude.agent.results", "counter", "{result}",
    "Results that the Claude Agent SDK gave, one for each turn, by how the turn ended.", (REPORTED_BY, ERROR_TYPE),
)  # fmt: skip
AGENT_UNCOUNTED: Final = Metric(
    "claude.agent.uncounted", "counter", "{result}",
    "Results whose tokens and cost are in no metric, and why.", (REPORTED_BY, UNCOUNTED_REASON),
)  # fmt: skip
AGENT_RATE_LIMITS: Final = Metric(
    "claude.agent.rate_limit.events", "counter", "{event}",
    "Changes of a rate limit that the Claude Agent SDK reported. How much is used, and until when, is in "
    "claude.client.rate_limit.utilization and .reset.", (REPORTED_BY, RATE_LIMIT_NAME, RATE_LIMIT_STATUS),
)  # fmt: skip

AGENT_METRICS: Final = (AGENT_TOKENS, AGENT_COST, AGENT_RESULTS, AGENT_UNCOUNTED, AGENT_RATE_LIMITS)
"""Emitted where the Claude Agent SDK is instrumented."""
