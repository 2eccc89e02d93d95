"""The panels about Managed Agents sessions, and the dashboard of all agents that they make with the Agent SDK's."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import agents as a

from ..promql import agents
from ..promql.queries import STEP, Queries
from . import agents as sdk
from .panels import AGENTS_UID, BLUE, ORANGE, RED, Column, Dashboard, Panel, Row, line

_SAID: Final = (
    "As the API reports the sessions that a service looked at in the last 15 minutes, over their whole lives; no part "
    "of the exact spend of calls. "
)
_NONE: Final = "no sessions"
_NAME: Final = (a.AGENT_NAME,)
_BUDGET_STEPS: Final = ((0.8, ORANGE), (0.95, RED))

IN_USE: Final = Panel(
    805, "Sessions in use",
    _SAID + "Of several services that see the same sessions, the one that sees most counts. More and more of them: "
    "something begins sessions and does not end them.",
    "stat", "locale", (line(lambda q: agents.sessions(q, a.SESSIONS)),), _NONE, decimals=0,
)  # fmt: skip
COST: Final = Panel(
    806, "Session list cost",
    _SAID + "In whole cents, running time included. It falls when a session is over and nobody asks for it any more: "
    "what was spent in a day is on the organization's dashboard.",
    "stat", "currencyUSD", (line(lambda q: agents.sessions(q, a.SESSION_COST)),), _NONE, decimals=2,
)  # fmt: skip
MOST_EXPENSIVE: Final = Panel(
    807, "Most expensive session",
    "What the most expensive session in use has cost so far, at list price. What is too much depends on the work: give "
    "sessions a budget, which stops them by itself.",
    "stat", "currencyUSD", (line(lambda q: agents.sessions(q, a.SESSION_MAX_COST, (), "max")),), _NONE, decimals=2,
)  # fmt: skip
HIGHEST_BUDGET: Final = Panel(
    808, "Highest use of a budget",
    "The used share of its budget, of the session that has used most of it. At 100 % the API stops that session: raise "
    "its budget, or let it end. Empty where no session has a budget.",
    "stat", "percentunit", (line(lambda q: agents.sessions(q, a.SESSION_BUDGET, (), "max")),), "no budgets",
    thresholds=_BUDGET_STEPS, max=1, decimals=0,
)  # fmt: skip
OVER_TIME: Final = Panel(
    814, "Session list cost over time, by agent",
    _SAID + "It falls when a session is over. A line that only climbs is a session that nobody ends.",
    "lines", "currencyUSD", (line(lambda q: agents.sessions(q, a.SESSION_COST, _NAME, window=STEP), "", *_NAME),),
    _NONE, stacked=True, decimals=2,
)  # fmt: skip


def _cost(q: Queries) -> str:
    return f"topk(8, {agents.sessions(q, a.SESSION_COST, _NAME)})"


BY_AGENT: Final = Panel(
    815, "Session list cost, by agent",
    _SAID + "The eight agents whose sessions cost most.",
    "bargauge", "currencyUSD", (line(_cost, "", *_NAME),), _NONE, base=BLUE, decimals=2,
)  # fmt: skip
_WHO: Final = (a.AGENT_NAME, c.REQUEST_MODEL)
TABLE: Final = Panel(
    840, "Sessions, by agent",
    _SAID + "“Each” is the mean. Where the most expensive session costs many times the mean, sessions run away.",
    "table", "none",
    (
        line(lambda q: agents.sessions(q, a.SESSIONS, _WHO)),
        line(lambda q: agents.sessions(q, a.SESSION_COST, _WHO)),
        line(lambda q: f"{agents.sessions(q, a.SESSION_COST, _WHO)} / ({agents.sessions(q, a.SESSIONS, _WHO)} > 0)"),
        line(lambda q: agents.sessions(q, a.SESSION_MAX_COST, _WHO, "max")),
        line(lambda q: agents.sessions(q, a.SESSION_BUDGET, _WHO, "max")),
        line(lambda q: agents.sessions(q, a.SESSION_TOKENS, _WHO)),
    ),
    _NONE, sorted_by="List cost",
    columns=(
        Column(a.AGENT_NAME, "Agent"), Column(c.REQUEST_MODEL, "Model"), Column("Value #A", "Sessions", "locale"),
        Column("Value #B", "List cost", "currencyUSD", decimals=2),
        Column("Value #C", "Each", "currencyUSD", decimals=2),
        Column("Value #D", "Most expensive", "currencyUSD", decimals=2),
        Column("Value #E", "Highest use of a budget", "percentunit"), Column("Value #F", "Tokens", "locale"),
    ),
)  # fmt: skip
COUNT: Final = Panel(
    841, "Sessions in use over time, by agent",
    "Sessions that a service looked at in the last 15 minutes. It should follow the work that there is; a staircase "
    "that only rises is sessions that are begun and never ended.",
    "lines", "short", (line(lambda q: agents.sessions(q, a.SESSIONS, _NAME, window=STEP), "", *_NAME),), _NONE,
    stacked=True, decimals=0,
)  # fmt: skip
TOKENS: Final = Panel(
    842, "Tokens of sessions in use, by type",
    _SAID + "Long sessions read most of their input from the cache. Little `cache_read`: they are short, or pause for "
    "longer than the cache lives.",
    "bargauge", "short",
    (line(lambda q: f"sort_desc({agents.sessions(q, a.SESSION_TOKENS, (c.TOKEN_TYPE,))} > 0)", "", c.TOKEN_TYPE),),
    "no tokens", base=BLUE, colors=sdk.TYPE_COLORS, decimals=1,
)  # fmt: skip
BUDGETS: Final = Panel(
    843, "Highest use of a budget over time, by agent",
    "The used share of its budget, of the session of each agent that has used most of it. Over 80 % decide whether it "
    "may go on: at 100 % the API stops it in the middle of its work.",
    "lines", "percentunit",
    (line(lambda q: agents.sessions(q, a.SESSION_BUDGET, _NAME, "max", STEP), "", *_NAME),), "no budgets",
    thresholds=_BUDGET_STEPS, max=1,
)  # fmt: skip

AGENTS: Final = Dashboard(
    AGENTS_UID, "Claude: agents and sessions",
    "What agents used and cost, as they report it: the turns of the Claude Agent SDK, and sessions of Managed Agents. "
    "None of it is in the exact spend of calls on the other dashboards.",
    (
        Row(
            "",
            (
                (sdk.COST, 3, 4), (sdk.TURNS, 3, 4), (sdk.PER_TURN, 3, 4), (sdk.FAILED, 3, 4),
                (IN_USE, 3, 4), (COST, 3, 4), (MOST_EXPENSIVE, 3, 4), (HIGHEST_BUDGET, 3, 4),
                (sdk.OVER_TIME, 12, 8), (OVER_TIME, 12, 8),
                (sdk.BY_SERVICE, 6, 8), (sdk.BY_MODEL, 6, 8), (sdk.BY_TAG, 6, 8), (BY_AGENT, 6, 8),
            ),
        ),
        Row(
            "What do turns of the Agent SDK use, and how do they end?",
            (
                (sdk.TABLE, 14, 8), (sdk.BY_END, 10, 8),
                (sdk.TOKENS_PER_MINUTE, 14, 8), (sdk.TOKENS, 7, 8), (sdk.CACHE_HITS, 3, 8),
            ),
        ),
        Row(
            "What do the sessions of Managed Agents use?",
            ((TABLE, 24, 6), (COUNT, 8, 8), (BUDGETS, 8, 8), (TOKENS, 8, 8)),
        ),
        Row(
            "How full are the limits of the account?",
            ((sdk.LIMITS, 8, 7), (sdk.LIMITS_OVER_TIME, 8, 7), (sdk.LIMIT_CHANGES, 8, 7)),
        ),
        Row(
            "Can these numbers be trusted?",
            ((sdk.SKIPPED, 4, 7), (sdk.SKIPPED_BY_REASON, 8, 7), (sdk.INSTANCES, 12, 7)),
        ),
    ),
    about="agents",
)  # fmt: skip
