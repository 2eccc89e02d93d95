"""What calls alike share: made once, found by one lookup, so that a call adds counts and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from .. import semconv
from ..pricing import Rates
from ..tags import Tags
from .attributes import AttributeSet
from .call import ClientInfo
from .counters import Increment
from .span_attributes import of_service

_MODALITY: Final = (semconv.TOKEN_MODALITY, "unknown")
"""Anthropic gives no split by modality, and the convention requires the attribute."""
_5M: Final = (semconv.CACHE_TTL, "5m")
_1H: Final = (semconv.CACHE_TTL, "1h")


class SeriesKey(NamedTuple):
    """What an ordinary call says of itself: one response, with token counts and names alone."""

    client: ClientInfo
    request_model: str | None
    response_model: str | None
    stop_reason: str | None
    service_tier: str | None
    speed: str | None
    inference_geo: str | None
    workspace_id: str | None
    tags: Tags
    day: float
    """Of the prices, from 1970-01-01 UTC."""


class CallSeries:
    """The attribute sets, the rates and the constant span attributes of ordinary calls that are alike.

    Attributes:
        rates: pico-dollars per token, or None where an ordinary call cannot be priced by rates alone.
        histogram_attributes: of duration, tokens and cost.
        span_attributes: what is the same on the span of each of them, without their tags.
    """

    def __init__(
        self, key: SeriesKey, base: AttributeSet, histogram_attributes: AttributeSet, rates: Rates | None, table: str
    ) -> None:
        """`base`: the attributes that all counters of these calls have."""
        self.rates = rates
        self.histogram_attributes = histogram_attributes
        self.span_attributes = of_service("exact", table, key.client, key.speed, key.inference_geo)
        tokens = base.plus(_MODALITY)
        served = served_attributes(base, key.service_tier, key.speed, key.inference_geo)
        self._calls = base.plus((semconv.STOP_REASON, key.stop_reason))
        self._attempts = base.plus((semconv.STATUS_CODE, 200), (semconv.ATTEMPT_OUTCOME, "success"))
        self._tokens = tokens
        self._writes_5m, self._writes_1h = tokens.plus(_5M), tokens.plus(_1H)
        self._costs = tuple(served.plus((semconv.COST_TYPE, name)) for name in semconv.COST_TYPES)
        self._cache = base, base.plus(_5M), base.plus(_1H)

    def increments(self, calls: int, sums: Sequence[int]) -> Sequence[Increment]:
        """Of so many calls. `sums`: uncached input, output, cache reads, cache writes (5m, 1h) and thinking."""
        if self.rates is None:
            return ()
        uncached, output, read, write_5m, write_1h, thinking = sums
        rate = self.rates.base
        costs, cache = self._costs, self._cache
        return (
            Increment(semconv.CALLS.name, self._calls, calls),
            Increment(semconv.ATTEMPTS.name, self._attempts, calls),
            Increment(semconv.INPUT_TOKENS.name, self._tokens, uncached + read + write_5m + write_1h),
            Increment(semconv.OUTPUT_TOKENS.name, self._tokens, output),
            Increment(semconv.CACHE_READ_TOKENS.name, self._tokens, read),
            Increment(semconv.CACHE_WRITE_TOKENS.name, self._writes_5m, write_5m),
            Increment(semconv.CACHE_WRITE_TOKENS.name, self._writes_1h, write_1h),
            Increment(semconv.REASONING_TOKENS.name, self._tokens, thinking),
            Increment(semconv.COST.name, costs[0], uncached * rate.input),
            Increment(semconv.COST.name, costs[1], read * rate.cache_read),
            Increment(semconv.COST.name, costs[2], write_5m * rate.cache_write_5m),
            Increment(semconv.COST.name, costs[3], write_1h * rate.cache_write_1h),
            Increment(semconv.COST.name, costs[4], output * rate.output),
            Increment(semconv.CACHE_SAVINGS.name, cache[0], read * rate.saving),
            Increment(semconv.CACHE_OVERHEAD.name, cache[1], write_5m * rate.overhead_5m),
            Increment(semconv.CACHE_OVERHEAD.name, cache[2], write_1h * rate.overhead_1h),
        )


_DEFAULT_GEOS: Final = (None, "global", "not_available")


def served_attributes(
    base: AttributeSet, service_tier: str | None, speed: str | None, inference_geo: str | None
) -> AttributeSet:
    """The attributes of cost: how the response was served, where that changes the price."""
    geo = None if inference_geo in _DEFAULT_GEOS else inference_geo
    return base.plus(
        (semconv.RESPONSE_SERVICE_TIER, service_tier), (semconv.SPEED, speed), (semconv.INFERENCE_GEO, geo)
    )
