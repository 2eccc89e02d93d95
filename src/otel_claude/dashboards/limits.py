"""The panels about rate limits. Limits have no tags: the tag variable does not narrow them."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from ..promql.queries import STEP, Queries
from .panels import ORANGE, RED, Column, Panel, Query, line

_UNKNOWN: Final = "no limits reported"
LIMIT_BY: Final = (c.RATE_LIMIT_NAME, c.REQUEST_MODEL, c.API_KEY_HINT)
_SHORT: Final = (c.RATE_LIMIT_NAME, c.REQUEST_MODEL)
"""Without the key: lines over time would be too many to tell apart."""
_USED_STEPS: Final = ((0.8, ORANGE), (0.9, RED))
_ABOUT: Final = "As the API last said, per model and key; a limit is not shown once its reset time has passed. "


def _of_all(q: Queries, limits: str) -> str:
    """An account's limits, which agents report, are of no model."""
    return q.named(limits, c.REQUEST_MODEL, "all models")


def _highest(q: Queries) -> str:
    return q.named(_of_all(q, f"topk(8, {q.used(LIMIT_BY)})"), c.API_KEY_HINT, "key not shown")


def _resets(q: Queries) -> str:
    of_minutes = q.translator.match(c.RATE_LIMIT_NAME, "!~", "unified_.*")
    return q.gauge(c.RATE_LIMIT_RESET, STEP, _SHORT, of_minutes)


HIGHEST: Final = Panel(
    401, "Live: limit used",
    _ABOUT + "Over 80 % the next burst will be refused with 429: spread the load, cache more, or ask for a higher "
    "limit.",
    "stat", "percentunit", (line(lambda q: q.used(())),), _UNKNOWN, thresholds=_USED_STEPS, max=1, decimals=0,
)  # fmt: skip
USED_NOW: Final = Panel(
    402, "Live: limits in use",
    _ABOUT + "The eight of which most is used. Orange from 80 %, red from 90 %.",
    "bargauge", "percentunit", (line(_highest, "", *LIMIT_BY),), _UNKNOWN,
    thresholds=_USED_STEPS, max=1, decimals=0,
)  # fmt: skip
USED_OVER_TIME: Final = Panel(
    403, "Limits in use, over time",
    _ABOUT + "Peaks that touch 100 % are bursts that a queue would smooth; a high plateau needs a higher limit.",
    "lines", "percentunit",
    (line(lambda q: _of_all(q, q.gauge(c.RATE_LIMIT_UTILIZATION, STEP, _SHORT)), "", *_SHORT),), _UNKNOWN,
    thresholds=_USED_STEPS, max=1,
)  # fmt: skip
LIMITS_TABLE: Final = Panel(
    404, "Live: limits, what is left, and when each resets",
    _ABOUT + "Input limits count uncached input and cache writes; for most models cache reads are free of them.",
    "table", "none",
    (
        line(lambda q: q.by(LIMIT_BY, q.select(c.RATE_LIMIT_LIMIT), "max")),
        line(lambda q: q.by(LIMIT_BY, q.select(c.RATE_LIMIT_REMAINING), "min")),
        line(lambda q: q.used(LIMIT_BY)),
        line(lambda q: q.by(LIMIT_BY, q.select(c.RATE_LIMIT_RESET), "max")),
    ),
    _UNKNOWN,
    columns=(
        Column(c.RATE_LIMIT_NAME, "Limit of"), Column(c.REQUEST_MODEL, "Model"), Column(c.API_KEY_HINT, "API key"),
        Column("Value #A", "Size", "locale"), Column("Value #B", "Left", "locale"),
        Column("Value #C", "Used", "percentunit"), Column("Value #D", "Resets in", "s"),
    ),
    sorted_by="Used",
)  # fmt: skip
RESETS: Final = Panel(
    405, "Time to reset",
    "Seconds until each limit resets. Limits refill continuously: seconds are normal, minutes mean that much "
    "was borrowed from the future. An account's limits of hours and days are in the table above alone.",
    "lines", "s", (line(_resets, "", *_SHORT),), _UNKNOWN,
)  # fmt: skip


def _against(number: int, title: str, description: str, observed: Query, limit: str) -> Panel:
    def size(q: Queries) -> str:
        return q.gauge(c.RATE_LIMIT_LIMIT, STEP, (c.REQUEST_MODEL,), q.match(c.RATE_LIMIT_NAME, limit))

    return Panel(
        number, title,
        description + "The dashed line is the limit: a line that nears it will meet 429. Other programs of the "
        "organization use the same limit and are seen only if they are measured too.",
        "lines", "short", (line(observed, "used", c.REQUEST_MODEL), line(size, "limit", c.REQUEST_MODEL)), "no calls",
    )  # fmt: skip


def _minute(q: Queries, metric: Metric) -> str:
    # Of calls and their attempts: the tokens of batches are no part of these limits.
    return q.per_minute(metric, (c.REQUEST_MODEL,), q.match(c.OPERATION_NAME, c.CHAT))


def _uncached_per_minute(q: Queries) -> str:
    total, read = (_minute(q, metric) for metric in (c.INPUT_TOKENS, c.CACHE_READ_TOKENS))
    return f"{total} - ({read} or 0 * {total})"


INPUT_AGAINST_LIMIT: Final = _against(
    410, "Input tokens per minute against the limit", "Uncached input and cache writes, by model.",
    _uncached_per_minute, "input_tokens",
)  # fmt: skip
OUTPUT_AGAINST_LIMIT: Final = _against(
    411, "Output tokens per minute against the limit", "Output by model, thinking included.",
    lambda q: _minute(q, c.OUTPUT_TOKENS), "output_tokens",
)  # fmt: skip
REQUESTS_AGAINST_LIMIT: Final = _against(
    412, "Requests per minute against the limit", "Attempts by model, retries included.",
    lambda q: _minute(q, c.ATTEMPTS), "requests",
)  # fmt: skip
