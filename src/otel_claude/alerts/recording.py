"""The recording rules: what counters and histograms grew, gauges over time, and which processes report.

Their groups are evaluated as often as there is something new. What VictoriaMetrics needs is less: it reads raw series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from otel_claude import semconv as c
from otel_claude.semconv import Metric
from otel_claude.semconv import agents as a

from ..promql.names import NameTranslator, Part
from ..promql.queries import Store
from ..promql.recorded import (
    AGENT_PROCESSES,
    ALIVE,
    BACKFILLED,
    BUCKET_STEPS,
    BUCKETS,
    CORRECTION,
    CORRECTION_LABEL,
    COUNTERS,
    COUNTS_NEW,
    DUE,
    EXACT,
    GAUGES,
    HISTOGRAMS,
    HISTORY,
    PROCESSES,
    REPAIR,
    RULES,
    SILENT,
    STEADY,
    Growth,
    Level,
    correction,
    due,
    duration,
    gauge_name,
    increase_name,
)
from .rules import Group, Recording

_CORRECTION = ((CORRECTION_LABEL, CORRECTION),)
_HISTORY = ((CORRECTION_LABEL, HISTORY),)


def recording_groups(
    translator: NameTranslator, store: Store = "prometheus", process_labels: tuple[str, ...] = ()
) -> tuple[Group, ...]:
    """All recording rules but those of budgets."""
    return groups_of(Growth(translator, process_labels), store)


def groups_of(growth: Growth, store: Store = "prometheus") -> tuple[Group, ...]:
    """The groups of one clock: tests have a faster one."""
    recorded = store != "victoria-metrics"
    return (
        Group("otel-claude-alive", (Recording(ALIVE, "vector(1)"),), duration(growth.minutes.slot)),
        *(_growth_groups(growth) if recorded else ()),
        Group(
            "otel-claude-gauges",
            (
                *([Recording(gauge_name(*gauge), growth.gauge(*gauge)) for gauge in GAUGES] if recorded else []),
                Recording(PROCESSES, growth.processes(c.CALLS)),
                Recording(STEADY, growth.steady()),
                Recording(AGENT_PROCESSES, growth.processes(a.AGENT_RESULTS, a.SESSIONS)),
            ),
            duration(growth.minutes.slot),
        ),
    )


def _due(rules: str, slot: float, delay: float) -> Recording:
    return Recording(DUE, due(rules, slot, delay), ((RULES, rules),))


def _growth_groups(growth: Growth) -> Iterable[Group]:
    minutes, hours = growth.minutes, growth.hours
    buckets = minutes.corrected_each(BUCKET_STEPS)

    def corrections(
        level: Level, parts: Iterable[tuple[Metric, Part]], rule: Callable[[Metric, Part], str]
    ) -> Iterable[Recording]:
        return (
            Recording(increase_name(metric, level.name, part), rule(metric, part), _CORRECTION)
            for metric, part in parts
        )

    # Each minute: calls of a Prometheus that was just started count from the first slot that ends after this.
    yield Group("otel-claude-new-series", (Recording(COUNTS_NEW, growth.counts_new()),), duration(growth.minute))
    yield Group(
        "otel-claude-increase-5m",
        (
            _due(minutes.name, minutes.slot, minutes.delay),
            Recording(SILENT, growth.silent()),
            *(
                Recording(increase_name(metric, minutes.name, part), growth.slot(metric, part))
                for metric, part in COUNTERS
            ),
            *(
                Recording(increase_name(metric, minutes.name, "_bucket"), growth.buckets(metric))
                for metric in HISTOGRAMS
            ),
            *(
                Recording(increase_name(metric, minutes.name), growth.slot(metric, native=True))
                for metric in HISTOGRAMS
            ),
        ),
        duration(minutes.slot),
    )
    yield Group(
        "otel-claude-increase-5m-correction",
        (
            _due(correction(minutes), minutes.step, minutes.late),
            *corrections(minutes, COUNTERS, growth.slot_correction),
        ),
        duration(minutes.step),
    )
    yield Group(
        "otel-claude-increase-5m-bucket-correction",
        (
            _due(correction(buckets, "_bucket"), buckets.step, buckets.late),
            *corrections(minutes, BUCKETS, growth.slot_correction),
        ),
        duration(buckets.step),
    )
    yield Group(
        "otel-claude-increase-1h",
        (
            _due(hours.name, hours.slot, hours.delay),
            *(Recording(increase_name(metric, hours.name, part), growth.hour(metric, part)) for metric, part in EXACT),
            *(Recording(increase_name(metric, hours.name), growth.hour(metric)) for metric in HISTOGRAMS),
            _due(correction(hours), hours.step, hours.late),
            *corrections(hours, EXACT, growth.hour_correction),
        ),
        duration(hours.slot),
    )  # fmt: skip


def backfill_groups(growth: Growth) -> dict[str, Group]:
    """The rules that `promtool tsdb create-blocks-from rules` evaluates once, by what they make."""
    minutes, hours = growth.minutes, growth.hours
    return {
        "history-5m": Group(
            "otel-claude-history-5m",
            (
                Recording(BACKFILLED, "vector(1)", ((RULES, minutes.name),)),
                *(Recording(increase_name(metric, minutes.name, part), growth.history(metric, part), _HISTORY)
                  for metric, part in EXACT),
            ),
            duration(minutes.slot),
        ),
        "history-1h": Group(
            "otel-claude-history-1h",
            (
                Recording(BACKFILLED, "vector(1)", ((RULES, hours.name),)),
                *(Recording(increase_name(metric, hours.name, part), growth.history_hour(metric, part), _HISTORY)
                  for metric, part in EXACT),
            ),
            duration(hours.slot),
        ),
        # Hours have no repair: what is new in a day's slots is added to them by their own correction.
        "repair": Group(
            "otel-claude-repair",
            tuple(
                Recording(increase_name(metric, minutes.name, part), growth.repair(metric, part),
                          ((CORRECTION_LABEL, REPAIR),))
                for metric, part in COUNTERS
            ),
            duration(minutes.slot),
        ),
    }  # fmt: skip
