"""Recorded growth: the rules by which Prometheus keeps what each counter grew, without the labels of processes.

A dashboard that read every process for its whole range would read more with each pod. So rules write, for each set of
labels without those of processes, what it grew in each slot of five minutes (`…:increase5m`) and of an hour
(`…:increase1h`); what grew in any range is the sum of those.

Slots begin at whole multiples of their length in UTC, whenever Prometheus evaluates the rules: a subquery with a step
of one slot is evaluated at its end. So replicas of Prometheus record the same, hours are made of whole slots, and the
correction knows which slots its window holds.

What a slot lacks, because samples came late or an evaluation was missed, is added by the correction: what the raw
series grew in the last hours, less what is recorded of them. It is written when it is found, as a series of its own
(`claude_increase="correction"`), and the next corrections take it off again. What a later slot took, because older
samples came after newer ones, is no part of it. Whatever is read adds up both.

Measured 2026-11-28 on Prometheus 3.14 (docs/recording.md: what is exact after which outage).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from otel_claude import semconv as c
from otel_claude.semconv import INSTANCE_ID, Metric
from otel_claude.semconv import agents as a
from otel_claude.semconv import claude_code as cc
from otel_claude.semconv import organization as o

from .names import BUCKET, JOB, PROCESS, NameTranslator, Part

PREFIX: Final = "claude"
ALIVE: Final = f"{PREFIX}:increase:alive"
"""Recorded each five minutes: since when, and with which gaps, the rules were evaluated."""
BACKFILLED: Final = f"{PREFIX}:increase:backfilled"
"""Recorded by a history for each of its slots, and with another label of `RULES` for each of its hours."""
COUNTS_NEW: Final = f"{PREFIX}:increase:counts_new"
"""Present while a series without an earlier sample is a new process. Absent after an outage of six hours and more."""
DUE: Final = f"{PREFIX}:increase:due"
"""Recorded when a group of rules records a slot, with the slot's end in Unix seconds: none is recorded twice."""
RULES: Final = "rules"
"""The label of `DUE` that names the group."""
SILENT: Final = f"{PREFIX}:increase:silent"
"""How many processes of a service are heard again after a quarter of an hour and more."""
PROCESSES: Final = f"{PREFIX}:claude_client_calls:processes"
"""How many processes report calls, by service."""
STEADY: Final = f"{PREFIX}:claude_client_calls:steady"
"""Present for a service that reported calls in each slot of the last half hour."""
AGENT_PROCESSES: Final = f"{PREFIX}:claude_agent:processes"
"""How many processes report agents, by service."""
CORRECTION_LABEL: Final = "claude_increase"
CORRECTION: Final = "correction"
REPAIR: Final = "repair"
HISTORY: Final = "history"
_BY_RULES: Final = f'{CORRECTION_LABEL}!="{HISTORY}"'
PROCESS_LABELS: Final = ("instance", "service.instance.id", "service.version", INSTANCE_ID, "pod", "k8s.pod.name")
"""The labels that a process or its host brings: sums are recorded without them."""
NOISE: Final = 1e-6
"""Below this a difference is one of floating point: a millionth of a dollar, call or token."""

COUNTERS: Final[tuple[tuple[Metric, Part], ...]] = (
    *((metric, "") for metric in (*c.METRICS, *a.AGENT_METRICS, *cc.CLAUDE_CODE_METRICS) if metric.kind == "counter"),
    (c.RETRY_DELAY, "_sum"),
    (o.ORGANIZATION_POLLS, ""),
)
"""What is money, a number of things, or seconds: exact."""
HISTOGRAMS: Final[tuple[Metric, ...]] = (
    c.DURATION,
    c.TIME_TO_FIRST_CHUNK,
    c.CALL_INPUT_TOKENS,
    c.CALL_OUTPUT_TOKENS,
    c.CALL_COST,
)
"""What quantiles are estimated from: classic buckets, or native histograms where applications send exponential ones."""
BUCKETS: Final[tuple[tuple[Metric, Part], ...]] = tuple((metric, "_bucket") for metric in HISTOGRAMS)
BUCKET_STEPS: Final = 6
"""How many steps of the correction of counters there are to one of buckets, which are most of all series."""
EXACT: Final = (*COUNTERS, *BUCKETS)
"""What is recorded with its corrections: all but native histograms."""
GAUGES: Final[tuple[tuple[Metric, str], ...]] = (
    (c.RATE_LIMIT_UTILIZATION, "max"),
    (c.RATE_LIMIT_LIMIT, "max"),
    (c.RATE_LIMIT_RESET, "max"),
    (c.BATCH_REQUESTS, "sum"),
    (c.RETIREMENT, "max"),
    (c.TAG_VALUES, "max"),
    *((metric, "max") for metric in a.SESSION_METRICS),
)
"""Gauges that panels show over time, and how the values of several processes become one."""
_GAUGE_WINDOW: Final = "5m"


