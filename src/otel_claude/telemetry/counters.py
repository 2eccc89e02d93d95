"""Ledger: exact sums by metric and attributes, read by the observable counters.

Posting is a lock-free append, so it is safe in a finalizer that a garbage collection runs while any lock is held; the
posts are turned into rows when somebody reads, or when many have come together. Knows neither calls nor OpenTelemetry.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from .._diagnostics import contained

Value = str | int | bool
_Attributes = tuple[tuple[str, Value], ...]


class Cell:
    """Where one ledger adds to one sum. Several can be of the same metric and attributes: reading adds them up."""

    __slots__ = ("attributes", "metric", "pending")

    def __init__(self, metric: str, attributes: Mapping[str, Value]) -> None:
        self.metric = metric
        self.attributes: _Attributes = tuple(sorted(attributes.items()))
        self.pending: int | None = None
        """What came since the sums were last folded."""


Row = tuple[Sequence[Cell], Sequence["int | None"]]
"""Cells, and what to add to each. None adds nothing, where 0 says that the sum exists."""

_ENOUGH: Final = 64
"""Posts that are drained without waiting for a reader, so that a program without one keeps no more of them."""
_MOST_SETS: Final = 10_000
"""Sets of attributes of one metric, and cells that have something pending."""
_OVERFLOW: Final[_Attributes] = (("otel.metric.overflow", True),)
"""Where sums go whose attributes are one too many, as in OpenTelemetry's specification of cardinality limits."""

T = TypeVar("T")


class Ledger(Generic[T]):
    """Sums of whole numbers by metric and attributes. `rows` says what one post adds, and must be a pure function."""

    def __init__(self, rows: Callable[[T], Iterable[Row]]) -> None:
        self._rows = rows
        self._posts: deque[T] = deque()
        self._touched: list[Cell] = []
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
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
            self._fold()
            sums = list(self._sums[metric].items())
        return [(dict(attributes), amount) for attributes, amount in sums]

    def clear(self) -> None:
        """Starts from zero: in a forked child the sums are its parent's, and the lock may be held by no one alive."""
        self._posts.clear()
        for cell in self._touched:
            cell.pending = None
        self._touched.clear()
        self._start()

    def _drain(self) -> None:
        while True:
            try:
                item = self._posts.popleft()
            except IndexError:
                return
            try:
                for cells, amounts in list(self._rows(item)):
                    self._add(cells, amounts)
            except Exception:
                contained("added up a call")
            if len(self._touched) >= _MOST_SETS:
                self._fold()

    def _add(self, cells: Sequence[Cell], amounts: Sequence[int | None]) -> None:
        for cell, amount in zip(cells, amounts, strict=True):
            if amount is None:
                continue
            if cell.pending is None:
                # In this order: a fork in between must not leave a cell with an amount that `clear` does not find.
                self._touched.append(cell)
                cell.pending = amount
            else:
                cell.pending += amount

    def _fold(self) -> None:
        for cell in self._touched:
            sums, attributes = self._sums[cell.metric], cell.attributes
            if attributes not in sums and len(sums) >= _MOST_SETS:
                attributes = _OVERFLOW
            sums[attributes] = sums.get(attributes, 0) + (cell.pending or 0)
            cell.pending = None
        self._touched.clear()
