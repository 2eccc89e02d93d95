"""The panels about Claude Code, and the dashboard that they make."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import claude_code as cc

from ..promql import claude_code as code
from ..promql.names import JOB
from ..promql.queries import RANGE, STEP, Queries
from .panels import (
    BLUE,
    CLAUDE_CODE_UID,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Column,
    Dashboard,
    Panel,
    Query,
    Row,
    Unit,
    line,
)  # fmt: skip

_SAID: Final = "As Claude Code reports it, by prices of its own; no part of the exact spend of calls. "
_NOTHING: Final = "nothing reported"
_NO_SESSIONS: Final = "no sessions"
_NO_TEAM: Final = "no team set"
_NARROW: Final = 105
"""Of columns that would else need more than half of a screen together."""
_TYPE_COLORS: Final = (("input", BLUE), ("cacheRead", GREEN), ("cacheCreation", ORANGE), ("output", PURPLE))


def _everything(query: Query) -> Query:
    """Beside panels of calls: what the variables choose there are labels that Claude Code has not."""
    return lambda q: query(replace(q, where=(), untagged_where=()))


def _stat(number: int, title: str, about: str, query: Query, unit: Unit, none: str = _NOTHING) -> Panel:
    decimals = {"currencyUSD": 2, "percentunit": 1}.get(unit, 0)
    return Panel(number, title, about, "stat", unit, (line(query),), none, decimals=decimals)


COST: Final = _stat(
    901, "Cost", "Dollars of all sessions in the time range. " + _SAID, lambda q: code.cost(q, RANGE),
    "currencyUSD",
)  # fmt: skip
SESSIONS: Final = _stat(
    902, "Sessions", "Sessions that began in the time range, resumed ones included.",
    lambda q: q.increase(cc.CODE_SESSIONS, RANGE), "locale", _NO_SESSIONS,
)  # fmt: skip
PER_SESSION: Final = _stat(
    903, "Cost per session",
    "Mean dollars of a session. It rises with longer talks, subagents and larger models.",
    lambda q: code.cost_per_session(q, RANGE), "currencyUSD", _NO_SESSIONS,
)  # fmt: skip
DEVELOPERS: Final = _stat(
    904, "Developers", "How many users spent anything in the time range.",
    lambda q: f"count({code.by_user(q, cc.CODE_COST, RANGE)} > 0)", "locale",
)  # fmt: skip
CACHE_HITS: Final = _stat(
    905, "Cache hits",
    "The share of input tokens that the cache gave. Long sessions reach most. Much less: they are short, pause longer "
    "than the cache lives, or change what stands at their beginning.",
    lambda q: code.cache_hits(q, RANGE), "percentunit", "no tokens",
)  # fmt: skip
FAILED: Final = Panel(
    906, "Failed requests",
    "The share of requests that failed for good. A retry that succeeds is in no event, and so not here.",
    "stat", "percentunit", (line(lambda q: code.failed(q, RANGE)),), "no events",
    thresholds=((0.02, ORANGE), (0.1, RED)), decimals=1,
)  # fmt: skip
DENIED: Final = _stat(
    907, "Tools refused",
    "The share of tools that somebody, or a setting, did not allow to run. Many: rules of permission that could be "
    "written down once.",
    lambda q: code.denied(q, RANGE), "percentunit", "no events",
)  # fmt: skip


def _over_time(
    number: int, title: str, about: str, metric: Metric, unit: Unit, *by: str, none: str = _NOTHING
) -> Panel:
    return Panel(
        number, title, about, "bars", unit, (line(lambda q: q.increase(metric, STEP, by), "", *by),), none, stacked=True
    )


def _ranking(number: int, title: str, about: str, label: str, nameless: str = "none") -> Panel:
    def ranked(q: Queries) -> str:
        grew = code.by_user(q, cc.CODE_COST, RANGE) if label == code.USER else code.cost(q, RANGE, (label,))
        return f"topk(8, {q.named(grew, label, nameless)})"

    return Panel(
        number, title, about + _SAID, "bargauge", "currencyUSD", (line(ranked, "", label),), _NOTHING, base=BLUE,
        decimals=2,
    )  # fmt: skip


OVER_TIME: Final = _over_time(
    910, "Cost over time, by model", "Dollars per bar. " + _SAID, cc.CODE_COST, "currencyUSD", cc.MODEL
)
BY_USER: Final = _ranking(
    911, "Cost, by user",
    "The eight users who cost most: by e-mail address, or by the start of their id where the program has no account. ",
    code.USER,
)  # fmt: skip
BY_TEAM: Final = _ranking(
    912, "Cost, by team", "By `team` in OTEL_RESOURCE_ATTRIBUTES of the program's environment. ", cc.TEAM,
    _NO_TEAM,
)  # fmt: skip
BY_MODEL: Final = _ranking(913, "Cost, by model", "The eight models that cost most. ", cc.MODEL)
BY_SOURCE: Final = _ranking(
    914, "Cost, by query source",
    "`main` is the talk itself, `subagent` what it started, `auxiliary` titles and summaries. ", cc.QUERY_SOURCE,
)  # fmt: skip
BY_SPEED: Final = _ranking(915, "Cost, by speed", "`fast` costs a multiple. ", cc.SPEED, "not said: standard")
BY_SERVICE: Final = _ranking(
    916, "Cost, by service",
    "`claude-code`, or the service that runs it by the Claude Agent SDK. ", JOB,
)  # fmt: skip
USERS: Final = Panel(
    920, "Users",
    _SAID + "Whoever cost most is shown first.",
    "table", "none",
    (
        line(lambda q: code.by_user(q, cc.CODE_COST, RANGE)),
        line(lambda q: code.by_user(q, cc.CODE_SESSIONS, RANGE)),
        line(lambda q: f"{code.by_user(q, cc.CODE_COST, RANGE)} / ({code.by_user(q, cc.CODE_SESSIONS, RANGE)} > 0)"),
        line(lambda q: code.by_user(q, cc.CODE_REQUESTS, RANGE)),
        line(lambda q: code.by_user(q, cc.CODE_ERRORS, RANGE)),
    ),
    _NOTHING, sorted_by="Cost",
    columns=(
        Column(code.USER, "User"), Column("Value #A", "Cost", "currencyUSD", decimals=2, width=_NARROW),
        Column("Value #B", "Sessions", "locale", width=_NARROW),
        Column("Value #C", "Per session", "currencyUSD", decimals=2, width=_NARROW),
        Column("Value #D", "Requests", "locale", width=_NARROW), Column("Value #E", "Failed", "locale", width=_NARROW),
    ),
)  # fmt: skip
TOKENS: Final = Panel(
    930, "Tokens per minute, by type",
    "`input` is what was not cached. Much `cacheCreation` with little `cacheRead`: the cache is written and not used.",
    "lines", "short", (line(lambda q: q.per_minute(cc.CODE_TOKENS, (cc.TYPE,)), "", cc.TYPE),), "no tokens",
    colors=_TYPE_COLORS, stacked=True,
)  # fmt: skip
WRITES: Final = Panel(
    931, "Tokens written to the cache, by time to live",
    "Of the events: metrics do not say it. An hour costs twice the input price, five minutes 1.25 times.",
    "bars", "short",
    (line(lambda q: q.increase(cc.CODE_CACHE_WRITES, STEP, (c.CACHE_TTL,)), "", c.CACHE_TTL),), "no events",
    colors=(("5m", YELLOW), ("1h", ORANGE)), stacked=True,
)  # fmt: skip
STARTS: Final = _over_time(
    932, "Sessions over time, by start", "How sessions began: `fresh`, `resume` or `continue`.",
    cc.CODE_SESSIONS, "short", cc.START_TYPE, none=_NO_SESSIONS,
)  # fmt: skip
ERRORS: Final = _over_time(
    933, "Failed requests, by status",
    "Requests that failed for good. 429 is a limit of the account, of which the program says no more.",
    cc.CODE_ERRORS, "short", cc.STATUS_CODE, none="no request failed",
)  # fmt: skip
DECISIONS: Final = _over_time(
    934, "Decisions on tools", "Whether tools were allowed to run, and who decided.",
    cc.CODE_DECISIONS, "short", cc.TOOL_NAME, cc.DECISION, cc.SOURCE, none="no events",
)  # fmt: skip

BESIDE: Final = Panel(
    690, "Applications and Claude Code",
    "Dollars per bar: what applications' calls cost, exactly, beside what Claude Code reports. The variables choose "
    "among applications alone.",
    "bars", "currencyUSD",
    (line(lambda q: q.spent(STEP), "applications"), line(_everything(lambda q: code.cost(q, STEP)), "Claude Code")),
    _NOTHING, stacked=True,
)  # fmt: skip


def _beside(number: int, panel: Panel) -> Panel:
    """A panel for the usage dashboard."""
    targets = tuple(replace(target, query=_everything(target.query)) for target in panel.targets)
    return replace(panel, id=number, targets=targets, description=f"{panel.description}The variables do not narrow it.")


BESIDE_COST: Final = _beside(691, COST)
BESIDE_TEAM: Final = _beside(692, BY_TEAM)
BESIDE_MODEL: Final = _beside(693, BY_MODEL)

CLAUDE_CODE: Final = Dashboard(
    CLAUDE_CODE_UID, "Claude Code",
    "What Claude Code costs, by developer, team and model, as the program reports it. None of it is in the exact spend "
    "of calls on the other dashboards.",
    (
        Row(
            "",
            (
                (COST, 4, 4), (SESSIONS, 3, 4), (PER_SESSION, 4, 4), (DEVELOPERS, 3, 4), (CACHE_HITS, 3, 4),
                (FAILED, 4, 4), (DENIED, 3, 4),
                (OVER_TIME, 12, 8), (BY_USER, 6, 8), (BY_TEAM, 6, 8),
            ),
        ),
        Row(
            "Who and what spends it?",
            ((USERS, 14, 9), (BY_MODEL, 5, 9), (BY_SOURCE, 5, 9), (BY_SERVICE, 12, 5), (BY_SPEED, 12, 5)),
        ),
        Row("What are the tokens?", ((TOKENS, 12, 8), (WRITES, 12, 8))),
        Row("Does it work?", ((STARTS, 8, 8), (ERRORS, 8, 8), (DECISIONS, 8, 8))),
    ),
    about="claude_code",
)  # fmt: skip
