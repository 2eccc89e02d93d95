"""Queries: the PromQL of dashboards and rules, from the METRICS table. Knows no panel and no alert.

What was spent or counted in a window is never `increase()`: each process is a series of its own that starts above
zero, so the first sample of a short process would be lost and the rest extrapolated. `Queries.exact_increase` is exact
while a series has no counter reset: `service.instance.id` or `claude.instance.id` is unique to a process.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_claude import semconv as c
from otel_claude.semconv import Metric

from .names import BUCKET, NameTranslator, Part

RANGE = "$__range"
STEP = "$__interval"
RATE = "$__rate_interval"
GAP = "10m"
"""How long a series may be silent and still be the same one: more than Prometheus' own five minutes of lookback, and
the same on VictoriaMetrics, which would look back over little more than one export."""


@dataclass(frozen=True)
class Queries:
    """Writes queries in one style, over what `where` selects.

    `untagged_where`: of histograms, limits and sessions, which have no tags. None: the same.
    """

    translator: NameTranslator
    where: tuple[str, ...] = ()
    untagged_where: tuple[str, ...] | None = None

    def by(self, labels: tuple[str, ...], expression: str, operation: str = "sum") -> str:
        """An aggregation that keeps labels."""
        if not labels:
            return f"{operation}({expression})"
        return f"{operation} by ({', '.join(map(self.translator.label, labels))}) ({expression})"

    def select(self, metric: Metric, *matchers: str, part: Part = "") -> str:
        """A metric's series in scope."""
        where = self.where if metric.tags or self.untagged_where is None else self.untagged_where
        return self.translator.select(metric, *where, *matchers, part=part)

    def match(self, attribute: str, value: str) -> str:
        """A matcher for one value of a label."""
        return self.translator.match(attribute, "=", value)

    def among(self, attribute: str, *values: str) -> str:
        """A matcher for any of some values of a label."""
        return self.translator.match(attribute, "=~", "|".join(values))

    def present(self, attribute: str) -> str:
        """A matcher for series that have a label."""
        return self.translator.match(attribute, "!=", "")

    def exact_increase(
        self, metric: Metric, window: str, by: tuple[str, ...] = (), *matchers: str, part: Part = "", ago: str = ""
    ) -> str:
        """By how much a counter grew within a window: exact for any window, also for processes of a moment.

        `ago`: within a window of the same length that ended so long ago, in a unit longer than the window's.
        """
        series = self.select(metric, *matchers, part=part)
        most = f"max_over_time({series}[{window}]{f' offset {ago}' if ago else ''})"
        before = f"last_over_time({series}[{GAP}] offset {ago}{window})"
        return self.by(by, f"({most} - {before}) or {most}")

    def rate(self, metric: Metric, window: str, by: tuple[str, ...] = (), *matchers: str, part: Part = "") -> str:
        """A counter's growth per second."""
        return self.by(by, f"rate({self.select(metric, *matchers, part=part)}[{window}])")

    def quantile(self, quantile: float, metric: Metric, window: str, by: tuple[str, ...] = ()) -> str:
        """An estimate from a histogram's buckets."""
        return f"histogram_quantile({quantile:g}, {self.rate(metric, window, (*by, BUCKET), part='_bucket')})"

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
        return self.exact_increase(c.COST, window, by, *matchers, ago=ago)

    def calls(self, window: str, by: tuple[str, ...] = (), *matchers: str) -> str:
        """How many calls ended."""
        return self.exact_increase(c.CALLS, window, by, *matchers)

    def errors(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of calls that failed."""
        return self.share(self.calls(window, by, self.present(c.ERROR_TYPE)), self.calls(window, by))

    def blocked(self, reason: str, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of attempts that something blocked."""
        return self.share(
            self.exact_increase(c.ATTEMPTS, window, by, self.match(c.BLOCKED_REASON, reason)),
            self.exact_increase(c.ATTEMPTS, window, by),
        )

    def cache_hits(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of input tokens that the cache gave."""
        return self.share(
            self.exact_increase(c.CACHE_READ_TOKENS, window, by), self.exact_increase(c.INPUT_TOKENS, window, by)
        )

    def cache_net(self, window: str, by: tuple[str, ...] = ()) -> str:
        """What the cache saved less what writing it cost, in dollars. Reads or writes alone count too."""
        saved, paid = (
            self.exact_increase(c.CACHE_SAVINGS, window, by),
            self.exact_increase(c.CACHE_OVERHEAD, window, by),
        )
        return f"({saved} or 0 * {paid}) - ({paid} or 0 * {saved})"

    def truncated(self, window: str, by: tuple[str, ...] = ()) -> str:
        """The share of calls that ended because `max_tokens` was reached."""
        return self.share(self.calls(window, by, self.match(c.STOP_REASON, "max_tokens")), self.calls(window, by))

    def used(self, by: tuple[str, ...]) -> str:
        """The used share of rate limits. Several processes report one limit: the highest counts."""
        return self.by(by, self.select(c.RATE_LIMIT_UTILIZATION), "max")

    def cost_per_call(self, window: str, by: tuple[str, ...] = ()) -> str:
        """Mean dollars of a call that did not fail. Of counters: they have tags, and the histogram of cost has none."""
        spent = self.spent(window, by, self.match(c.OPERATION_NAME, c.CHAT))
        return f"{spent} / ({self.calls(window, by, self.match(c.ERROR_TYPE, ''))} > 0)"
