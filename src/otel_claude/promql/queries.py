"""Queries: the PromQL of dashboards and rules, from the METRICS table. Knows no panel and no alert.

What was spent or counted in a window is never `increase()`: each process is a series of its own that starts above
zero, so the first sample of a short process would be lost and the rest extrapolated. Prometheus and Mimir add up what
rules recorded (`recorded`); VictoriaMetrics has `increase_pure()`, which takes a series to begin at zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from .names import BUCKET, JOB, PROCESS, NameTranslator, Part
from .recorded import GAUGES, HOURS, MINUTES, PREFIX, PROCESSES, gauge_name, growth_of, increase_name, over_time

RANGE: Final = "$__range"
STEP: Final = "$__interval"
STEP_MS: Final = "$__interval_ms"
LEVEL: Final = "level"
"""The variable of a dashboard that says which slots its range adds up: `5m`, or `1h` for more than a week."""
LONG: Final = 7 * 86_400
"""Seconds of a dashboard's range above which hours are added up."""
HOURLY: Final = 3 * 86_400
"""Seconds of a fixed window from which on hours are added up."""
SERIES: Final = "series"
"""The label that a series' own name is moved to: functions over time drop the name."""
LATEST: Final = "10m"
"""In which the last value of what is recorded each five minutes is found."""
RAW: Final = "raw"
BASELINE: Final = "6h"
"""How long a raw series may be silent and still be the same one."""

Store = Literal["prometheus", "mimir", "victoria-metrics"]
STORES: Final[tuple[Store, ...]] = ("prometheus", "mimir", "victoria-metrics")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_OPERATIONS: Final = dict(GAUGES)


def seconds(window: str) -> float:
    """The length of a window that is written with one unit, as `90s` or `30d`."""
    return float(window[:-1]) * _SECONDS[window[-1]]