@dataclass(frozen=True)
class Level:
    """The slots of one length. All times are seconds.

    `delay`: how long after a slot ends it is recorded, so that its samples have arrived.
    `window`, `step`, `late`: the correction compares the last `window` each `step`, and waits for `late`.
    """

    name: str
    slot: float
    delay: float
    window: float
    step: float
    late: float

    def corrected_each(self, steps: int) -> Level:
        """The same with a correction after so many steps."""
        return replace(self, step=steps * self.step)

    def scaled(self, factor: float) -> Level:
        """The same on a clock that is so many times faster, for tests on real servers."""
        times = (self.slot, self.delay, self.window, self.step, self.late)
        return Level(self.name, *(time / factor for time in times))


MINUTES: Final = Level("5m", slot=300, delay=60, window=6 * 3600, step=1800, late=41 * 60)
"""`late`: samples are taken for thirty minutes; the slot with the first that came is recorded eleven minutes later."""
HOURS: Final = Level("1h", slot=3600, delay=360, window=24 * 3600, step=3600, late=66 * 60)


def duration(seconds: float) -> str:
    """A length of time in PromQL, exact to a millisecond: `5m`, `5m59s999ms`."""
    rest = round(seconds * 1000)
    written = ""
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, length)
        written += f"{count}{unit}" if count else ""
    return written


def increase_name(metric: Metric, level: str, part: Part = "") -> str:
    """The name of a recorded growth, the same in either style of names. A level is `5m`, `1h` or a variable."""
    return f"{PREFIX}:{NameTranslator().series(metric, part).removesuffix('_total')}:increase{level}"


def gauge_name(metric: Metric, operation: str) -> str:
    """The name of a recorded gauge."""
    return f"{PREFIX}:{metric.prometheus}:{operation}{_GAUGE_WINDOW}"


def over_time(operation: str) -> str:
    """The function that makes one value of a process's gauge in a window: the highest, or the last that is added."""
    return "last_over_time" if operation == "sum" else f"{operation}_over_time"


