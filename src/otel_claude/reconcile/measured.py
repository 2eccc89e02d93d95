"""Measured: our side, from Prometheus: what otel-claude counted in a window, by key, model and class.

Sums are those of `stack.queries`: exact for any window, also for processes of a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from .. import semconv as c
from ..promql.names import NameTranslator
from ..promql.queries import Queries
from ..semconv import Metric
from .cells import BATCH, CLASSES, Cell, KeyAndModel, canonical
from .prometheus import IncompleteDataError, Prometheus

PROVIDER: Final = "anthropic"
EDGE: Final = timedelta(minutes=2)
"""How much later than a call its numbers may be in Prometheus: an export interval, and some."""
_LONG: Final = timedelta(hours=1)
_WHO: Final = (c.API_KEY_HINT, c.RESPONSE_MODEL)
_TOKENS: Final[tuple[tuple[str, Metric, str | None], ...]] = (
    ("total", c.INPUT_TOKENS, None),
    ("cache_read", c.CACHE_READ_TOKENS, None),
    ("cache_write_5m", c.CACHE_WRITE_TOKENS, "5m"),
    ("cache_write_1h", c.CACHE_WRITE_TOKENS, "1h"),
    ("output", c.OUTPUT_TOKENS, None),
)


@dataclass
class Measured:
    """What was counted in a window."""

    usd: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    tokens: dict[Cell, int] = field(default_factory=dict[Cell, int])
    batch: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    """The part of `usd` that was served as a batch."""
    unpriced: dict[KeyAndModel, dict[str, int]] = field(default_factory=dict[KeyAndModel, dict[str, int]])
    """Calls without an exact price, by why."""
    hints: set[str | None] = field(default_factory=set[str | None])
    """The keys of all calls that ended in the window."""
    edges: dict[KeyAndModel, Decimal] = field(default_factory=dict[KeyAndModel, Decimal])
    """What was counted within two minutes after either end of a window of an hour or more."""


def measure(
    prometheus: Prometheus, start: datetime, end: datetime, known: Mapping[str, str], matchers: tuple[str, ...] = ()
) -> Measured:
    """Asks for a window, its end excluded. `matchers` narrow it, as `server_address="api.anthropic.com"`."""
    kept = prometheus.retention()
    if kept is not None and start < datetime.now(timezone.utc) - kept:
        raise IncompleteDataError(
            f"Prometheus at {prometheus.address} keeps {kept.days} days, and the window begins earlier: what was "
            "measured is not all there"
        )
    return _Asking(prometheus, known, matchers).measured(start, end)


class _Asking:
    def __init__(self, prometheus: Prometheus, known: Mapping[str, str], matchers: tuple[str, ...]) -> None:
        translator = NameTranslator()
        self._prometheus = prometheus
        self._known = known
        self._queries = Queries(translator, (translator.match(c.PROVIDER_NAME, "=", PROVIDER), *matchers))

    def measured(self, start: datetime, end: datetime) -> Measured:
        window, at = end - start, end
        found = Measured()
        for labels, value in self._exact_increase(c.CALLS, window, at, (c.API_KEY_HINT,)):
            if value:
                found.hints.add(labels.get(c.API_KEY_HINT))
        self._dollars(found, window, at)
        # A program that only reads results of batches makes no calls.
        found.hints |= {cell.of.hint for cell in found.usd}
        if not found.hints:
            raise IncompleteDataError(
                f"Prometheus at {self._prometheus.address} has no calls that otel-claude measured in this window"
            )
        self._tokens(found, window, at)
        self._unpriced(found, window, at)
        # Of a short window, what is near its ends is most of it, and says nothing.
        for moment in (start + EDGE, end + EDGE) if window >= _LONG else ():
            for labels, value in self._exact_increase(c.COST, EDGE, moment, _WHO):
                of = self._of(labels)
                found.edges[of] = found.edges.get(of, Decimal(0)) + value
        return found

    def _dollars(self, found: Measured, window: timedelta, at: datetime) -> None:
        for labels, value in self._exact_increase(c.COST, window, at, (*_WHO, c.COST_TYPE, c.RESPONSE_SERVICE_TIER)):
            if not value:
                continue
            cell = Cell(self._of(labels), labels.get(c.COST_TYPE, c.OTHER))
            found.usd[cell] = found.usd.get(cell, Decimal(0)) + value
            if labels.get(c.RESPONSE_SERVICE_TIER) == BATCH:
                found.batch[cell] = found.batch.get(cell, Decimal(0)) + value

    def _unpriced(self, found: Measured, window: timedelta, at: datetime) -> None:
        for labels, value in self._exact_increase(c.UNPRICED, window, at, (*_WHO, c.REQUEST_MODEL, c.UNPRICED_REASON)):
            if value:
                why = found.unpriced.setdefault(self._of(labels), {})
                reason = labels.get(c.UNPRICED_REASON, c.OTHER)
                why[reason] = why.get(reason, 0) + round(value)

    def _tokens(self, found: Measured, window: timedelta, at: datetime) -> None:
        by_class: dict[KeyAndModel, dict[str, int]] = {}
        for name, metric, ttl in _TOKENS:
            matchers = (self._queries.match(c.CACHE_TTL, ttl),) if ttl else ()
            for labels, value in self._exact_increase(metric, window, at, _WHO, *matchers):
                counts = by_class.setdefault(self._of(labels), {})
                counts[name] = counts.get(name, 0) + round(value)
        for of, counts in by_class.items():
            cached = sum(counts.get(name, 0) for name in ("cache_read", "cache_write_5m", "cache_write_1h"))
            counts["input"] = counts.get("total", 0) - cached
            for name in CLASSES:
                if counts.get(name):
                    found.tokens[Cell(of, name)] = counts[name]

    def _exact_increase(
        self, metric: Metric, window: timedelta, at: datetime, by: tuple[str, ...], *matchers: str
    ) -> list[tuple[dict[str, str], Decimal]]:
        """By how much a counter grew, with OpenTelemetry's names for the labels."""
        expression = self._queries.exact_increase(metric, f"{int(window.total_seconds())}s", by, *matchers)
        names = {self._queries.translator.bare(name): name for name in by}
        rows = self._prometheus.query(expression, at.timestamp())
        return [
            ({names[label]: text for label, text in row.labels.items() if label in names}, row.value) for row in rows
        ]

    def _of(self, labels: Mapping[str, str]) -> KeyAndModel:
        model = labels.get(c.RESPONSE_MODEL) or labels.get(c.REQUEST_MODEL)
        return KeyAndModel(labels.get(c.API_KEY_HINT), canonical(model, self._known))
