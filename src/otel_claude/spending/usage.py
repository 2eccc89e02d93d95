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
from ..semconv import claude_code as cc
from .history import Filter, History
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
CODE_DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "job": (JOB,),
    "model": (cc.MODEL,),
    "user": (cc.USER_EMAIL, cc.USER_ID),
    "team": (cc.TEAM,),
    "query_source": (cc.QUERY_SOURCE,),
    "speed": (cc.SPEED,),
}
"""The same of Claude Code, which has no tags."""
WIDTHS: Final[Mapping[str, timedelta]] = {"day": DAY, "hour": HOUR}
TYPE: Final = "type"
"""The one dimension that dollars alone have."""
_TAG: Final = "tag."
_MODELS: Final = frozenset({c.RESPONSE_MODEL, c.REQUEST_MODEL, cc.MODEL})
_ID_SHOWN: Final = 12
"""How much of a user's id is shown, as on the dashboard."""
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


_CODE_TOKENS: Final = {"cacheRead": "cache_read", "cacheCreation": "cache_write_5m"}
"""Claude Code's names of tokens, where they are others. Its metrics do not say for how long the cache keeps them."""
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


def _code_tokens(usage: Usage, kind: str, count: Decimal) -> None:
    usage.tokens[_CODE_TOKENS.get(kind, kind)] += round(count)


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


_OF_CODE: Final = (
    _Counter(cc.CODE_COST, None, _cost),
    _Counter(cc.CODE_REQUESTS, None, _calls),
    _Counter(cc.CODE_ERRORS, None, _calls),
    _Counter(cc.CODE_TOKENS, cc.TYPE, _code_tokens),
)


def labels_of(dimension: str, dimensions: Mapping[str, tuple[str, ...]] = DIMENSIONS) -> tuple[str, ...]:
    """The labels of a dimension. Raises IncompleteDataError where it is none."""
    if dimension in WIDTHS:
        return ()
    if dimension in dimensions:
        return dimensions[dimension]
    has_tags = dimensions is DIMENSIONS
    if has_tags and dimension.startswith(_TAG) and len(dimension) > len(_TAG):
        return (f"{c.TAG_PREFIX}{dimension.removeprefix(_TAG)}",)
    known = ", ".join((*WIDTHS, *dimensions, *(["tag.<key>"] if has_tags else [])))
    raise IncompleteDataError(f"{dimension!r} is no dimension: choose of {known}")


def filter_of(labels: tuple[str, ...], value: str, known: Mapping[str, str]) -> Filter:
    """Keeps a value of a dimension, as it is shown or as the metrics have it."""

    def keeps(found: Mapping[str, str]) -> bool:
        raw = next((found[label] for label in labels if found.get(label)), "")
        return value in {raw, _value(labels, found, known)}

    return Filter(labels, keeps)


def _value(labels: tuple[str, ...], found: Mapping[str, str], known: Mapping[str, str]) -> str | None:
    """A dimension's value as it is shown. None: not known."""
    for label in labels:
        if text := found.get(label):
            if label in _MODELS:
                return ids.lookup(ids.parse(text), known) or text
            return text[:_ID_SHOWN] if label == cc.USER_ID else text
    return None


def read_usage(
    history: History, by: Sequence[str], known: Mapping[str, str], *, every: bool = False
) -> dict[Key, Usage]:
    """What was used in a period, by dimensions. `known`: the ids of models by their aliases.

    `every`: also what `explain` needs: thinking, web searches and results of batches.
    """
    reading = _Reading(history, {each: labels_of(each) for each in by}, known)
    reading.add(_Counter(c.COST, c.COST_TYPE, _cost))
    if TYPE not in by:
        for counter in (*_OF_SPEND, *(_OF_CAUSES if every else ())):
            reading.add(counter)
    return reading.found


def read_claude_code(history: History, by: Sequence[str], known: Mapping[str, str]) -> dict[Key, Usage]:
    """What Claude Code reports that it used, at prices of its own. Without its events there are no calls."""
    reading = _Reading(history, {each: labels_of(each, CODE_DIMENSIONS) for each in by}, known)
    for counter in _OF_CODE:
        reading.add(counter)
    return reading.found


def read_unpriced(history: History) -> Counter[str]:
    """Calls and results without an exact price in a period, by why."""
    found = Usage()
    for _, labels, count in history.growth(c.UNPRICED, (c.UNPRICED_REASON,)):
        _unpriced(found, labels.get(c.UNPRICED_REASON, ""), count)
    return found.unpriced


def read_spend(history: History, width: timedelta, cost: Metric = c.COST) -> list[Decimal]:
    """US dollars in each day or hour of a period."""
    buckets = history.period.buckets(width)
    found = [Decimal(0)] * len(buckets)
    for bucket, _, usd in history.growth(cost, (), buckets=buckets):
        found[bucket] += usd
    return found


class _Reading:
    """What has been found so far."""

    def __init__(self, history: History, by: Mapping[str, tuple[str, ...]], known: Mapping[str, str]) -> None:
        self.found: dict[Key, Usage] = {}
        self._history, self._by, self._known = history, by, known
        self._labels = tuple(label for labels in by.values() for label in labels)
        self._buckets: list[Period] = []
        for dimension in by:
            if dimension in WIDTHS:
                self._buckets = history.period.buckets(WIDTHS[dimension])

    def add(self, counter: _Counter) -> None:
        """Adds by how much a counter grew, each amount to the place that it belongs to."""
        names = tuple(dict.fromkeys((*self._labels, *([counter.label] if counter.label else ()))))
        for bucket, labels, amount in self._history.growth(counter.metric, names, buckets=self._buckets):
            key = tuple(
                self._moment(dimension, bucket) if dimension in WIDTHS else _value(names_of, labels, self._known)
                for dimension, names_of in self._by.items()
            )
            counter.adds(self.found.setdefault(key, Usage()), labels.get(counter.label or "", ""), amount)

    def _moment(self, dimension: str, bucket: int) -> str:
        return rfc3339(floor(self._buckets[bucket].start, WIDTHS[dimension]))