class Growth:
    """Writes the expressions of the rules, in one style of names."""

    def __init__(
        self, translator: NameTranslator, labels: tuple[str, ...] = (), minutes: Level = MINUTES, hours: Level = HOURS
    ) -> None:
        """`labels`: further labels of processes, as `export --process-label` gives them."""
        self._translator = translator
        self._without = ", ".join(map(translator.label, (*PROCESS_LABELS, *labels)))
        self.minutes, self.hours = minutes, hours
        self.minute = minutes.slot / 5
        self._counts_new = f"last_over_time({COUNTS_NEW}[{duration(10 * self.minute)}])"

    def history(self, metric: Metric, part: Part = "") -> str:
        """What each set of labels grew in a slot before the rules were installed.

        New series are new processes. It is evaluated once, so a day is affordable: what a store that was away for
        hours knew before is not counted again.
        """
        level = self.minutes
        growth = self._growth(metric, part, level.slot, self.hours.window)
        # As in `buckets`: an empty one is the lower bound of the next.
        return _at_the_end_of(level.slot, level.delay, growth if part == "_bucket" else f"{growth} > 0")

    def history_hour(self, metric: Metric, part: Part = "") -> str:
        """What each set of labels grew in the slots of a history that ended within an hour."""
        level = self.hours
        slots = self._recorded_in(metric, part, level.slot, f'{CORRECTION_LABEL}="{HISTORY}"')
        return _at_the_end_of(level.slot, level.delay, slots)

    def repair(self, metric: Metric, part: Part = "") -> str:
        """What is not recorded of the last day's growth, after an outage that was too long for the corrections.

        To be evaluated once, when the outage has been over for two hours, and all of it is less than a day ago.
        """
        level, day = self.minutes, self.hours.window
        name = increase_name(metric, level.name, part)
        slots = _recorded(f'{name}{{{CORRECTION_LABEL}=~"|{HISTORY}"}}', level, day)
        # Those of the last step are recorded up to an hour after it.
        corrections = f'{name}{{{CORRECTION_LABEL}!~"|{HISTORY}"}}[{duration(day)}]'
        corrections = f"sum_over_time({corrections} offset -{duration(level.late + level.step - 0.001)})"
        recorded = f"-1 * sum without ({CORRECTION_LABEL}) ({slots} or {corrections})"
        missing = (
            f"sum without (of) (({self._growth(metric, part, day, day)}) or {_with_label(recorded, 'of', 'recorded')})"
        )
        return _at_the_end_of(level.step, level.late + level.step, f"{missing} > {NOISE:.6f}")

    def _growth(self, metric: Metric, part: Part, seconds: float, baseline: float, *matchers: str) -> str:
        """What the raw series grew within so long. One without an earlier sample is a new process."""
        series = self._translator.select(metric, *self._sums(metric), *matchers, part=part)
        now = f"last_over_time({series}[{duration(seconds)}])"
        before = f"last_over_time({series}[{duration(baseline)}] offset {duration(seconds)})"
        return self._summed(metric, growth_of(now, before, f"0 * {now}"), seconds, *matchers)

    def _sums(self, metric: Metric) -> tuple[str, ...]:
        """A matcher for the cumulative series of a metric that can have others."""
        return (self._translator.match(cc.TEMPORALITY, "=", ""),) if metric.deltas else ()

    def _summed(self, metric: Metric, growth: str, seconds: float, *matchers: str) -> str:
        """The growth of cumulative series, or the sum of deltas, without the labels of processes."""
        if not metric.deltas:
            return self._processes_summed(growth)
        deltas = self._translator.select(metric, self._translator.match(cc.TEMPORALITY, "=", cc.DELTA), *matchers)
        without = f"{self._without}, {self._translator.label(cc.TEMPORALITY)}"
        return f"sum without ({without}) (sum_over_time({deltas}[{duration(seconds)}]) or {growth})"

    def slot(self, metric: Metric, part: Part = "", *, native: bool = False) -> str:
        """What each set of labels grew in the last slot of five minutes.

        A series' value before the slot is looked for as far back as the correction looks, so that an outage of hours
        is counted when it ends.
        """
        level, series = self.minutes, self._translator.select(metric, *self._sums(metric), part=part)
        now = f"last_over_time({series}[{duration(level.slot)}])"
        before = f"last_over_time({series}[{duration(level.window)}] offset {duration(level.slot)})"
        growth = growth_of(now, before, f"(0 * {now} and on () {self._counts_new})")
        growth = self._summed(metric, growth, level.slot)
        # Prometheus 3.14 compares no native histogram with a number.
        return _recorded_once(level.name, level.slot, level.delay, growth if native else f"{growth} > 0")

    def silent(self) -> str:
        """How many processes of each service were silent for a quarter of an hour, are heard again, and are not new."""
        level, calls = self.minutes, self._translator.select(c.CALLS)
        slot, far = duration(level.slot), duration(level.window)
        now = f"last_over_time({calls}[{slot}])"
        new = f"({now} unless last_over_time({calls}[{far}] offset {slot})) and on () {self._counts_new}"
        silent = f"{now} unless last_over_time({calls}[{duration(3 * level.slot)}] offset {slot}) unless ({new})"
        return _recorded_once(level.name, level.slot, level.delay, f"count by ({JOB}) ({silent})")

    def buckets(self, metric: Metric) -> str:
        """What the buckets of a histogram grew: the sum of their latest values less the sum of the earlier ones.

        Buckets are most of all series. No series is matched with its earlier value, which would take three times as
        long: one that has ended has the same in both sums, and a new one has nothing before. A service with a process
        that was silent for longer than the sums look back is left to the correction. That is a rule of its own:
        Prometheus 3.14 reads each selector of an expression as far back as the longest one.
        """
        level = self.minutes
        slot, long, before = (duration(n * level.slot) for n in (1, 4, 3))
        bucket = self._translator.select(metric, part="_bucket")
        now = self._processes_summed(f"last_over_time({bucket}[{long}])")
        earlier = self._processes_summed(f"last_over_time({bucket}[{before}] offset {slot})")
        # An empty bucket below others is their lower bound: it is recorded too. For the order see `growth_of`.
        growth = f"sum without (of) ({_with_label(f'-1 * {earlier}', 'of', 'earlier')} or {now})"
        return _recorded_once(level.name, level.slot, level.delay, growth) + f" unless on ({JOB}) {SILENT}"

    def slot_correction(self, metric: Metric, part: Part = "") -> str:
        """What no slot of five minutes has of the last hours' growth. Nothing while the hours before were an outage."""
        level = self.minutes if part != "_bucket" else self.minutes.corrected_each(BUCKET_STEPS)
        window, name = duration(level.window), increase_name(metric, level.name, part)
        after = duration(level.late - level.delay - level.slot)

        def growth(*matchers: str) -> str:
            grew = self._growth(metric, part, level.window, level.window, *matchers)
            if metric.deltas:
                return grew
            # Where samples came after newer ones, a slot after the step has taken what they grew before it.
            series = self._translator.select(metric, *matchers, part=part)
            now = f"last_over_time({series}[{after}] offset -{after})"
            later = self._processes_summed(growth_of(now, f"last_over_time({series}[{window}])", f"0 * {now}"))
            slots = self._translator.select_name(name, f'{CORRECTION_LABEL}=""', *matchers)
            slots = f"sum_over_time({slots}[{after}] offset -{duration(level.late - 0.001)})"
            taken = f"sum without (of) ({later} or {_with_label(f'-1 * {slots}', 'of', 'slots')}) < 0"
            return f"({grew}) or {_with_label(taken, CORRECTION_LABEL, 'taken')}"

        missing = self._missing(level, growth, metric, part)
        known = f"count_over_time({ALIVE}[{window}] offset {window})"
        return _recorded_once(correction(level, part), level.step, level.late, f"{missing} and on () {known}")

    def hour(self, metric: Metric, part: Part = "") -> str:
        """What was recorded within the last hour, of its slots and of corrections. A history brings its own hours."""
        level = self.hours
        slots = self._recorded_in(metric, part, level.slot, _BY_RULES)
        return _recorded_once(level.name, level.slot, level.delay, slots)

    def hour_correction(self, metric: Metric, part: Part = "") -> str:
        """What no hour has of the last day's slots: hours that were not evaluated."""
        level = self.hours

        def growth(*matchers: str) -> str:
            return self._recorded_in(metric, part, level.window, _BY_RULES, *matchers)

        return _recorded_once(correction(level), level.step, level.late, self._missing(level, growth, metric, part))

    def gauge(self, metric: Metric, operation: str) -> str:
        """The values of a gauge in the last five minutes: of each process the highest, or the last that is added."""
        window = duration(self.minutes.slot)
        each = f"{over_time(operation)}({self._translator.select(metric)}[{window}])"
        return f"{operation} without ({self._without}) ({each})"

    def processes(self, *metrics: Metric) -> str:
        """How many processes report any of some metrics, by service."""
        window = duration(self.minutes.slot)
        each = " or ".join(f"last_over_time({self._translator.select(metric)}[{window}])" for metric in metrics)
        labels = ", ".join(map(self._translator.label, PROCESS))
        return f"count by ({JOB}) (count by ({labels}) ({each}))"

    def steady(self) -> str:
        """1 for each service that reported calls in each slot of the last half hour."""
        return f"count_over_time({PROCESSES}[{duration(30 * self.minute)}]) >= 6"

    def counts_new(self) -> str:
        """1 if the rules were evaluated some time before the last quarter of an hour, or never in thirty days."""
        late, long, window = (duration(count * self.minute) for count in (15, 30 * 1440, 360))
        known = f"count_over_time({ALIVE}[{window}] offset {late}) or absent_over_time({ALIVE}[{long}] offset {late})"
        return f"vector(1) and on () ({known})"

    def _processes_summed(self, expression: str) -> str:
        return f"sum without ({self._without}) ({expression})"

    def _recorded_in(self, metric: Metric, part: Part, seconds: float, *matchers: str) -> str:
        """The sum of slots of five minutes that ended within so long: each is recorded after its end."""
        series = self._translator.select_name(increase_name(metric, self.minutes.name, part), *matchers)
        return f"sum without ({CORRECTION_LABEL}) ({_recorded(series, self.minutes, seconds)})"

    def _missing(self, level: Level, growth: Callable[..., str], metric: Metric, part: Part) -> str:
        """What grew less the slots and the corrections that are recorded of it."""
        name = increase_name(metric, level.name, part)

        def less_recorded(*matchers: str) -> str:
            def select(kind: str) -> str:
                return self._translator.select_name(name, f'{CORRECTION_LABEL}="{kind}"', *matchers)

            slots = _with_label(f"-1 * {_recorded(select(''), level, level.window)}", CORRECTION_LABEL, "slots")
            # The correction of each step is taken off while the step that it is about is in the window.
            earlier = (
                f"sum_over_time({select(CORRECTION)}[{duration(level.window - level.step)}] "
                f"offset -{duration(level.late - 0.001)})"
            )
            return f"sum without ({CORRECTION_LABEL}) (({growth(*matchers)}) or {slots} or -1 * {earlier})"

        if part != "_bucket":
            return f"{less_recorded()} > {NOISE:.6f}"
        # An empty bucket below others is their lower bound: a window can have this correction alone.
        whole = f'{BUCKET}="+Inf"'
        return f"{less_recorded()} >= 0 and ignoring ({BUCKET}) ({less_recorded(whole)} > {NOISE:.6f})"


