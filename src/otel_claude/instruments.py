"""Instruments: what OpenTelemetry's meter measures with, made from the METRICS table, once for each meter provider.

Histograms are synchronous, for their exemplars. Counters and gauges are observable and read the ledger and the limits.
Creating an observable of the same name again gives the first one and ignores the new callback: so what one provider has
survives `uninstrument()` and `instrument()`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider, Observation

from . import conventions as c
from . import conventions_agents as agents
from . import identity, inherited
from .batches import Batches
from .bill import PICO
from .contain import contained, logger
from .conventions import Metric
from .identity import NOT_KNOWN, Identity, consumer_of, resource_of
from .labels import Labeller, Labels
from .ledger import Ledger, Row, Value
from .limits import Limits
from .postings import Posting, rows
from .record import CallRecord
from .sessions import Sessions
from .settings import InstanceMode
from .wire import Limit

_LIMIT_VALUES: Final[dict[str, Callable[[Limit, float | None], float | None]]] = {
    c.RATE_LIMIT_LIMIT.name: lambda limit, _: limit.limit,
    c.RATE_LIMIT_REMAINING.name: lambda limit, _: limit.remaining,
    c.RATE_LIMIT_UTILIZATION.name: lambda limit, _: limit.utilization,
    c.RATE_LIMIT_RESET.name: lambda _, seconds: seconds,
}


class Instruments:
    """One provider's histograms by name, ledger, limits and sessions. `settle` is called before anything is read."""

    def __init__(self, meter: Meter, labels: Labeller, instance_id: InstanceMode = "auto") -> None:
        self.labels = labels
        self.identity = Identity(instance_id, self._resource)
        self.ledger: Ledger[Posting] = Ledger(lambda posting: rows(posting, self.labels))
        self.reports: Ledger[tuple[Row, ...]] = Ledger(lambda reported: reported)
        """What the Claude Agent SDK reported: no number of ours is among them."""
        self.limits = Limits()
        self.batches = Batches()
        self.sessions = Sessions()
        self.late: deque[tuple[CallRecord, int]] = deque()
        """Calls that finalizers ended, and when (nanoseconds since the epoch)."""
        self.settle: Callable[[], None] = _nothing
        self.histograms: dict[str, Histogram] = {}
        self._has_agents = False
        self._meter = meter
        self._create_all(*c.METRICS, *agents.SESSION_METRICS)

    def measured(self, labels: Labels) -> dict[str, Value]:
        """The attributes of what a histogram records: its labels, and the process's id where it is needed."""
        identity = self.identity
        mark = identity.mark if identity.is_settled else identity.settle()
        return labels.attributes if mark is None else labels.marked(mark)

    def add_legacy(self) -> None:
        """Adds the histograms under their names of before September 2026."""
        self._create_all(*(metric for metric in c.LEGACY_METRICS if metric.name not in self.histograms))

    def add_agents(self) -> None:
        """Adds what the Claude Agent SDK reports."""
        if not self._has_agents:
            self._has_agents = True
            self._create_all(*agents.AGENT_METRICS)

    def _create_all(self, *metrics: Metric) -> None:
        for metric in metrics:
            try:
                self._create(metric)
            except Exception:
                # A meter of the application's may refuse one.
                contained(f"created {metric.name}")

    def _create(self, metric: Metric) -> None:
        described: dict[str, Any] = {"unit": metric.unit, "description": metric.description}
        if metric.kind == "histogram":
            self.histograms[metric.name] = self._meter.create_histogram(
                metric.name, explicit_bucket_boundaries_advisory=metric.buckets, **described
            )
        elif metric.kind == "counter":
            self._meter.create_observable_counter(
                metric.name, [self._observed(metric, self._counter(metric))], **described
            )
        else:
            self._meter.create_observable_gauge(metric.name, [self._observed(metric, self._gauge(metric))], **described)

    def _observed(self, metric: Metric, observe: _Observe) -> _Observe:
        """Observations with the process's id where it is needed. Nothing is stored with it, so a fork changes all.

        Never raises: OpenTelemetry would log that anew at each collection.
        """

        def observed(options: CallbackOptions) -> Iterator[Observation]:
            try:
                mark = self.identity.settle()
                if mark is None:
                    yield from observe(options)
                    return
                for each in observe(options):
                    yield Observation(each.value, {**(each.attributes or {}), c.INSTANCE_ID: mark})
            except Exception:
                contained(f"observed {metric.name}")

        return observed

    def _consumer(self) -> Any:
        """Where the metrics SDK has what our instruments measure. One histogram may have been refused."""
        return next((found for each in self.histograms.values() if (found := consumer_of(each)) is not None), None)

    def _resource(self) -> Any:
        consumer = self._consumer()
        return NOT_KNOWN if consumer is NOT_KNOWN else resource_of(consumer)

    def _counter(self, metric: Metric) -> _Observe:
        dollars = metric.unit == "{USD}"
        ledger = self.reports if metric in agents.AGENT_METRICS else self.ledger

        def observe(_options: CallbackOptions) -> Iterator[Observation]:
            try:
                self.settle()
            except Exception:
                contained("recorded what had ended")
            for attributes, amount in ledger.sums(metric.name):
                yield Observation(amount / PICO if dollars else amount, attributes)

        return observe

    def _gauge(self, metric: Metric) -> _Observe:
        if metric is c.BATCH_PROGRESS:
            read = self._progress
        elif metric.name in _LIMIT_VALUES:
            read = partial(self._limits, _LIMIT_VALUES[metric.name])
        else:
            read = partial(self._sessions, metric.name)
        return lambda _options: read()

    def _progress(self) -> Iterator[Observation]:
        for attributes, status, number in self.batches.progress():
            yield Observation(number, {**attributes, c.BATCH_STATUS: status})

    def _limits(self, value_of: Callable[[Limit, float | None], float | None]) -> Iterator[Observation]:
        for labels, limit, seconds in self.limits.current():
            value = value_of(limit, seconds)
            if value is not None:
                yield Observation(value, {**labels.attributes, c.RATE_LIMIT_NAME: limit.name})

    def _sessions(self, name: str) -> Iterator[Observation]:
        for attributes, value in self.sessions.read(name):
            yield Observation(value, attributes)

    def _start_from_zero(self) -> None:
        self.ledger.clear()
        self.reports.clear()
        self.late.clear()
        self.limits.clear()
        self.batches.forked()
        self.sessions.clear()
        consumer = self._consumer()
        dropped = consumer is NOT_KNOWN or inherited.drop(consumer)
        unmeasured = not self.identity.is_settled
        self.identity.forked(withholding=not dropped)
        if not dropped and not unmeasured:
            _tell_withheld(withheld=inherited.withhold(consumer, lambda: self.identity.mark))


