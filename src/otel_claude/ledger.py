"""Ledger: exact sums by metric and attributes, read by the observable counters.

Posting is a lock-free append, so it is safe in a finalizer that a garbage collection runs while any lock is held; the
posts are turned into rows when somebody reads, or when many have come together. Knows neither calls nor OpenTelemetry.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

from .contain import contained

Value = str | int | bool
Key = tuple[tuple[str, Value], ...]
"""Attributes as pairs."""
Row = tuple[str, Key, int]
"""The name of a metric, attributes, and what to add to their sum."""

_ENOUGH: Final = 512
"""Posts that are drained without waiting for a reader, so that a program without one keeps no more of them."""
_MOST_KEYS: Final = 10_000
_OVERFLOW: Final[Key] = (("otel.metric.overflow", True),)
"""Where sums go whose attributes are one too many, as in OpenTelemetry's specification of cardinality limits."""

T = TypeVar("T")


class Ledger(Generic[T]):
    """Sums of whole numbers by metric and attributes. `rows` says what one post adds, and must be a pure function."""

    def __init__(self, rows: Callable[[T], Iterable[Row]]) -> None:
        self._rows = rows
        self._posts: deque[T] = deque()
        self._lock = threading.Lock()
        self._sums: dict[str, dict[Key, int]] = {}

    def post(self, item: T) -> None:
        """Adds what `item` amounts to. Never waits."""
        self._posts.append(item)
        if len(self._posts) >= _ENOUGH and self._lock.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._lock.release()

    def sums(self, metric: str) -> list[tuple[Key, int]]:
        """Every sum of a metric, with all that was posted before this call."""
        with self._lock:
            self._drain()
            return list(self._sums.get(metric, {}).items())

    def clear(self) -> None:
        """Starts from zero: in a forked child the sums are its parent's, and the lock may be held by no one alive."""
        self._lock = threading.Lock()
        self._posts.clear()
        self._sums = {}

    def _drain(self) -> None:
        while True:
            try:
                item = self._posts.popleft()
            except IndexError:
                return
            try:
                for metric, key, amount in list(self._rows(item)):
                    sums = self._sums.setdefault(metric, {})
                    if key not in sums and len(sums) >= _MOST_KEYS:
                        key = _OVERFLOW  # noqa: PLW2901 - the sum goes on, under another name
                    sums[key] = sums.get(key, 0) + amount
            except Exception:
                contained("added up a call")
