"""The panels about reliability: attempts, errors, time, and whether the telemetry itself can be trusted."""

from __future__ import annotations

from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from ..promql.names import JOB, SERVICE_VERSION, TARGET_INFO
from ..promql.queries import RANGE, SERIES, STEP, Queries
from .panels import BLUE, GREEN, ORANGE, PURPLE, RED, YELLOW, Column, Panel, exemplars, line
from .variables import TAG

_NO_CALLS: Final = "no calls"
_P95: Final = "p95"

ERROR_RATIO: Final = Panel(
    301, "Failed calls",
    "The share of calls that failed after all retries: what users notice. Under 1 % is normal. By type below.",
    "stat",
    "percentunit", (line(lambda q: q.errors(RANGE)),), _NO_CALLS, thresholds=((0.01, ORANGE), (0.05, RED)), decimals=2,
)  # fmt: skip
RATE_LIMITED: Final = Panel(
    302, "429: rate limited",
    "The share of attempts refused for a rate limit. Retries hide a few; over 5 % slow everything. See which limit is "
    "full: spread the load, cache more, or ask for a higher limit.",
    "stat", "percentunit", (line(lambda q: q.blocked("rate_limit", RANGE)),), _NO_CALLS,
    thresholds=((0.01, ORANGE), (0.05, RED)), decimals=2,
)  # fmt: skip
OVERLOADED: Final = Panel(
    303, "529: overloaded",
    "The share of attempts refused because the API had no capacity. Not your limit: wait, fall back to another model, "
    "and look at Anthropic's status page.",
    "stat", "percentunit", (line(lambda q: q.blocked("overloaded", RANGE)),), _NO_CALLS,
    thresholds=((0.01, ORANGE), (0.05, RED)), decimals=2,
)  # fmt: skip
STOPPED: Final = Panel(
    304, "Blocked by money",
    "Attempts refused for a spend limit or an empty credit balance. Any is an outage until somebody raises the limit "
    "or pays.",
    "stat", "short",
    (
        line(
            lambda q: q.or_zero(
                q.increase(c.ATTEMPTS, RANGE, (), q.among(c.BLOCKED_REASON, "spend_limit", "credit_balance")),
                q.increase(c.ATTEMPTS, RANGE),
            )
        ),
    ),
    _NO_CALLS, thresholds=((1, RED),), decimals=0,
)  # fmt: skip
DURATION_P95: Final = Panel(
    305, "Duration p95", "An estimate of how long the slowest twentieth of calls took, retries and waits included.",
    "stat", "s", (line(lambda q: q.quantile(0.95, c.DURATION, RANGE)),), _NO_CALLS, decimals=1,
)  # fmt: skip
FIRST_CHUNK_P95: Final = Panel(
    306, "First chunk p95", "An estimate of how long the slowest twentieth of streams left their reader waiting.",
    "stat", "s", (line(lambda q: q.quantile(0.95, c.TIME_TO_FIRST_CHUNK, RANGE)),), "no streams", decimals=1,
)  # fmt: skip
WAITED: Final = Panel(
    307, "Lost in back-off",
    "Time that calls slept between attempts, added up over all of them. Much of it: the limits are too small for the "
    "load.",
    "stat", "s",
    (
        line(
            lambda q: q.or_zero(
                q.increase(c.RETRY_DELAY, RANGE, (), part="_sum"), q.increase(c.ATTEMPTS, RANGE)
            )
        ),
    ),
    _NO_CALLS, decimals=1,
)  # fmt: skip
ATTEMPTS_BY_OUTCOME: Final = Panel(
    310, "Attempts by outcome",
    "HTTP requests per bar. `retried` cost time, `failed` reached the application. Mostly `success` is normal.",
    "bars", "short",
    (line(lambda q: q.increase(c.ATTEMPTS, STEP, (c.ATTEMPT_OUTCOME,)), "", c.ATTEMPT_OUTCOME),), _NO_CALLS,
    colors=(("success", GREEN), ("retried", ORANGE), ("failed", RED)), stacked=True,
)  # fmt: skip
BLOCKED_BY_REASON: Final = Panel(
    311, "Blocked, by reason",
    "Refused attempts per bar. `rate_limit`: your limit is full. `overloaded`: Anthropic's capacity. `spend_limit` and "
    "`credit_balance`: money, and nothing works until somebody acts.",
    "bars", "short",
    (
        line(
            lambda q: q.increase(c.ATTEMPTS, STEP, (c.BLOCKED_REASON,), q.present(c.BLOCKED_REASON)), "",
            c.BLOCKED_REASON,
        ),
    ),
    "nothing was blocked",
    colors=(("rate_limit", ORANGE), ("overloaded", YELLOW), ("spend_limit", RED), ("credit_balance", PURPLE)),
    stacked=True,
)  # fmt: skip
ERRORS_BY_TYPE: Final = Panel(
    312, "Failed calls, by type",
    "The share of calls, per bar, that ended in each error. `rate_limit_error` after retries: raise `max_retries` or "
    "the limit. `invalid_request_error` and `authentication_error` are the application's own.",
    "bars", "percentunit",
    (
        line(
            lambda q: f"{q.calls(STEP, (c.ERROR_TYPE,), q.present(c.ERROR_TYPE))} / on() group_left() {q.calls(STEP)}",
            "", c.ERROR_TYPE,
        ),
    ),
    "no failures", stacked=True,
)  # fmt: skip
RETRIES: Final = Panel(
    313, "Time lost in back-off, by model",
    "Seconds slept between attempts, per bar. Steady: the load is above the limit. Peaks: bursts that a queue would "
    "smooth.",
    "bars", "s",
    (line(lambda q: q.increase(c.RETRY_DELAY, STEP, (c.REQUEST_MODEL,), part="_sum"), "", c.REQUEST_MODEL),),
    "no retries", stacked=True,
)  # fmt: skip


