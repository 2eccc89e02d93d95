"""What one token of each type costs in a context: model, day, platform, tier, speed, region.

Knows the rules that multiply prices; knows no usage.
token price = price(model, day, speed, prompt tier) x 0.5 if batch x 1.1 if US x platform's premium x the user's factors
(pricing page of 2026-10-10; they all multiply). Web searches are added and only multiplied by the user's factors.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from otel_claude.pricing.types import Discount, Endpoint, Model, Period, PlatformRules, Prices

_PER_PICO = 10**6
"""The table's unit of money, 1e-18 USD, per pico-dollar."""
_ONE = Fraction(1)


class Rate(NamedTuple):
    """Pico-dollars per token by type, times the rates' denominator."""

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    saving: int
    """Of a cache read, against uncached input."""
    overhead_5m: int
    """Of a cache write, above uncached input."""
    overhead_1h: int


class Rates(NamedTuple):
    """All rates of one context, in pico-dollars per token or search, times `denominator`."""

    base: Rate
    tiers: tuple[tuple[int, Rate], ...]
    """Rates of longer prompts, by their strict bound, ascending."""
    web_search: int | None
    denominator: int
    """1 for every list price with every published modifier: only a user's own numbers can be finer."""
    caveats: tuple[str, ...]
    """Why a price made of these is only a lower bound."""

    def of(self, prompt: int) -> Rate:
        """The rate of a request with so many tokens of total input."""
        rate = self.base
        for over, higher in self.tiers:
            if prompt > over:  # strictly: 100,000 tokens are still the lower price (pricing page)
                rate = higher
        return rate


class PricingContext(NamedTuple):
    """What the response and the client say about how it was served."""

    day: int
    platform: str
    endpoint: Endpoint | None
    tier: str | None
    speed: str | None
    geo: str | None
    markup: Fraction | None
    """What a gateway multiplies the price by. None if that is not known."""


def prepare(model: Model, at: PricingContext, rules: PlatformRules, discounts: Iterable[Discount]) -> Rates | str:
    """The rates of a model, or the reason why it has none."""
    reason = _unknown(model, at)
    if reason is not None:
        return reason
    period = _in_force(model.standard, at.day)
    if period is None:
        return "not_yet_priced"
    if at.speed == "fast":
        # Fast mode does not go with batch (fast-mode page); where it does not exist, the answer contradicts the rules.
        fast = _in_force(model.fast, at.day) if rules.fast and at.tier != "batch" else None
        if fast is None:
            return "unknown_speed"
        rows = [(over, _fast(period.prices, prices)) for over, prices in ((0, fast.prices), *fast.tiers)]
    else:
        rows = [(over, list(map(Fraction, prices))) for over, prices in ((0, period.prices), *period.tiers)]

    caveats: list[str] = []
    markup = _markup(at, caveats)
    factor = markup * _us(model, at, rules, caveats) * _premium(model, at, rules, caveats)
    if at.tier == "batch":
        factor *= model.batch or 1
    discount = max((row for row in discounts if _applies(row, model, at)), key=_is_specific, default=None)
    if discount is not None:
        factor *= discount.factor
    search: Fraction | None = None
    if model.web_search is not None and rules.web_search:
        search = markup * Fraction(model.web_search, _PER_PICO)
        if discount is not None and discount.web_search:
            search *= discount.factor
        if at.tier == "batch":  # Not published whether halved, so half of it is what is sure.
            search /= 2
    return _whole(
        sorted((over, [price * factor / _PER_PICO for price in prices]) for over, prices in rows), search, caveats
    )


def _unknown(model: Model, at: PricingContext) -> str | None:
    """Why nothing is known of the price, before any date is looked at."""
    if model.unpriced:
        return "no_published_price"
    if at.tier == "priority":
        return "priority_tier"
    if at.tier not in (None, "standard", "batch") or (at.tier == "batch" and model.batch is None):
        return "unknown_service_tier"
    if at.speed not in (None, "standard", "fast"):
        return "unknown_speed"
    return None


def _in_force(periods: tuple[Period, ...], day: int) -> Period | None:
    return next((period for period in periods if period.covers(day)), None)


def _fast(standard: Prices, fast: Prices) -> list[Fraction]:
    """Fast prices, with the cache prices that follow from the model's own ratios (fast-mode page)."""
    new, *cache, _ = standard
    ratio = Fraction(fast.input, new) if new else Fraction(0)
    return [Fraction(fast.input), *(price * ratio for price in cache), Fraction(fast.output)]


def _us(model: Model, at: PricingContext, rules: PlatformRules, caveats: list[str]) -> Fraction:
    if at.geo in (None, "global", "not_available"):
        return _ONE
    if at.geo == "us" and rules.inference_geo and model.us is not None:
        return model.us
    caveats.append("unknown_inference_geo")
    return _ONE


def _premium(model: Model, at: PricingContext, rules: PlatformRules, caveats: list[str]) -> Fraction:
    """What the endpoint multiplies prices by (pricing page: regional +10 % for 4.5 and later)."""
    if rules.regional is None or at.endpoint == "global":
        return _ONE
    if at.endpoint == "us_gov":
        if rules.us_gov is not None and model.regional_premium:
            return rules.us_gov
        caveats.append("unknown_endpoint")
        return _ONE
    if not model.regional_premium:
        return _ONE
    if at.endpoint is None:
        caveats.append("unknown_endpoint")
        return _ONE
    if at.platform == "foundry" and at.geo == "us":
        return _ONE  # A Data Zone's premium is the US premium; it is already applied.
    return rules.regional


def _markup(at: PricingContext, caveats: list[str]) -> Fraction:
    """What a gateway in between multiplies prices by."""
    if at.markup is None:
        caveats.append("unknown_endpoint")
        return _ONE
    return at.markup


def _applies(row: Discount, model: Model, at: PricingContext) -> bool:
    return (
        row.model in (None, model.id)
        and row.platform in (None, at.platform)
        and (row.start is None or row.start <= at.day)
        and (row.end is None or at.day < row.end)
    )


def _is_specific(row: Discount) -> tuple[bool, bool]:
    return row.model is not None, row.platform is not None


def _whole(rows: list[tuple[int, list[Fraction]]], search: Fraction | None, caveats: list[str]) -> Rates:
    """All rates over their common denominator. The first of the rows is the base, the others are tiers."""
    exact = [price for _, prices in rows for price in prices]
    common = lcm(*(price.denominator for price in (*exact, search or _ONE)))

    def whole(price: Fraction) -> int:
        return int(price * common)

    rates = [(over, _rate(*map(whole, prices))) for over, prices in rows]
    return Rates(rates[0][1], tuple(rates[1:]), None if search is None else whole(search), common, tuple(caveats))


def _rate(new: int, read: int, write_5m: int, write_1h: int, output: int) -> Rate:
    return Rate(new, read, write_5m, write_1h, output, new - read, write_5m - new, write_1h - new)
