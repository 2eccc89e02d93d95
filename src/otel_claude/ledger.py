"""Ledger: exact sums by metric and labels, read by the observable counters.

Posting is a lock-free append, so it is safe in a finalizer that a garbage collection runs while any lock is held; the
posts are turned into rows when somebody reads, or when many have come together. Knows neither calls nor OpenTelemetry.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, Protocol, TypeVar

from .contain import contained

Value = str | int | bool


class Labelled(Protocol):
    """What sums are kept by. Compared by identity; on reading, those with the same attributes are added together."""

    @property
    def attributes(self) -> dict[str, Value]:
        """What tells this sum apart."""
        ...


L = TypeVar("L", bound=Labelled)
Row = tuple[str, L, int]
"""The name of a metric, labels, and what to add to their sum."""

_ENOUGH: Final = 64
"""Posts that are drained without waiting for a reader, so that a program without one keeps no more of them."""
_MOST_SETS: Final = 10_000
"""Sets of attributes of one metric, and labels that are kept apart before their sums are folded by attributes."""
_Attributes = tuple[tuple[str, Value], ...]
_OVERFLOW: Final[_Attributes] = (("otel.metric.overflow", True),)
"""Where sums go whose attributes are one too many, as in OpenTelemetry's specification of cardinality limits."""

T = TypeVar("T")


class Ledger(Generic[T, L]):
    """Sums of whole numbers by metric and labels. `rows` says what one post adds, and must be a pure function."""

    def __init__(self, rows: Callable[[T], Iterable[Row[L]]]) -> None:
        self._rows = rows
        self._posts: deque[T] = deque()
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._recent: defaultdict[str, dict[L, int]] = defaultdict(dict)
        self._sums: defaultdict[str, dict[_Attributes, int]] = defaultdict(dict)

    def post(self, item: T) -> None:
        """Adds what `item` amounts to. Never waits."""
        self._posts.append(item)
        if len(self._posts) >= _ENOUGH and self._lock.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._lock.release()

    def sums(self, metric: str) -> list[tuple[dict[str, Value], int]]:
        """Every sum of a metric by its attributes, with all that was posted before this call."""
        with self._lock:
            self._drain()
            self._fold(metric)
            sums = list(self._sums[metric].items())
        return [(dict(attributes), amount) for attributes, amount in sums]

    def clear(self) -> None:
        """Starts from zero: in a forked child the sums are its parent's, and the lock may be held by no one alive."""
        self._posts.clear()
        self._start()

    def _drain(self) -> None:
        while True:
            try:
                item = self._posts.popleft()
            except IndexError:
                return
            try:
                for metric, labels, amount in list(self._rows(item)):
                    self._add(metric, labels, amount)
            except Exception:
                contained("added up a call")

    def _add(self, metric: str, labels: L, amount: int) -> None:
        recent = self._recent[metric]
        if labels in recent:
            recent[labels] += amount
            return
        if len(recent) >= _MOST_SETS:
            self._fold(metric)
        recent[labels] = amount

    def _fold(self, metric: str) -> None:
        """Adds what came since to the sums by attributes: the same attributes can come as other labels."""
        recent, sums = self._recent[metric], self._sums[metric]
        for labels, amount in recent.items():
            attributes: _Attributes = tuple(sorted(labels.attributes.items()))
            if attributes not in sums and len(sums) >= _MOST_SETS:
                attributes = _OVERFLOW
            sums[attributes] = sums.get(attributes, 0) + amount
        recent.clear()