_Observe = Callable[[CallbackOptions], Iterator[Observation]]
_told: list[bool] = []


def _tell_withheld(*, withheld: bool) -> None:
    """One line for a process and those that it forks."""
    if not _told:
        _told.append(withheld)
        logger.warning(
            "This process was forked, and its OpenTelemetry SDK is not one that otel-claude knows. %s",
            "What the parent had measured before is not exported from here."
            if withheld
            else "What the parent's histograms had before the fork is exported from here too, and counts twice.",
        )


def _nothing() -> None:
    pass


_by_provider: WeakKeyDictionary[MeterProvider, Instruments] = WeakKeyDictionary()
_of_global: list[Instruments] = []
"""Those that were made before the application set a provider."""
_UNSET: Final = "_ProxyMeterProvider"
"""What the API gives until then (opentelemetry-api 1.30 to 1.45)."""


def instruments_of(
    provider: MeterProvider | None,
    version: str,
    labels: Labeller,
    *,
    keep: bool = False,
    instance_id: InstanceMode = "auto",
) -> Instruments:
    """The instruments of a provider; of the global one for None, also if it is set only later.

    `keep`: those that are there keep their limit of tags, and what they say of the process.
    """
    current = metrics.get_meter_provider()
    provider = current if provider is None else provider
    found = _by_provider.get(provider)
    if found is None and provider is current:
        if type(provider).__name__ == _UNSET:
            if not _of_global:
                _of_global.append(Instruments(metrics.get_meter(c.SCOPE, version), labels, instance_id))
            found = _of_global[0]
        elif _of_global:
            # It was set since, and OpenTelemetry has passed on to it what these had made.
            found = _by_provider[provider] = _of_global.pop()
    if found is None:
        found = _by_provider[provider] = Instruments(provider.get_meter(c.SCOPE, version), labels, instance_id)
    if not keep:
        # Its labels go on: values counted anew at each `instrument()` would make series without end.
        found.labels.limit_tags(labels.tag_limit)
        found.identity.choose(instance_id)
    return found


def settle_all() -> None:
    """Records the calls that finalizers ended: the process is about to exit, and maybe no reader will ask."""
    for found in (*_of_global, *_by_provider.values()):
        found.settle()


def _forked() -> None:
    identity.forked()
    for found in (*_of_global, *_by_provider.values()):
        try:
            found._start_from_zero()  # noqa: SLF001 - this module's own  # pyright: ignore[reportPrivateUsage]
        except Exception:
            contained("started from zero in a forked process")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
