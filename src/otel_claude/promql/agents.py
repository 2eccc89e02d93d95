"""The PromQL about agents: what the Claude Agent SDK and Managed Agents report. Knows no panel and no alert.

None of these numbers is measured in calls, and none is added to what is. The Agent SDK's are counters. Sessions are
gauges of running totals, and any number of processes can hear of one: of each agent, the process that hears of most
counts.
"""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import agents as a

from .queries import LATEST, Queries

_ONE_AGENT: Final = (a.AGENT_ID, a.AGENT_NAME, c.REQUEST_MODEL)
WELL: Final = "success"
"""How a turn ended that has no error."""


def cost(q: Queries, window: str, by: tuple[str, ...] = ()) -> str:
    """Dollars that the program reported."""
    return q.increase(a.AGENT_COST, window, by)


def turns(q: Queries, window: str, by: tuple[str, ...] = (), *matchers: str) -> str:
    """How many turns ended."""
    return q.increase(a.AGENT_RESULTS, window, by, *matchers)


def cost_per_turn(q: Queries, window: str, by: tuple[str, ...] = ()) -> str:
    """Mean reported dollars of a turn."""
    return f"{cost(q, window, by)} / ({turns(q, window, by)} > 0)"


def failed(q: Queries, window: str, by: tuple[str, ...] = ()) -> str:
    """The share of turns that ended with an error."""
    return q.share(turns(q, window, by, q.present(c.ERROR_TYPE)), turns(q, window, by))


def skipped(q: Queries, window: str, by: tuple[str, ...] = ()) -> str:
    """The share of turns whose tokens and cost are in no metric."""
    return q.share(q.increase(a.AGENT_RESULTS_SKIPPED, window, by), turns(q, window, by))


def cache_hits(q: Queries, window: str) -> str:
    """The share of input tokens that the cache gave."""
    read = q.increase(a.AGENT_TOKENS, window, (), q.match(c.TOKEN_TYPE, "cache_read"))
    return q.share(read, q.increase(a.AGENT_TOKENS, window, (), q.translator.match(c.TOKEN_TYPE, "!=", "output")))


def by_end(q: Queries, window: str) -> str:
    """Turns by how they ended."""
    return q.named(turns(q, window, (c.ERROR_TYPE,)), c.ERROR_TYPE, WELL)


def limit(q: Queries, metric: Metric, window: str, by: tuple[str, ...] = ()) -> str:
    """A gauge of the account's limits that the program reported. Of several processes the highest counts."""
    return q.gauge(metric, window, by, q.match(c.OPERATION_NAME, a.INVOKE_AGENT))


def sessions(q: Queries, metric: Metric, by: tuple[str, ...] = (), operation: str = "sum", window: str = LATEST) -> str:
    """A gauge of sessions."""
    own = (c.TOKEN_TYPE,) if c.TOKEN_TYPE in metric.attributes else ()
    return q.by(by, q.gauge(metric, window, (*_ONE_AGENT, *own)), operation)
