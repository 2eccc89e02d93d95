"""Conventions of agents: the names of what Managed Agents sessions and the Claude Agent SDK report of themselves.

They stand apart from `conventions` because no number of theirs is ours: Anthropic's servers and the `claude` program
worked them out. None is added to a metric of calls. Imports conventions alone.

`gen_ai.agent.*` and the operation `invoke_agent` follow the main branch of the OpenTelemetry GenAI semantic conventions
as of 2026-11.
"""

from __future__ import annotations

from typing import Final

from .conventions import Metric

INVOKE_AGENT: Final = "invoke_agent"
"""`gen_ai.operation.name` of all of them."""
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
TOKEN_CLASS: Final = "claude.token.class"  # noqa: S105 - the name of an attribute, no secret

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