@dataclass(frozen=True)
class Queries:
    """Writes queries in one style for one kind of store, over what `where` selects.

    `untagged_where`: of histograms, limits and sessions, which have no tags. None: the same.
    """

    translator: NameTranslator
    where: tuple[str, ...] = ()
    untagged_where: tuple[str, ...] | None = None
    store: Store = "prometheus"
    slots: str = ""
    """Which slots growth adds up: `5m`, `1h`, `RAW` for none, or by the length of each window."""

    @property
    def recorded(self) -> bool:
        """Whether rules record growth in this store."""
        return self.store != "victoria-metrics"

    def by(self, labels: tuple[str, ...], expression: str, operation: str = "sum") -> str:
        """An aggregation that keeps labels."""
        if not labels:
            return f"{operation}({expression})"
        return f"{operation} by ({', '.join(map(self.translator.label, labels))}) ({expression})"

    def select(self, metric: Metric, *matchers: str, part: Part = "") -> str:
        """A metric's raw series in scope."""
        return self.translator.select(metric, *self._scope(metric), *matchers, part=part)

    def _scope(self, metric: Metric) -> tuple[str, ...]:
        return self.where if metric.tags or self.untagged_where is None else self.untagged_where

    def match(self, attribute: str, value: str) -> str:
        """A matcher for one value of a label."""
        return self.translator.match(attribute, "=", value)

    def among(self, attribute: str, *values: str) -> str:
        """A matcher for any of some values of a label."""
        return self.translator.match(attribute, "=~", "|".join(values))

    def present(self, attribute: str) -> str:
        """A matcher for series that have a label."""
        return self.translator.match(attribute, "!=", "")

    def increase(
        self,
        metric: Metric,
        window: str,
        by: tuple[str, ...] = (),
        *matchers: str,
        part: Part = "",
        ago: str = "",
        level: str = "",
    ) -> str:
        """By how much a counter grew within a window, also for processes of a moment.

        `ago`: within a window of the same length that ended so long ago. `level`: the slots that are added up, if not
        those for this length.
        """
        offset = f" offset {ago}" if ago else ""
        if not self.recorded:
            function = "sum_over_time" if metric.deltas else "increase_pure"
            return self.by(by, f"{function}({self.select(metric, *matchers, part=part)}[{window}]{offset})")
        level = level or self.slots or _level(window)
        if level == RAW:
            return self.raw_increase(metric, window, by, *matchers, part=part)
        name = increase_name(metric, level, part)
        series = self.translator.select_name(name, *self._scope(metric), *matchers)
        return self.by(by, f"sum_over_time({series}[{window}]{offset})")

    def raw_increase(
        self, metric: Metric, window: str, by: tuple[str, ...] = (), *matchers: str, part: Part = ""
    ) -> str:
        """The same from the raw series, up to the last export. It reads each process: for short windows alone."""
        if not self.recorded:
            return self.increase(metric, window, by, *matchers, part=part)
        series = self.select(metric, *matchers, part=part)
        now = f"last_over_time({series}[{window}])"
        return self.by(by, growth_of(now, f"last_over_time({series}[{BASELINE}] offset {window})", f"0 * {now}"))

    def per_minute(self, metric: Metric, by: tuple[str, ...] = (), *matchers: str) -> str:
        """By how much a counter grew per minute, in each step of a graph."""
        return f"60000 * {self.increase(metric, STEP, by, *matchers)} / {STEP_MS}"

    def quantile(self, quantile: float, metric: Metric, window: str, by: tuple[str, ...] = ()) -> str:
        """An estimate from a histogram: from its classic buckets, or a native one where applications send those."""
        buckets = self.increase(metric, window, (*by, BUCKET), part="_bucket")
        if self.recorded:
            buckets = f"{buckets} or {self.increase(metric, window, by)}"
        return f"histogram_quantile({quantile:g}, {buckets})"

    def count(self, metric: Metric, window: str, by: tuple[str, ...] = ()) -> str:
        """How many values a histogram got: from its highest bucket, or a native one."""
        values = self.increase(metric, window, by, self.match(BUCKET, "+Inf"), part="_bucket")
        return f"({values} or histogram_count({self.increase(metric, window, by)}))" if self.recorded else values

    def exemplars(self, metric: Metric) -> str:
        """A histogram's series for Prometheus' search of exemplars, which reads the selector of a query alone.

        At the time 0 there are no samples, so that it costs nothing as a query.
        """
        parts: tuple[Part, ...] = ("_bucket", "")
        names = (self.translator.series(metric, part) for part in parts)
        return f"{self.translator.either(names, *self._scope(metric))} @ 0"

    def gauge(self, metric: Metric, window: str, by: tuple[str, ...] = (), *matchers: str) -> str:
        """A gauge within a window, over all processes: its highest value, or the sum of the last ones."""
        operation = _OPERATIONS[metric]
        series = self.select(metric, *matchers)
        if self.recorded:
            series = self.translator.select_name(gauge_name(metric, operation), *self._scope(metric), *matchers)
        return self.by(by, f"{over_time(operation)}({series}[{window}])", operation)

    def processes(self, window: str, *metrics: Metric, recorded: str = PROCESSES) -> str:
        """How many processes report any of some metrics, by service; in a window the most at once."""
        if self.recorded:
            return self.by((JOB,), f"max_over_time({self.translator.select_name(recorded, *self.where[:1])}[{window}])")
        each = " or ".join(f"last_over_time({self.select(metric)}[{window}])" for metric in metrics)
        return self.by((JOB,), self.by(PROCESS, each, "count"), "count")

    def label_sets(self, most: int) -> str:
        """How many sets of labels grew in a slot of the last hour at most, of the metrics with the most of them."""
        names = self.translator.match("__name__", "=~", f"{PREFIX}:.+:increase{MINUTES.name}")
        if not self.recorded:
            names = self.translator.match("__name__", "=~", "(claude|gen_ai).+")
        series = f"{{{', '.join((names, *self.where))}}}"
        named = f'label_replace({series}, "{SERIES}", "$1", "__name__", "(.*)")'
        return f"topk({most}, max_over_time(({self.by((SERIES,), named, 'count')})[1h:{MINUTES.name}]))"

    def share(self, part: str, whole: str) -> str:
        """A part of a whole: 0 where there is no part, nothing where there is no whole."""
        return f"({part} or 0 * {whole}) / ({whole} > 0)"

    def named(self, expression: str, label: str, name: str) -> str:
        """A name for the series that lack a label."""
        bare = self.translator.bare(label)
        return f'label_replace({expression}, "{bare}", "{name}", "{bare}", "")'

    def relabelled(self, expression: str, label: str, to: str) -> str:
        """Sums by a label, under another name."""
        bare = self.translator.bare(label)
        return self.by((to,), f'label_replace({expression}, "{to}", "$1", "{bare}", "(.*)")')

    def or_zero(self, part: str, whole: str) -> str:
        """A part, or 0 where there is a whole without it."""
        return f"{part} or 0 * {whole}"

    # What a panel and a rule both ask.

    def spent(self, window: str, by: tuple[str, ...] = (), *matchers: str, ago: str = "") -> str:
        """Dollars spent, exactly."""
        return self.increase(c.COST, window, by, *matchers, ago=ago)

    def calls(self, window: str, by: tuple[str, ...] = (), *matchers: str) -> str:
        """How many calls ended."""
        return self.increase(c.CALLS, window, by, *matchers)

    def requests(self, window: str, by: tuple[str, ...] = (), *, ago: str = "") -> str:
        """How many calls ended, or results of batches were read where there are no calls."""
        calls, results = (self.increase(metric, window, by, ago=ago) for metric in (c.CALLS, c.BATCH_RESULTS))
        return f"({calls} or {results})"

    def errors(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of calls that failed."""
        return self.share(self.calls(window, by, self.present(c.ERROR_TYPE)), self.calls(window, by))

    def blocked(self, reason: str, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of attempts that something blocked."""
        return self.share(
            self.increase(c.ATTEMPTS, window, by, self.match(c.BLOCKED_REASON, reason)),
            self.increase(c.ATTEMPTS, window, by),
        )

    def cache_hits(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of input tokens that the cache gave."""
        return self.share(self.increase(c.CACHE_READ_TOKENS, window, by), self.increase(c.INPUT_TOKENS, window, by))

    def cache_net(self, window: str, by: tuple[str, ...] = ()) -> str:
        """What the cache saved less what writing it cost, in dollars. Reads or writes alone count too."""
        saved, paid = (self.increase(metric, window, by) for metric in (c.CACHE_SAVINGS, c.CACHE_OVERHEAD))
        return f"({saved} or 0 * {paid}) - ({paid} or 0 * {saved})"

    def truncated(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of calls that ended because `max_tokens` was reached."""
        return self.share(self.calls(window, by, self.match(c.STOP_REASON, "max_tokens")), self.calls(window, by))

    def retires_at(self) -> str:
        """The Unix times at which models retire that were used within a day, by service."""
        return self.gauge(c.RETIREMENT, "1d", (JOB, c.REQUEST_MODEL))

    def spent_on_models(self, window: str) -> str:
        """Dollars by service and model in use. Results of batches say only which model answered."""
        by = (JOB, c.OPERATION_NAME, c.REQUEST_MODEL, c.RESPONSE_MODEL)
        calls, batches = (
            self.spent(window, by, self.translator.match(c.OPERATION_NAME, operator, c.BATCH))
            for operator in ("!=", "=")
        )
        request, response = map(self.translator.bare, (c.REQUEST_MODEL, c.RESPONSE_MODEL))
        return self.by((JOB, c.REQUEST_MODEL), f'{calls} or label_join({batches}, "{request}", "", "{response}")')

    def used(self, by: tuple[str, ...]) -> str:
        """The used share of rate limits, as last reported. Several processes report one limit: the highest counts."""
        return self.by(by, self.select(c.RATE_LIMIT_UTILIZATION), "max")

    def cost_per_call(self, window: str, by: tuple[str, ...] = ()) -> str:
        """Mean dollars of a call that did not fail. Of counters: they have tags, and the histogram of cost has none."""
        spent = self.spent(window, by, self.match(c.OPERATION_NAME, c.CHAT))
        return f"{spent} / ({self.calls(window, by, self.match(c.ERROR_TYPE, ''))} > 0)"


def _level(window: str) -> str:
    if window.startswith("$"):
        return f"${{{LEVEL}}}"
    return HOURS.name if seconds(window) >= HOURLY else MINUTES.name
