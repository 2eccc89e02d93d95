"""Exact sums by metric and attributes, which the observable counters read.

Adding is a lock-free append, so it is safe in a finalizer that a garbage collection runs while any lock is held. What
was added is summed when the counters are read, or when much has come together.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast

from opentelemetry.metrics import CallbackOptions, Observation

from .._diagnostics import log_internal_error
from ..pricing import to_usd
from .attributes import AttributeSet
from .instance_id import InstanceId

MAX_PENDING: Final = 64
"""Additions that are summed without waiting for a reader, so that a program without one keeps no more of them."""
_MAX_SHARED: Final = 1_000
"""Kinds of calls whose sums wait for a reader."""
_MAX_SETS: Final = 10_000
"""Sets of attributes of one metric."""


class Increment(NamedTuple):
    """One addition to one counter: whole calls, tokens or pico-dollars."""

    metric: str
    attributes: AttributeSet
    amount: int


class SharedSeries(Protocol):
    """What calls alike add to: `increments` turns how many they were, and the sums of their counts, into increments."""

    def increments(self, calls: int, sums: Sequence[int]) -> Iterable[Increment]:
        """Of so many calls, with these sums of their counts."""
        ...


Addition = tuple["SharedSeries | None", "Sequence[int] | Sequence[Increment]"]
"""The counts of a call, for what calls alike share; or increments, for None."""


class Counters:
    """Sums of whole numbers by metric and attributes."""

    def __init__(self, overflow: AttributeSet, instance_id: InstanceId) -> None:
        """`overflow`: where sums go if a metric has one set too many, as in OpenTelemetry's cardinality limits."""
        self._overflow = overflow
        self._instance_id = instance_id
        self.pending: deque[Addition] = deque()
        """What was added and is in no sum yet."""
        self.add: Final[Callable[[Addition], None]] = self.pending.append
        """Adds. Never waits: it is one atomic step, written in C."""
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, dict[AttributeSet, int]] = {}
        self._shared: dict[SharedSeries, tuple[int, Sequence[int]]] = {}
        """How many calls alike there were, and the sums of their counts: in no total yet."""

    def sum_up_if_free(self) -> None:
        """Sums up what is pending, unless somebody does. For a program without a reader, at `MAX_PENDING`."""
        if self._lock.acquire(blocking=False):
            try:
                self._sum_up()
            finally:
                self._lock.release()

    def observe(self, metric: str, dollars: bool, _options: CallbackOptions) -> Sequence[Observation]:
        """Every sum of a metric, with all that was added before this call; pico-dollars as dollars. Never raises."""
        try:
            return self._observe(metric, dollars=dollars)
        except Exception:
            log_internal_error(f"observe {metric}")  # OpenTelemetry would log that anew at each collection.
            return ()

    def _observe(self, metric: str, *, dollars: bool) -> Sequence[Observation]:
        with self._lock:
            if self.pending:
                self._sum_up()
            if self._shared:
                self._add_shared()
            sums = self._totals.get(metric)
            if not sums:
                return ()
            instance_id = self._instance_id
            attributes_of = instance_id.attributes_of if instance_id.is_resolved else instance_id.resolve()
            amounts = map(to_usd, sums.values()) if dollars else sums.values()
            return list(map(Observation, amounts, map(attributes_of, sums)))

    def sets_of(self, metric: str) -> Collection[AttributeSet]:
        """The attributes of all sums of a metric. Other threads add to it."""
        return self._totals.get(metric, {})

    def clear(self) -> None:
        """Starts from zero. After a fork the sums are the parent's, and the lock may be a lost thread's."""
        self.pending.clear()
        self._reset()

    def _sum_up(self) -> None:
        """Sums up the counts of calls alike by column. What that adds to is worked out when a reader asks."""
        alike: dict[SharedSeries, list[Any]] = {}
        while True:
            try:
                series, counts = self.pending.popleft()
            except IndexError:
                break
            if series is None:
                self._add(cast("Sequence[Increment]", counts))
            elif series in alike:
                alike[series].append(counts)
            else:
                alike[series] = [counts]
        for series, counts in alike.items():
            calls, sums = self._shared.get(series, (0, None))
            calls += len(counts)
            if sums is not None:
                counts.append(sums)
            self._shared[series] = calls, tuple(map(sum, zip(*counts, strict=True)))
        if len(self._shared) > _MAX_SHARED:
            self._add_shared()

    def _add_shared(self) -> None:
        for series, (calls, sums) in self._shared.items():
            try:
                self._add(series.increments(calls, sums))
            except Exception:
                log_internal_error("add up calls")
        self._shared.clear()

    def _add(self, increments: Iterable[Increment]) -> None:
        totals = self._totals
        for metric, attributes, amount in increments:
            if not amount:
                continue
            sums = totals.get(metric)
            if sums is None:
                sums = totals[metric] = {}
            if attributes in sums:
                sums[attributes] += amount
            else:
                place = attributes if len(sums) < _MAX_SETS else self._overflow
                sums[place] = sums.get(place, 0) + amount
