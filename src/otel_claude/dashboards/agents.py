"""The panels about the Claude Agent SDK: what the `claude` program reports of its turns."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import agents as a

from ..promql import agents
from ..promql.names import JOB
from ..promql.queries import LATEST, RANGE, STEP, Queries
from ..promql.recorded import AGENT_PROCESSES
from .panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Column, Panel, line
from .variables import TAG

_SAID: Final = "As the claude program reports it, by prices of its own; no part of the exact spend of calls. "
_NOTHING: Final = "nothing reported"
_NO_TURNS: Final = "no turns"
_NO_LIMITS: Final = "no limits reported"
TYPE_COLORS: Final = (
    ("input", BLUE), ("cache_read", GREEN), ("cache_write", "#ff9830"), ("cache_write_5m", YELLOW),
    ("cache_write_1h", ORANGE), ("output", PURPLE),
)  # fmt: skip
_END_COLORS: Final = (
    (agents.WELL, GREEN), ("error_max_turns", YELLOW), ("error_max_budget_usd", ORANGE),
    ("error_during_execution", RED),
)  # fmt: skip
_TYPES: Final = (c.TOKEN_TYPE,)
_LIMIT_STEPS: Final = ((0.8, ORANGE), (0.95, RED))
_FAILED_STEPS: Final = ((0.05, ORANGE), (0.2, RED))

COST: Final = Panel(
    801, "Reported cost",
    "Dollars of the turns of the Claude Agent SDK in the time range. " + _SAID + "It is an estimate: compare it with "
    "the organization's dashboard.",
    "stat", "currencyUSD", (line(lambda q: agents.cost(q, RANGE)),), _NOTHING, decimals=2,
)  # fmt: skip
TURNS: Final = Panel(
    802, "Turns",
    "Turns of the Claude Agent SDK that ended in the time range, failed ones included. A turn is one reply of an "
    "agent, with all the calls and tools that it took. Counted when the application reads its result.",
    "stat", "locale", (line(lambda q: agents.turns(q, RANGE)),), _NO_TURNS, decimals=0,
)  # fmt: skip
PER_TURN: Final = Panel(
    803, "Cost per turn",
    "Mean reported dollars of a turn. " + _SAID + "It rises with longer talks, more tools and larger models: a limit "
    "of turns or a budget in the options stops the longest ones.",
    "stat", "currencyUSD", (line(lambda q: agents.cost_per_turn(q, RANGE)),), _NO_TURNS, decimals=4,
)  # fmt: skip
FAILED: Final = Panel(
    804, "Failed turns",
    "The share of turns that ended with an error. Up to 5 % is usual. Above: the panel of how turns ended says whether "
    "the API refused them (a status), or a limit of turns or of dollars was reached.",
    "stat", "percentunit", (line(lambda q: agents.failed(q, RANGE)),), _NO_TURNS, thresholds=_FAILED_STEPS, decimals=1,
)  # fmt: skip
OVER_TIME: Final = Panel(
    810, "Reported cost of turns over time, by model",
    "Dollars per bar, at the end of the turns. " + _SAID + "A new colour is a new model: check that it was meant.",
    "bars", "currencyUSD", (line(lambda q: agents.cost(q, STEP, (c.RESPONSE_MODEL,)), "", c.RESPONSE_MODEL),),
    _NOTHING, stacked=True,
)  # fmt: skip


def _ranking(number: int, title: str, description: str, label: str, nameless: str = "none") -> Panel:
    def ranked(q: Queries) -> str:
        return f"topk(8, {q.named(agents.cost(q, RANGE, (label,)), label, nameless)})"

    return Panel(
        number, title, description + _SAID, "bargauge", "currencyUSD", (line(ranked, "", label),), _NOTHING,
        base=BLUE, decimals=2,
    )  # fmt: skip


BY_SERVICE: Final = _ranking(
    811, "Reported cost, by service", "The eight services (`job`) whose agents cost most. ", JOB
)
BY_MODEL: Final = _ranking(
    812, "Reported cost, by model", "The eight models that cost most. Subagents and compaction are in it. ",
    c.RESPONSE_MODEL,
)  # fmt: skip
BY_TAG: Final = _ranking(
    813, "Reported cost, by $tag",
    "The eight values of the label chosen as “Tag” that cost most: those of the moment when the application began to "
    "read the messages. ", TAG, "without this tag",
)  # fmt: skip

TABLE: Final = Panel(
    820, "Turns of the Agent SDK, by service",
    _SAID + "A service whose turns cost most is shown first. “Not counted” is the share of turns whose "
    "tokens and cost are in no metric.",
    "table", "none",
    (
        line(lambda q: agents.turns(q, RANGE, (JOB,))),
        line(lambda q: agents.cost(q, RANGE, (JOB,))),
        line(lambda q: agents.cost_per_turn(q, RANGE, (JOB,))),
        line(lambda q: agents.failed(q, RANGE, (JOB,))),
        line(lambda q: agents.skipped(q, RANGE, (JOB,))),
    ),
    _NO_TURNS, sorted_by="Reported",
    columns=(
        Column(JOB, "Service"), Column("Value #A", "Turns", "locale"), Column("Value #B", "Reported", "currencyUSD"),
        Column("Value #C", "Per turn", "currencyUSD"), Column("Value #D", "Failed", "percentunit"),
        Column("Value #E", "Not counted", "percentunit"),
    ),
)  # fmt: skip
BY_END: Final = Panel(
    821, "Turns, by how they ended",
    "Mostly `success`. `error_max_turns` and `error_max_budget_usd`: a limit in the application's options. A number is "
    "the status with which the API refused; `error_during_execution`: read the program's own log.",
    "bars", "short", (line(lambda q: agents.by_end(q, STEP), "", c.ERROR_TYPE),), _NO_TURNS,
    colors=_END_COLORS, stacked=True,
)  # fmt: skip
TOKENS_PER_MINUTE: Final = Panel(
    822, "Tokens of turns per minute, by type",
    "As the program reports them when a turn ends. Agents read most of their input from the cache; much `input` or "
    "`cache_write` with little `cache_read` means that the talk's beginning changes from turn to turn.",
    "lines", "short",
    (line(lambda q: q.per_minute(a.AGENT_TOKENS, _TYPES), "", c.TOKEN_TYPE),), "no tokens",
    colors=TYPE_COLORS, stacked=True,
)  # fmt: skip
TOKENS: Final = Panel(
    823, "Tokens of turns, by type",
    "Tokens in the time range, as the program reports them. `cache_write`: written by an older program that does not "
    "say for how long. Thinking is part of the output.",
    "bargauge", "short",
    (line(lambda q: f"sort_desc({q.increase(a.AGENT_TOKENS, RANGE, _TYPES)})", "", c.TOKEN_TYPE),),
    "no tokens", base=BLUE, colors=TYPE_COLORS, decimals=1,
)  # fmt: skip
CACHE_HITS: Final = Panel(
    824, "Cache hits",
    "The share of the turns' input tokens that the cache gave. Agents of several turns reach 80 % and more; programs "
    "of one short turn each begin anew every time: resume a session, or let one client do several turns.",
    "stat", "percentunit", (line(lambda q: agents.cache_hits(q, RANGE)),), "no tokens", decimals=0,
)  # fmt: skip

LIMITS: Final = Panel(
    830, "Limits of the account",
    "What the program reports of the limits of its account: those of a subscription, of five hours and of seven days. "
    "With an API key there are none, and this is empty.",
    "table", "none",
    (
        line(lambda q: agents.limit(q, c.RATE_LIMIT_UTILIZATION, LATEST, (c.RATE_LIMIT_NAME,))),
        line(lambda q: agents.limit(q, c.RATE_LIMIT_RESET, LATEST, (c.RATE_LIMIT_NAME,))),
    ),
    _NO_LIMITS, sorted_by="Used",
    columns=(
        Column(c.RATE_LIMIT_NAME, "Limit"), Column("Value #A", "Used", "percentunit"),
        Column("Value #B", "Begins anew in", "s"),
    ),
)  # fmt: skip
LIMITS_OVER_TIME: Final = Panel(
    831, "Limits of the account, used",
    "The used share, as the program last reported it. Over 95 % the next turns are refused until the limit begins "
    "anew: wait, use a smaller model, or pay for what goes beyond.",
    "lines", "percentunit",
    (line(lambda q: agents.limit(q, c.RATE_LIMIT_UTILIZATION, STEP, (c.RATE_LIMIT_NAME,)), "", c.RATE_LIMIT_NAME),),
    _NO_LIMITS, thresholds=_LIMIT_STEPS, max=1,
)  # fmt: skip
LIMIT_CHANGES: Final = Panel(
    832, "Limits of the account: what changed",
    "Changes that the program reported: `allowed`, `allowed_warning` (near it), `rejected` (at it). Rejected "
    "ones are turns that did not run.",
    "bars", "short",
    (
        line(
            lambda q: q.increase(a.AGENT_RATE_LIMITS, STEP, (c.RATE_LIMIT_NAME, a.RATE_LIMIT_STATUS)), "",
            c.RATE_LIMIT_NAME, a.RATE_LIMIT_STATUS,
        ),
    ),
    "no changes reported", stacked=True,
)  # fmt: skip
SKIPPED: Final = Panel(
    850, "Turns not counted",
    "The share of turns whose tokens and cost are in no metric: what is shown is too low by these. Normally none. "
    "`claude` 2.1.309 and later tells what is new in every turn: upgrade claude-agent-sdk.",
    "stat", "percentunit", (line(lambda q: agents.skipped(q, RANGE)),), _NO_TURNS, thresholds=((0.01, ORANGE),),
    decimals=1,
)  # fmt: skip


def _skipped_by_reason(q: Queries) -> str:
    return f"sort_desc({q.increase(a.AGENT_RESULTS_SKIPPED, RANGE, (a.SKIPPED_REASON,))})"


SKIPPED_BY_REASON: Final = Panel(
    851, "Turns not counted, by reason",
    "`resumed`: the session went on from one that this process did not see, and the program (before 2.1.309) did not "
    "say what was new. `no_usage`: the result has no usage by model.",
    "bargauge", "short",
    (line(_skipped_by_reason, "", a.SKIPPED_REASON),),
    "every turn is counted", base=BLUE, decimals=0,
)  # fmt: skip
INSTANCES: Final = Panel(
    852, "Processes reporting, by service",
    "How many processes with agents of either kind sent metrics, each five minutes. One that ended by itself "
    "disappears; a service that should run and is not here has lost its telemetry or its process.",
    "lines", "none",
    (
        line(
            lambda q: q.processes(STEP, a.AGENT_RESULTS, a.SESSIONS, recorded=AGENT_PROCESSES), "", JOB,
        ),
    ),
    "nothing reports", decimals=0,
)  # fmt: skip
