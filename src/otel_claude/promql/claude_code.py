"""The PromQL about Claude Code: what its sessions export, added up. Knows no panel and no alert.

None of these numbers is measured in calls, and none is added to what is: not to what the Claude Agent SDK reports
either, which runs the same program.
"""

from __future__ import annotations

from typing import Final

from otel_claude.semconv import Metric
from otel_claude.semconv import claude_code as cc

from .queries import Queries

USER: Final = "user"
"""The label that these queries make: a user's e-mail address, or the start of the id where there is no account."""
_READ: Final = "cacheRead"
_INPUT: Final = ("input", _READ, "cacheCreation")


def cost(q: Queries, window: str, by: tuple[str, ...] = ()) -> str:
    """Dollars, by the program's own prices."""
    return q.increase(cc.CODE_COST, window, by)


def by_user(q: Queries, metric: Metric, window: str) -> str:
    """The growth of a counter by user."""
    user_id, email = map(q.translator.bare, (cc.USER_ID, cc.USER_EMAIL))
    grew = q.increase(metric, window, (cc.USER_ID, cc.USER_EMAIL))
    named = f'label_replace({grew}, "{USER}", "$1", "{user_id}", "(.{{1,12}}).*")'
    return q.by((USER,), f'label_replace({named}, "{USER}", "$1", "{email}", "(.+)")')


def cost_per_session(q: Queries, window: str) -> str:
    """Mean dollars of a session."""
    return f"{cost(q, window)} / ({q.increase(cc.CODE_SESSIONS, window)} > 0)"


def cache_hits(q: Queries, window: str) -> str:
    """The share of input tokens that the cache gave."""
    read, whole = (
        q.increase(cc.CODE_TOKENS, window, (), q.among(cc.TYPE, *types)) for types in ((_READ,), _INPUT)
    )  # fmt: skip
    return q.share(read, whole)


def failed(q: Queries, window: str) -> str:
    """The share of requests that failed for good."""
    errors, requests = (q.increase(metric, window) for metric in (cc.CODE_ERRORS, cc.CODE_REQUESTS))
    return f"({errors} / ({errors} + ({requests} or 0 * {errors}) > 0) or 0 * {requests})"


def denied(q: Queries, window: str) -> str:
    """The share of tools that were not allowed to run."""
    refused = q.increase(cc.CODE_DECISIONS, window, (), q.match(cc.DECISION, "reject"))
    return q.share(refused, q.increase(cc.CODE_DECISIONS, window))