def growth_of(now: str, before: str, new: str) -> str:
    """What each series grew. `new`: 0 for those that have no value before.

    Samples that arrive out of order while a query runs are seen by the selectors that are read after them (Prometheus
    3.14). So `now` is read first: what it lacks is left to the correction. In `(now - before) or now` a sample can be
    missing from the first `now` alone, and the process counts as a new one, with all that it ever spent.
    """
    return f"{now} - ({before} or {new})"


def _recorded(series: str, level: Level, seconds: float) -> str:
    """The sum of what is recorded of the slots that ended within the last seconds. To be asked at the end of a slot.

    A slot that ends at t is recorded from t + delay on and before t + delay + slot: never at that moment itself.
    """
    return f"sum_over_time({series}[{duration(seconds)}] offset -{duration(level.delay + level.slot - 0.001)})"


def _with_label(expression: str, label: str, value: str) -> str:
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


def correction(level: Level, part: Part = "") -> str:
    """The name of the rules that correct a level."""
    return f"{level.name}{part} {CORRECTION}"


def due(rules: str, slot: float, delay: float) -> str:
    """The end of the last slot, unless these rules have recorded it already.

    They would record it again where a group is evaluated more often than it asks for, and once when its file is moved:
    the moment in the interval at which Prometheus evaluates a group depends on the path of its file.
    """
    ended = _at_the_end_of(slot, delay, "vector(time())")
    return f'{ended} unless on () (last_over_time({DUE}{{{RULES}="{rules}"}}[1d]) >= on () {ended})'


def _recorded_once(rules: str, slot: float, delay: float, expression: str) -> str:
    """An expression's value at the end of the last slot that ended `delay` ago, if `due` was recorded just now."""
    now = f'timestamp({DUE}{{{RULES}="{rules}"}}) == time()'
    return f"{_at_the_end_of(slot, delay, expression)} and on () ({now})"


def _at_the_end_of(slot: float, delay: float, expression: str) -> str:
    length = duration(slot)
    return f"last_over_time(({expression})[{length}:{length}] offset {duration(delay)})"
