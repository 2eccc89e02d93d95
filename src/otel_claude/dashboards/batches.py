"""The panels about batches: what they cost beside calls, how their requests ended, and what is still worked on."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c

from ..promql.queries import RANGE, STEP, Queries
from .panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Panel, line

_CALLS, _BATCHES = "interactive", "batch"


def _spent_by_batches(q: Queries, window: str) -> str:
    return q.spent(window, (), q.match(c.OPERATION_NAME, c.BATCH))


def _spent_by_calls(q: Queries, window: str) -> str:
    return q.spent(window, (), q.match(c.OPERATION_NAME, c.CHAT))


AGAINST_CALLS: Final = Panel(
    140, "Spend: batch against interactive",
    "Dollars per bar. Batches cost half; they are counted when their results are read, not when they are made. Work "
    "that nobody waits for costs too much as interactive calls.",
    "bars", "currencyUSD",
    (
        line(lambda q: _spent_by_calls(q, STEP), _CALLS),
        line(lambda q: _spent_by_batches(q, STEP), _BATCHES),
    ),
    "nothing spent", colors=((_CALLS, BLUE), (_BATCHES, PURPLE)), stacked=True,
)  # fmt: skip
SHARE: Final = Panel(
    141, "Share of batches",
    "The share of the spend that batches had. Each dollar moved from interactive calls to batches saves half of it.",
    "stat", "percentunit", (line(lambda q: q.share(_spent_by_batches(q, RANGE), q.spent(RANGE))),), "nothing spent",
    decimals=0,
)  # fmt: skip
RESULTS: Final = Panel(
    142, "Batch results, by how they ended",
    "Results that were read in the time range. Errored, canceled and expired ones cost nothing. Expired: the batch was "
    "not done within a day; send the requests again.",
    "bargauge", "locale",
    (line(lambda q: q.increase(c.BATCH_RESULTS, RANGE, (c.BATCH_RESULT,)), "", c.BATCH_RESULT),),
    "no results read", base=BLUE, decimals=0,
)  # fmt: skip
PROGRESS: Final = Panel(
    143, "Batches being watched",
    "Requests of the batches that services ask about, by where they are. As fresh as the services' own asking; a batch "
    "leaves five minutes after it was seen to have ended. What a process watched stays for five minutes after its end: "
    "after a restart it is here twice for so long.",
    "lines", "short",
    (line(lambda q: f"{q.gauge(c.BATCH_REQUESTS, STEP, (c.BATCH_STATUS,))} > 0", "", c.BATCH_STATUS),),
    "no batch is watched", stacked=True,
    colors=(
        ("processing", BLUE), ("succeeded", GREEN), ("errored", RED), ("expired", ORANGE), ("canceled", YELLOW),
    ),
)  # fmt: skip
