"""The instruments of one meter provider, made from the tables in `semconv`, once for each provider.

Histograms are synchronous, for their exemplars. Counters and gauges are observable, and read sums and latest values.
Creating an observable of the same name again gives the first one and ignores the new callback: so what one provider has
survives `uninstrument()` and `instrument()`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, MeterProvider, Observation

from .. import semconv
from .._diagnostics import log_internal_error, logger
from ..semconv import Metric, agents
from ..settings import InstanceIdMode
from ..tags import Tags, listeners
from . import fork
from .attributes import AttributeSets
from .batches import Batches
from .counters import MAX_PENDING, Counters, Increment
from .instance_id import NOT_KNOWN, InstanceId, consumer_of, is_pulled, renew_after_fork, resource_of
from .managed_agents import Sessions
from .rate_limits import RateLimits
from .retirements import Retirements

_OVERFLOW: Final = {"otel.metric.overflow": True}


class Instruments:
    """One provider's histograms by name, and what its observables read."""

    def __init__(self, meter: Meter, sets: AttributeSets, mode: InstanceIdMode = "auto") -> None:
        self.sets = sets
        self.instance_id = instance_id = InstanceId(mode, self._resource, lambda: is_pulled(self._consumer()))
        overflow = sets.intern(dict(_OVERFLOW))
        self.counters = Counters(overflow, instance_id)
        self.agent_counters = Counters(overflow, instance_id)
        """What the Claude Agent SDK reported: no number of ours is among them."""
        self.rate_limits = RateLimits(sets, instance_id)
        self.retirements = Retirements(self.counters, sets, instance_id)
        self.batches = Batches(instance_id)
        self.sessions = Sessions(instance_id)
        self.deferred: deque[Callable[[], None]] = deque()
        """Each records a call that a finalizer ended."""
        self.histograms: dict[str, Histogram] = {}
        self._has_agents = self._flushes = False
        self._meter = meter
        self._create_all(*semconv.METRICS, *agents.SESSION_METRICS)

    def add_legacy(self) -> None:
        """Adds the histograms under their names of before September 2026."""
        self._create_all(*(metric for metric in semconv.LEGACY_METRICS if metric.name not in self.histograms))

    def add_agents(self) -> None:
        """Adds what the Claude Agent SDK reports."""
        if not self._has_agents:
            self._has_agents = True
            self._create_all(*agents.AGENT_METRICS)

    def record_of(self, metric: Metric) -> Callable[..., None]:
        """Records one value of a histogram: `(value, attributes, context)`."""
        histogram = self.histograms.get(metric.name)
        return _record_nothing if histogram is None else histogram.record

    def flush_deferred(self) -> None:
        """Records the calls that finalizers ended."""
        while self.deferred:
            try:
                record = self.deferred.popleft()
            except IndexError:
                return  # Another thread does the same.
            record()

    def _create_all(self, *metrics: Metric) -> None:
        for metric in metrics:
            try:
                self._create(metric)
            except Exception:
                log_internal_error(f"create {metric.name}")  # A meter of the application's may refuse one.

    def _create(self, metric: Metric) -> None:
        described: dict[str, Any] = {"unit": metric.unit, "description": metric.description}
        if metric.kind == "histogram":
            self.histograms[metric.name] = self._meter.create_histogram(
                metric.name, explicit_bucket_boundaries_advisory=metric.buckets, **described
            )
            return
        create = (
            self._meter.create_observable_counter if metric.kind == "counter" else self._meter.create_observable_gauge
        )
        callbacks = [self._callback(metric)]
        if not self._flushes:
            # A collection runs the callbacks in the order in which instruments were made (opentelemetry-sdk 1.30 to
            # 1.45), and reads histograms after them: once is enough, and first.
            self._flushes = True
            callbacks.insert(0, self._flush)
        create(metric.name, callbacks, **described)

    def _callback(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        if metric.kind == "counter":
            counters = self.agent_counters if metric in agents.AGENT_METRICS else self.counters
            return partial(counters.observe, metric.name, metric.unit == "{USD}")
        if metric is semconv.BATCH_REQUESTS:
            return self.batches.observe
        if metric is semconv.RETIREMENT:
            return self.retirements.observe
        if metric is semconv.TAG_VALUES:
            return self._observe_tags
        if metric in semconv.RATE_LIMIT_METRICS:
            return partial(self.rate_limits.observe, metric.name)
        return partial(self.sessions.observe, metric.name)

    def _observe_tags(self, _options: CallbackOptions) -> Sequence[Observation]:
        try:
            values = self.sets.tag_values()
            if not values:
                return ()
            attributes_of = self.instance_id.resolve()
            return [Observation(number, attributes_of(attributes)) for attributes, number in values]
        except Exception:
            log_internal_error(f"observe {semconv.TAG_VALUES.name}")
            return ()

    def count_tag_change(self, key: str, change: str) -> None:
        """A value of a tag did not fit."""
        attributes = self.sets.intern(self.sets.bounded(((semconv.TAG_KEY, key), (semconv.TAG_CHANGE, change))))
        self.counters.add((None, (Increment(semconv.TAG_CHANGES.name, attributes, 1),)))
        if len(self.counters.pending) >= MAX_PENDING:
            self.counters.sum_up_if_free()

    def _flush(self, _options: CallbackOptions) -> Sequence[Observation]:
        self.flush_deferred()
        return ()

    def _consumer(self) -> Any:
        """Where the metrics SDK has what our instruments measure."""
        return consumer_of(next(iter(self.histograms.values()), None))

    def _resource(self) -> Any:
        consumer = self._consumer()
        return NOT_KNOWN if consumer is NOT_KNOWN else resource_of(consumer)

    def clear_after_fork(self) -> None:
        """Starts from zero: this is a forked child, and everything so far is its parent's."""
        self.counters.clear()
        self.agent_counters.clear()
        self.deferred.clear()
        self.rate_limits.clear()
        self.retirements.clear()
        self.batches.clear_after_fork()
        self.sessions.clear()
        consumer = self._consumer()
        dropped = consumer is NOT_KNOWN or fork.drop(consumer)
        was_settled = self.instance_id.is_resolved
        self.instance_id.renew_after_fork(withholding=not dropped)
        if not dropped and was_settled:
            _warn_of_fork(withheld=fork.withhold(consumer, lambda: self.instance_id.value))


_warned_of_fork: list[bool] = []


def _warn_of_fork(*, withheld: bool) -> None:
    """One line for a process and those that it forks."""
    if not _warned_of_fork:
        _warned_of_fork.append(withheld)
        logger.warning(
            "This process was forked, and its OpenTelemetry SDK is not one that otel-claude knows. %s",
            "What the parent had measured before is not exported from here."
            if withheld
            else "What the parent's histograms had before the fork is exported from here too, and counts twice.",
        )


def _record_nothing(*_arguments: object) -> None:
    """A meter of the application's refused the histogram, which was logged."""


_by_provider: WeakKeyDictionary[MeterProvider, Instruments] = WeakKeyDictionary()
_of_global: list[Instruments] = []
"""Those that were made before the application set a provider."""
UNSET_METER_PROVIDER: Final = "_ProxyMeterProvider"
"""The class of what the API gives until then: it has no public name (opentelemetry-api 1.30 to 1.45)."""


def instruments_of(
    provider: MeterProvider | None,
    version: str,
    tag_limit: int,
    *,
    tag_values: Tags = (),
    keep: bool = False,
    instance_id: InstanceIdMode = "auto",
) -> Instruments:
    """The instruments of a provider; of the global one for None, also if it is set only later.

    `keep`: those that are there keep their limits of tags, and what they say of the process.
    """

    def made(meter: Meter) -> Instruments:
        return Instruments(meter, AttributeSets(tag_limit, tag_values), instance_id)

    current = metrics.get_meter_provider()
    provider = current if provider is None else provider
    found = _by_provider.get(provider)
    if found is None and provider is current:
        if type(provider).__name__ == UNSET_METER_PROVIDER:
            if not _of_global:
                _of_global.append(made(metrics.get_meter(semconv.SCOPE, version, schema_url=semconv.SCHEMA_URL)))
            found = _of_global[0]
        elif _of_global:
            # It was set since, and OpenTelemetry has passed on to it what these had made.
            found = _by_provider[provider] = _of_global.pop()
    if found is None:
        found = _by_provider[provider] = made(provider.get_meter(semconv.SCOPE, version, semconv.SCHEMA_URL))
    if not keep:
        # Its attribute sets go on: values counted anew at each `instrument()` would make series without end.
        found.sets.limit_tags(tag_limit, tag_values)
        found.instance_id.choose(instance_id)
    return found


def flush_all_deferred() -> None:
    """Records the calls that finalizers ended: the process is about to exit, and maybe no reader will ask."""
    for found in (*_of_global, *_by_provider.values()):
        found.flush_deferred()


def _count_tag_change(key: str, change: str) -> None:
    try:
        for found in (*_of_global, *_by_provider.values()):
            found.count_tag_change(key, change)
    except Exception:
        log_internal_error("count a value of a tag that did not fit")


listeners.append(_count_tag_change)


def _clear_after_fork() -> None:
    renew_after_fork()
    for found in (*_of_global, *_by_provider.values()):
        try:
            found.clear_after_fork()
        except Exception:
            log_internal_error("start from zero in a forked process")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clear_after_fork)
