"""Reading: what the metrics SDK collected, as `Totals`. Knows our names alone, and skips everything else.

Reads the SDK's data by its attributes' names and imports nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from .. import semconv as c
from .._diagnostics import log_internal_error
from ..pricing import PICO_PER_USD
from .totals import THINKING, TOTAL_INPUT, Key, Limit, Totals

Attributes = Mapping[str, Any]
Rows = Iterable[tuple[Key, int]]


def totals_of(data: Any, at: float) -> Totals:
    """The totals of one collection under cumulative temporality. `at` is its time, in seconds since the epoch."""
    totals = Totals()
    limits: dict[Any, dict[str, float]] = {}
    for metric in _ours(data):
        read = _SUMS.get(metric.name)
        for point in metric.data.data_points:
            attributes: Attributes = point.attributes or {}
            try:
                if read is not None:
                    for key, amount in read(attributes, point):
                        totals.sums[key] += amount
                elif metric.name in {c.RATE_LIMIT_UTILIZATION.name, c.RATE_LIMIT_RESET.name}:
                    limits.setdefault(tuple(attributes.items()), {})[metric.name] = point.value
                elif metric.name == c.RETIREMENT.name:
                    totals.retirements[_model(attributes)] = point.value
            except Exception:
                log_internal_error(f"sum up {metric.name}")
    for attributes, values in limits.items():
        try:
            totals.tighter(_limit(dict(attributes), values, at))
        except Exception:
            log_internal_error("look for the tightest limit")
    totals.processes = int(not totals.is_empty)
    return totals


def _ours(data: Any) -> Iterator[Any]:
    """The metrics of our scope: another instrumentation may use the same `gen_ai` names."""
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            if scope.scope.name == c.SCOPE:
                yield from scope.metrics


def _limit(attributes: Attributes, values: Mapping[str, float], at: float) -> Limit | None:
    used, reset = values.get(c.RATE_LIMIT_UTILIZATION.name), values.get(c.RATE_LIMIT_RESET.name)
    if used is None:
        return None
    name = str(attributes.get(c.RATE_LIMIT_NAME, c.OTHER))
    return Limit(name, attributes.get(c.REQUEST_MODEL), used, at, None if reset is None else at + reset)


def _model(attributes: Attributes) -> str:
    return str(attributes.get(c.RESPONSE_MODEL) or attributes.get(c.REQUEST_MODEL) or c.OTHER)


def _calls(attributes: Attributes, point: Any) -> Rows:
    yield ("call", _model(attributes)), point.value
    yield from _by(attributes, point, error=c.ERROR_TYPE, stop=c.STOP_REASON)


def _results(attributes: Attributes, point: Any) -> Rows:
    model = str(attributes.get(c.RESPONSE_MODEL, ""))
    yield ("result", str(attributes.get(c.BATCH_RESULT, c.OTHER)), model), point.value
    yield from _by(attributes, point, stop=c.STOP_REASON)


def _by(attributes: Attributes, point: Any, **names: str) -> Rows:
    for kind, name in names.items():
        if name in attributes:
            yield (kind, str(attributes[name])), point.value


def _cost(attributes: Attributes, point: Any) -> Rows:
    amount = _pico(point)
    yield ("cost", str(attributes.get(c.COST_TYPE, c.OTHER)), _model(attributes)), amount
    if attributes.get(c.OPERATION_NAME) == c.BATCH:
        yield ("batched",), amount


def _tokens(name: str) -> Callable[[Attributes, Any], Rows]:
    return lambda attributes, point: [(("tokens", name, _model(attributes)), point.value)]


def _pico(point: Any) -> int:
    return round(point.value * PICO_PER_USD)


_SUMS: Final[dict[str, Callable[[Attributes, Any], Rows]]] = {
    c.CALLS.name: _calls,
    c.BATCH_RESULTS.name: _results,
    c.ATTEMPTS.name: lambda found, point: _by(found, point, attempt=c.ATTEMPT_OUTCOME, blocked=c.BLOCKED_REASON),
    c.UNPRICED.name: lambda found, point: [
        (("unpriced", str(found.get(c.UNPRICED_REASON, c.OTHER)), _model(found)), point.value)
    ],
    c.SERVER_TOOL_CALLS.name: lambda found, point: _by(found, point, tool=c.TOOL_NAME),
    c.RETRY_DELAY.name: lambda _, point: [(("waited",), round(point.sum * 1000))],
    c.INPUT_TOKENS.name: _tokens(TOTAL_INPUT),
    c.OUTPUT_TOKENS.name: _tokens("output"),
    c.CACHE_READ_TOKENS.name: _tokens("cache_read"),
    c.CACHE_WRITE_TOKENS.name: lambda found, point: _tokens(f"cache_write_{found.get(c.CACHE_TTL, '5m')}")(
        found, point
    ),
    c.REASONING_TOKENS.name: _tokens(THINKING),
    c.COST.name: _cost,
    c.CACHE_SAVINGS.name: lambda _, point: [(("saved",), _pico(point))],
    c.CACHE_OVERHEAD.name: lambda _, point: [(("overhead",), _pico(point))],
}
