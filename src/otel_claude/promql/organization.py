"""The PromQL about the organization: what Anthropic reports, beside what was measured. Knows no panel and no alert.

What Anthropic reports are gauges of a month to date, so what came in a window is their growth. It is late by about ten
minutes (the report's delay and two intervals), which windows of a day forgive. Batches are left out of comparisons:
they are reported when they are served, and measured when their results are read.
"""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import organization as o

from .queries import Queries
from .recorded import growth_of

PROVIDER: Final = "anthropic"
NOT_MEASURED: Final = ("code_execution", "session_usage")
"""Kinds of cost that no response of the Messages API reports."""
DAY: Final = "1d"
HINT: Final = (c.API_KEY_HINT,)
KEY: Final = (c.API_KEY_HINT, o.API_KEY_NAME)
MONTH, TODAY, YESTERDAY = "month", "today", "yesterday"


def in_period(q: Queries, metric: Metric, period: str, by: tuple[str, ...] = ()) -> str:
    """What is reported for a period."""
    return q.by(by, q.select(metric, q.match(o.ORGANIZATION_PERIOD, period)))


def _month(q: Queries) -> str:
    matchers = (
        q.match(o.ORGANIZATION_PERIOD, MONTH),
        q.translator.match(c.RESPONSE_SERVICE_TIER, "!=", c.BATCH),
        q.translator.match(c.COST_TYPE, "!~", "|".join(NOT_MEASURED)),
    )
    return q.select(o.ORGANIZATION_LIST_COST, *matchers)


def reported(q: Queries, by: tuple[str, ...]) -> str:
    """What the last day cost by Anthropic's report, at list price and without batches. Not on the first of a month.

    A key that is new has no value of a day ago, and all of it is growth; but only if there was any value then.
    """
    now = q.by(by, _month(q))
    before = q.by(by, f"{_month(q)} offset {DAY}")
    known = f"count({_month(q)} offset {DAY}) > 0"
    growth = growth_of(now, before, f"0 * {now}")
    return f"(({growth}) and on () ({known}) and on () (day_of_month() > 1) >= 0)"


def measured(q: Queries, by: tuple[str, ...]) -> str:
    """What the last day cost by what was measured."""
    matchers = (q.match(c.PROVIDER_NAME, PROVIDER), q.translator.match(c.RESPONSE_SERVICE_TIER, "!=", c.BATCH))
    return q.spent(DAY, by, *matchers)


def unexplained(q: Queries) -> str:
    """What Anthropic reports of the last day and nothing measured, by key."""
    hint = q.translator.label(c.API_KEY_HINT)
    ours = f"({measured(q, HINT)} or 0 * {reported(q, HINT)})"
    return f"({reported(q, KEY)} - on ({hint}) group_left () {ours})"


def drift(q: Queries) -> str:
    """By which share what was measured of the last day differs from what is reported, by key; of those that were."""
    theirs = reported(q, HINT)
    return f"(abs({measured(q, HINT)} - {theirs}) / ({theirs} > 0))"


def limit_used(q: Queries, by: tuple[str, ...]) -> str:
    """The used share of spend limits."""
    return q.by(by, f"{q.select(o.SPEND_LIMIT_SPENT)} / ({q.select(o.SPEND_LIMIT)} > 0)", "max")


def changed(q: Queries, metric: Metric, by: tuple[str, ...]) -> str:
    """The values of a gauge that were others an hour ago."""
    now, before = (q.by(by, q.select(metric) + offset, "max") for offset in ("", " offset 1h"))
    return f"({now} != {before})"


def unused_keys(q: Queries, by: tuple[str, ...], days: float) -> str:
    """Requests (none) of keys that are active, that were made that long ago, and that nobody used."""
    key = q.translator.label(o.API_KEY_ID)
    idle = f"{q.by((o.API_KEY_ID, *by), q.select(o.API_KEY_REQUESTS), 'max')} == 0"
    old = f"time() - {q.by((o.API_KEY_ID,), q.select(o.API_KEY_CREATED), 'max')} > {days * 86_400:.0f}"
    active = q.by((o.API_KEY_ID,), q.select(o.API_KEY_INFO, q.match(o.API_KEY_STATUS, "active")), "max")
    return f"(({idle}) and on ({key}) ({old}) and on ({key}) ({active}))"