def _times(number: int, title: str, description: str, metric: Metric, empty: str) -> Panel:
    return Panel(
        number, title, description, "lines", "s",
        (
            line(lambda q: q.quantile(0.99, metric, STEP), "p99"),
            line(lambda q: q.quantile(0.95, metric, STEP), _P95),
            line(lambda q: q.quantile(0.5, metric, STEP), "p50"),
            exemplars(metric),
        ),
        empty, colors=(("p99", RED), (_P95, ORANGE), ("p50", BLUE)),
    )  # fmt: skip


DURATION: Final = _times(
    320, "Duration of calls",
    "Estimates from buckets. It grows with output tokens, thinking and retries. The points are exemplars: each leads "
    "to the trace of one call.", c.DURATION, _NO_CALLS,
)  # fmt: skip
FIRST_CHUNK: Final = _times(
    321, "Time to first chunk",
    "Estimates, streams only. It grows with uncached input and with queues at the API: a cache hit shortens it.",
    c.TIME_TO_FIRST_CHUNK, "no streams",
)  # fmt: skip
DURATION_BY_MODEL: Final = Panel(
    322, "Duration p95, by model", "Estimates. One model alone slow: that model. All slow: the network, or the API.",
    "lines",
    "s", (line(lambda q: q.quantile(0.95, c.DURATION, STEP, (c.REQUEST_MODEL,)), "", c.REQUEST_MODEL),), _NO_CALLS,
)  # fmt: skip


def _unpriced(q: Queries) -> str:
    # Results of batches are counted as unpriced too, and are no calls.
    return q.share(q.increase(c.UNPRICED, RANGE, (), q.match(c.OPERATION_NAME, c.CHAT)), q.calls(RANGE))


UNPRICED: Final = Panel(
    330, "Unpriced calls",
    "The share of calls whose cost is unknown, or known as a lower bound only. The spend shown is too low by these. "
    "Under 1 % is normal; the reasons are beside.",
    "stat", "percentunit", (line(_unpriced),), _NO_CALLS,
    thresholds=((0.01, ORANGE), (0.05, RED)), decimals=1,
)  # fmt: skip
UNPRICED_BY_REASON: Final = Panel(
    331, "Unpriced calls, by reason",
    "`unknown_model`: upgrade otel-claude, or give the price in your own file. `incomplete_stream`: read streams to "
    "their end. `no_response`: time-outs, which may be billed. `invalid_response`, `missing_counts`: look at what "
    "stands between the program and the API. The runbooks list all reasons.",
    "bargauge", "short",
    (line(lambda q: f"sort_desc({q.increase(c.UNPRICED, RANGE, (c.UNPRICED_REASON,))})", "", c.UNPRICED_REASON),),
    "every call has a price",
    base=BLUE, decimals=0,
)  # fmt: skip


def _target_info(q: Queries, *by: str) -> str:
    return q.by(by, q.translator.select_name(TARGET_INFO, q.where[0]), "count")


