"""Usage: what calls used and cost in a period, by whatever they are to be told apart by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from .. import semconv as c
from ..pricing import model_ids as ids
from ..prometheus import IncompleteDataError
from ..promql.names import JOB
from ..semconv import Metric
from .history import History
from .periods import DAY, HOUR, Period, floor, rfc3339

DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "job": (JOB,),
    "model": (c.RESPONSE_MODEL, c.REQUEST_MODEL),
    "key": (c.API_KEY_HINT,),
    "workspace": (c.WORKSPACE_ID,),
    "operation": (c.OPERATION_NAME,),
    "library": (c.CLIENT_LIBRARY,),
    "type": (c.COST_TYPE,),
}
"""What usage is told apart by, beside time and tags: the first label that a series has is its value."""
WIDTHS: Final[Mapping[str, timedelta]] = {"day": DAY, "hour": HOUR}
TYPE: Final = "type"
"""The one dimension that dollars alone have."""
_TAG: Final = "tag."
_NANO: Final = Decimal("1e-9")

Key = tuple[str | None, ...]
"""A value of each dimension. None: not known."""


@dataclass
class Usage:
    """What calls used and cost.

    Attributes:
        usd: US dollars, by type of cost, to a billionth: doubles in a store have no more that mean anything.
        tokens: `input` (uncached), `cache_read`, `cache_write_5m`, `cache_write_1h`, `output`, and `thinking`, which is
            a part of `output`.
        calls: Calls.
        results: Results of batches.
        searches: Web searches.
        unpriced: Calls and results without an exact price, by why.
    """

    usd: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    tokens: Counter[str] = field(default_factory=Counter[str])
    calls: int = 0
    results: int = 0
    searches: int = 0
    unpriced: Counter[str] = field(default_factory=Counter[str])

    @property
    def total(self) -> Decimal:
        """US dollars."""
        return sum(self.usd.values(), Decimal(0))

    def add(self, other: Usage) -> None:
        """Adds what others used."""
        for kind, usd in other.usd.items():
            self.usd[kind] = self.usd.get(kind, Decimal(0)) + usd
        self.tokens.update(other.tokens)
        self.unpriced.update(other.unpriced)
        self.calls += other.calls
        self.results += other.results
        self.searches += other.searches


_Adds = Callable[[Usage, str, Decimal], None]
"""Adds an amount of a counter with a value of its label."""


class _Counter(NamedTuple):
    """A counter that is read, the label that tells its parts apart, and what is done with it."""

    metric: Metric
    label: str | None
    adds: _Adds


def _cost(usage: Usage, kind: str, usd: Decimal) -> None:
    kind = kind or c.OTHER
    usage.usd[kind] = usage.usd.get(kind, Decimal(0)) + usd.quantize(_NANO)


def _calls(usage: Usage, _: str, count: Decimal) -> None:
    usage.calls += round(count)


def _results(usage: Usage, _: str, count: Decimal) -> None:
    usage.results += round(count)


def _unpriced(usage: Usage, reason: str, count: Decimal) -> None:
    usage.unpriced[reason or c.OTHER] += round(count)


def _searches(usage: Usage, tool: str, count: Decimal) -> None:
    usage.searches += round(count) if tool == "web_search" else 0


def _tokens(name: str) -> _Adds:
    def add(usage: Usage, _: str, count: Decimal) -> None:
        usage.tokens[name] += round(count)

    return add


def _cached(name: str) -> _Adds:
    """What is measured as input is the total."""

    def add(usage: Usage, ttl: str, count: Decimal) -> None:
        usage.tokens[name + ttl] += round(count)
        usage.tokens["input"] -= round(count)

    return add


_OF_SPEND: Final = (
    _Counter(c.CALLS, None, _calls),
    _Counter(c.INPUT_TOKENS, None, _tokens("input")),
    _Counter(c.CACHE_READ_TOKENS, None, _cached("cache_read")),
    _Counter(c.CACHE_WRITE_TOKENS, c.CACHE_TTL, _cached("cache_write_")),
    _Counter(c.OUTPUT_TOKENS, None, _tokens("output")),
    _Counter(c.UNPRICED, c.UNPRICED_REASON, _unpriced),
)
_OF_CAUSES: Final = (
    _Counter(c.REASONING_TOKENS, None, _tokens("thinking")),
    _Counter(c.BATCH_RESULTS, None, _results),
    _Counter(c.SERVER_TOOL_CALLS, c.TOOL_NAME, _searches),
)


def labels_of(dimension: str) -> tuple[str, ...]:
    """The labels of a dimension. Raises IncompleteDataError where it is none."""
    if dimension in WIDTHS:
        return ()
    if dimension.startswith(_TAG) and len(dimension) > len(_TAG):
        return (f"{c.TAG_PREFIX}{dimension.removeprefix(_TAG)}",)
    try:
        return DIMENSIONS[dimension]
    except KeyError:
        known = ", ".join((*WIDTHS, *DIMENSIONS))
        raise IncompleteDataError(f"{dimension!r} is no dimension: choose of {known}, tag.<key>") from None


def read_usage(
    history: History, by: Sequence[str], known: Mapping[str, str], *, every: bool = False
) -> dict[Key, Usage]:
    """What was used in a period, by dimensions. `known`: the ids of models by their aliases.

    `every`: also what `explain` needs: thinking, web searches and results of batches.
    """
    reading = _Reading(history, tuple(by), known)
    reading.add(_Counter(c.COST, c.COST_TYPE, _cost))
    if TYPE not in by:
        for counter in (*_OF_SPEND, *(_OF_CAUSES if every else ())):
            reading.add(counter)
    return reading.found


def read_unpriced(history: History) -> Counter[str]:
    """Calls and results without an exact price in a period, by why."""
    found = Usage()
    for _, labels, count in history.growth(c.UNPRICED, (c.UNPRICED_REASON,)):
        _unpriced(found, labels.get(c.UNPRICED_REASON, ""), count)
    return found.unpriced


def read_spend(history: History, width: timedelta) -> list[Decimal]:
    """US dollars in each day or hour of a period."""
    buckets = history.period.buckets(width)
    found = [Decimal(0)] * len(buckets)
    for bucket, _, usd in history.growth(c.COST, (), buckets=buckets):
        found[bucket] += usd
    return found


class _Reading:
    """What has been found so far."""

    def __init__(self, history: History, by: tuple[str, ...], known: Mapping[str, str]) -> None:
        self.found: dict[Key, Usage] = {}
        self._history, self._by, self._known = history, by, known
        self._labels = tuple(label for dimension in by for label in labels_of(dimension))
        self._buckets: list[Period] = []
        for dimension in by:
            if dimension in WIDTHS:
                self._buckets = history.period.buckets(WIDTHS[dimension])

    def add(self, counter: _Counter) -> None:
        """Adds by how much a counter grew, each amount to the place that it belongs to."""
        names = tuple(dict.fromkeys((*self._labels, *([counter.label] if counter.label else ()))))
        for bucket, labels, amount in self._history.growth(counter.metric, names, buckets=self._buckets):
            key = tuple(self._value(dimension, bucket, labels) for dimension in self._by)
            counter.adds(self.found.setdefault(key, Usage()), labels.get(counter.label or "", ""), amount)

    def _value(self, dimension: str, bucket: int, labels: Mapping[str, str]) -> str | None:
        if dimension in WIDTHS:
            return rfc3339(floor(self._buckets[bucket].start, WIDTHS[dimension]))
        text = next((labels[label] for label in labels_of(dimension) if labels.get(label)), None)
        if dimension == "model" and text:
            return ids.lookup(ids.parse(text), self._known) or text
        return text
