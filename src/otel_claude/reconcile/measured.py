"""Measured: our side, from Prometheus: what otel-claude counted in a window, by key, model and type.

Sums are those of `promql.queries`. Where rules recorded growth since before the window, they are read from that; else
from the raw series, which takes long for many processes and days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from .. import semconv as c
from ..pricing import model_ids as ids
from ..prometheus import IncompleteDataError, Prometheus
from ..promql.names import NameTranslator
from ..promql.queries import Queries, Store
from ..promql.recorded import MINUTES
from ..semconv import Metric
from ..spending.history import is_recorded, recorded_after
from ..spending.periods import Period

K = TypeVar("K")
N = TypeVar("N", int, Decimal, Counter[str])

BATCH: Final = "batch"
"""The service tier of what was served as a batch."""
_EDGE: Final = timedelta(minutes=2)
"""How much later than a call its numbers may be in Prometheus: an export interval, and some."""
_LONG: Final = timedelta(hours=1)
_WHO: Final = (c.API_KEY_HINT, c.RESPONSE_MODEL)
_TOKENS: Final[tuple[tuple[str, Metric, str | None], ...]] = (
    ("input", c.INPUT_TOKENS, None),
    ("cache_read", c.CACHE_READ_TOKENS, None),
    ("cache_write_5m", c.CACHE_WRITE_TOKENS, "5m"),
    ("cache_write_1h", c.CACHE_WRITE_TOKENS, "1h"),
    ("output", c.OUTPUT_TOKENS, None),
)


class KeyAndModel(NamedTuple):
    """Whose calls: the key as the Console shows it (None: not known) and the model."""

    hint: str | None
    model: str | None


class Cell(NamedTuple):
    """What both sides are counted by. `kind`: a token type, `web_search`, `code_execution` or `session_usage`."""

    of: KeyAndModel
    kind: str


def canonical(model: str | None, known: Mapping[str, str]) -> str | None:
    """One name for one model: aliases and dated ids of a model become the id that the price table has."""
    return None if not model else ids.lookup(ids.parse(model), known) or model


def add(sums: dict[K, N], key: K, amount: N) -> None:
    """Adds to one sum. Nothing added is no sum."""
    if amount:
        sums[key] = sums[key] + amount if key in sums else amount


@dataclass
class Measured:
    """What was counted in a window.

    Attributes:
        usd: US dollars.
        tokens: Tokens.
        batch: The part of `usd` that was served as a batch.
        unpriced: Calls without an exact price, by why.
        hints: The keys of all calls that ended in the window.
        edges: US dollars that were counted within two minutes after either end of a window of an hour or more.
    """

    usd: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    tokens: dict[Cell, int] = field(default_factory=dict[Cell, int])
    batch: dict[Cell, Decimal] = field(default_factory=dict[Cell, Decimal])
    unpriced: dict[KeyAndModel, Counter[str]] = field(default_factory=dict[KeyAndModel, Counter[str]])
    hints: set[str | None] = field(default_factory=set[str | None])
    edges: dict[KeyAndModel, Decimal] = field(default_factory=dict[KeyAndModel, Decimal])


def measure(
    prometheus: Prometheus,
    start: datetime,
    end: datetime,
    known: Mapping[str, str],
    matchers: tuple[str, ...] = (),
    store: Store | None = None,
) -> Measured:
    """Asks for a window, its end excluded. `matchers` narrow it, as `server_address="api.anthropic.com"`.

    `store`: what the server is. None: what it says.
    """
    kept = prometheus.retention()
    if kept is not None and datetime.now(timezone.utc) - start > kept:
        raise IncompleteDataError(
            f"Prometheus at {prometheus.address} keeps {kept.days} days, and the window begins earlier: what was "
            "measured is not all there"
        )
    translator = NameTranslator()
    where = (translator.match(c.PROVIDER_NAME, "=", "anthropic"), *matchers)
    queries = Queries(translator, where, store=store or prometheus.store())
    recorded = queries.recorded and is_recorded(prometheus, Period(start, end), datetime.now(timezone.utc))
    window = _Window(prometheus, queries, known, end, end - start, recorded)
    found = Measured()
    for labels, _ in window.increase(c.CALLS, c.API_KEY_HINT):
        found.hints.add(labels.get(c.API_KEY_HINT))
    for labels, usd in window.increase(c.COST, *_WHO, c.COST_TYPE, c.RESPONSE_SERVICE_TIER):
        cell = Cell(window.of(labels), labels.get(c.COST_TYPE, c.OTHER))
        add(found.usd, cell, usd)
        if labels.get(c.RESPONSE_SERVICE_TIER) == BATCH:
            add(found.batch, cell, usd)
    # A program that only reads results of batches makes no calls.
    found.hints |= {cell.of.hint for cell in found.usd}
    if not found.hints:
        raise IncompleteDataError(
            f"Prometheus at {prometheus.address} has no calls that otel-claude measured in this window"
        )
    found.tokens = _tokens(window)
    for labels, value in window.increase(c.UNPRICED, *_WHO, c.REQUEST_MODEL, c.UNPRICED_REASON):
        reason = labels.get(c.UNPRICED_REASON, c.OTHER)
        add(found.unpriced, window.of(labels), Counter({reason: round(value)}))
    # Of a short window, what is near its ends is most of it, and says nothing.
    for moment in (start, end) if end - start >= _LONG else ():
        edge = window._replace(end=moment + _EDGE, length=_EDGE, recorded=False)
        for labels, usd in edge.increase(c.COST, *_WHO):
            add(found.edges, edge.of(labels), usd)
    return found


def _tokens(window: _Window) -> dict[Cell, int]:
    found: dict[Cell, int] = {}
    for name, metric, ttl in _TOKENS:
        for labels, value in window.increase(metric, *_WHO, ttl=ttl):
            of, count = window.of(labels), round(value)
            add(found, Cell(of, name), count)
            if name not in {"input", "output"}:
                # What is measured as input is the total.
                add(found, Cell(of, "input"), -count)
    return {cell: count for cell, count in found.items() if count}


class _Window(NamedTuple):
    prometheus: Prometheus
    queries: Queries
    known: Mapping[str, str]
    end: datetime
    length: timedelta
    recorded: bool

    def increase(self, metric: Metric, *by: str, ttl: str | None = None) -> Iterator[tuple[dict[str, str], Decimal]]:
        """By how much a counter grew, where it did, with OpenTelemetry's names for the labels."""
        matchers = (self.queries.match(c.CACHE_TTL, ttl),) if ttl else ()
        length, end = f"{int(self.length.total_seconds())}s", self.end
        if self.recorded:
            expression = self.queries.increase(metric, length, by, *matchers, level=MINUTES.name)
            end += recorded_after(MINUTES)
        else:
            expression = self.queries.raw_increase(metric, length, by, *matchers)
        names = {self.queries.translator.bare(name): name for name in by}
        for labels, value in self.prometheus.query(expression, end.timestamp()):
            if value:
                yield {names[label]: text for label, text in labels.items() if label in names}, value

    def of(self, labels: Mapping[str, str]) -> KeyAndModel:
        model = labels.get(c.RESPONSE_MODEL) or labels.get(c.REQUEST_MODEL)
        return KeyAndModel(labels.get(c.API_KEY_HINT), canonical(model, self.known))