INSTANCES: Final = Panel(
    332, "Processes reporting, by service",
    "How many processes sent calls, each five minutes; narrowed by the service alone. A service that ended by itself "
    "disappears; one that should run and is not here has lost its telemetry or its process.",
    "lines", "none", (line(lambda q: q.processes(STEP, c.CALLS), "", JOB),), "nothing reports",
    decimals=0,
)  # fmt: skip
VERSIONS: Final = Panel(
    333, "Live: versions",
    "Running processes by the version that the application gives as `service.version`. More than one for long: a "
    "deployment that stopped half way. Processes that share a `service.instance.id` are one here. Empty where the "
    "metrics store keeps no `target_info` (VictoriaMetrics).",
    "table", "none", (line(lambda q: _target_info(q, JOB, SERVICE_VERSION)),), "no target_info",
    columns=(Column(JOB, "Service"), Column(SERVICE_VERSION, "Version"), Column("Value #A", "Processes")),
)  # fmt: skip


def _distinct(q: Queries, label: str) -> str:
    return f"count({q.calls('1h', (label,))})"


LABELS: Final = Panel(
    335, "Distinct values of labels, last hour",
    "How many values each label had among the calls. A process has about as many series as these multiply to: a label "
    "with many values is the one to leave out, by fewer tags, `OTEL_CLAUDE_TAG_LIMIT` or `OTEL_CLAUDE_API_KEY_FORMAT`.",
    "bargauge", "locale",
    (
        line(lambda q: _distinct(q, JOB), "services"),
        line(lambda q: _distinct(q, c.REQUEST_MODEL), "requested models"),
        line(lambda q: _distinct(q, c.RESPONSE_MODEL), "models in responses"),
        line(lambda q: _distinct(q, c.API_KEY_HINT), "API keys"),
        line(lambda q: _distinct(q, c.WORKSPACE_ID), "workspaces"),
        line(lambda q: _distinct(q, c.ERROR_TYPE), "errors"),
        line(lambda q: _distinct(q, TAG), "values of $tag"),
    ),
    _NO_CALLS, base=BLUE, decimals=0,
)  # fmt: skip
LABEL_SETS: Final = Panel(
    336, "Sets of labels, by metric",
    "How many sets of labels grew in the busiest five minutes of the last hour, as they are recorded, without those of "
    "processes. Each process has a part of them as series. Each bucket of a histogram is a set of its own.",
    "table", "locale", (line(lambda q: q.label_sets(10)),), "nothing is recorded",
    columns=(Column(SERIES, "Recorded series", width=520), Column("Value #A", "Sets of labels", "locale")),
)  # fmt: skip
TAG_VALUES: Final = Panel(
    337, "Distinct values of tags, by key",
    "Of the process with the most. At `OTEL_CLAUDE_TAG_LIMIT` (200) further values are recorded as `_other` for the "
    "life of the process: name the values that count in `OTEL_CLAUDE_TAG_VALUES`, above all where baggage from outside "
    "becomes tags.",
    "lines", "locale", (line(lambda q: q.gauge(c.TAG_VALUES, STEP, (c.TAG_KEY,)), "", c.TAG_KEY),), "no tags",
    decimals=0,
)  # fmt: skip
TAG_CHANGES: Final = Panel(
    338, "Values of tags that did not fit, by key",
    "`empty` and `not_text`: left out, so the spend has no such tag. `too_long`: cut after 200 characters. "
    "`control_characters`: each a space. Look at where the application takes the value from.",
    "bargauge", "locale",
    (line(lambda q: q.increase(c.TAG_CHANGES, RANGE, (c.TAG_KEY, c.TAG_CHANGE)), "", c.TAG_KEY, c.TAG_CHANGE),),
    "every value fits", base=BLUE, decimals=0,
)  # fmt: skip
SAMPLE_AGE: Final = Panel(
    334, "Live: age of the last sample",
    "Seconds since each service last sent metrics. It should stay under twice the export interval (60 s by default). "
    "Higher: look at the logs of the process and of the Collector for failed exports.",
    "bargauge", "s", (line(lambda q: f"time() - {q.by((JOB,), f'timestamp({q.select(c.CALLS)})', 'max')}", "", JOB),),
    "no sample in five minutes", thresholds=((130, ORANGE), (240, RED)), max=300, decimals=0,
)  # fmt: skip
